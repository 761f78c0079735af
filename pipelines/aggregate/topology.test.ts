import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Alert,
  entityKey,
  eventKey,
  type FlowAggregate,
  localSerdes,
  type NetworkAccessInput,
  type NetworkEvent,
  withDefaults,
} from '#schemas';
import { manualClock, type TestDriver, testDriver } from '#streams';
import { entities, eventMaker, podChange, pods, startUs } from '../enrich/sample-cluster.ts';
import { aggregateTopology } from './topology.ts';

const serdes = localSerdes();
const minuteUs = 60_000_000;
const web = { pod: pods.web0 };
const toService: Partial<NetworkAccessInput> = {
  ...{ operation: 'CONNECT', remoteAddress: '10.96.0.7', remotePort: 6380, localPort: 51_000 },
};

function start(options: { readonly partitions?: number } = {}): TestDriver {
  const driver = testDriver(aggregateTopology({ tenant: 'default', serdes }), {
    clock: manualClock(1_000_000),
    ...options,
  });
  driver.pipe(
    'default.entities.v1',
    entities().map(value => ({ key: entityKey(value), value })),
  );
  return driver;
}

const at = (event: NetworkEvent, minute: number, second = 0): NetworkEvent => ({
  ...event,
  time: startUs + minute * minuteUs + second * 1_000_000,
});

/** Flows of the first hour. Something that comes an hour later closes the last windows. */
function flows(driver: TestDriver, events: readonly NetworkEvent[], late = events): FlowAggregate[] {
  for (const value of [...events, ...late.map(event => at(event, 60))]) {
    driver.append('default.events.network.v1', { key: eventKey(value), value });
    driver.run();
  }
  return driver
    .read<string, FlowAggregate>('default.flows-1m.v1')
    .map(({ value }) => value)
    .filter(({ windowStart }) => windowStart < startUs + 60 * minuteUs);
}

describe('aggregate', () => {
  it('looks as its picture', async () => {
    await expect(aggregateTopology({ tenant: 'default', serdes }).describe()).toMatchFileSnapshot(
      'golden/topology.txt',
    );
  });

  it('counts the flows of each minute between workloads, at the port behind a Service', () => {
    const driver = start();
    const make = eventMaker();
    const events = [0, 10, 59].map(second => at(make.network(web, toService), 0, second));
    const next = at(make.network({ pod: pods.web1 }, toService), 1);
    const found = flows(driver, [...events, next], [next]);
    expect(found).toMatchObject([
      {
        ...{ windowStart: startUs, windowEnd: startUs + minuteUs, cluster: 'east', flows: 3 },
        source: { type: 'WORKLOAD', namespace: 'shop', workloadKind: 'Deployment', workload: 'web' },
        destination: { type: 'WORKLOAD', namespace: 'shop' },
        ...{ transport: 'TCP', port: 6379, verdict: 'ALLOW', reporter: 'SOURCE' },
      },
      { windowStart: startUs + minuteUs, flows: 1 },
    ]);
  });

  it('keeps apart what each end tells, so that nothing is counted twice in one aggregate', () => {
    const make = eventMaker();
    const sent = at(make.network(web, { ...toService, remoteAddress: '10.1.0.20', remotePort: 6379 }), 0);
    const accepted: Partial<NetworkAccessInput> = {
      ...{ operation: 'ACCEPT', localPort: 6379, remoteAddress: '10.1.0.10', remotePort: 51_000 },
    };
    const heard = at(make.network({ pod: pods.db0 }, accepted), 0);
    const found = flows(start(), [sent, heard]);
    expect(
      found.map(({ reporter, source, destination, flows: count }) => [
        ...[reporter, source.workload, destination.workload, count],
      ]),
    ).toEqual(
      expect.arrayContaining([
        ['SOURCE', 'web', 'db', 1],
        ['DESTINATION', 'web', 'db', 1],
      ]),
    );
    expect(found).toHaveLength(2);
  });

  it('tells denied flows, which are in alerts only, with all the hits that an alert stands for', () => {
    const driver = start();
    const { network, ...head } = at(eventMaker().network({ ...web, verdict: 'DENY' }, toService), 0);
    const rule = withDefaults('RuleRef', { policyId: 'p', ruleId: 'r', generation: 1 });
    const alert = withDefaults('Alert', { ...head, network, rule, suppressed: 4 }) as Alert;
    for (const value of [alert, { ...alert, time: alert.time + 60 * minuteUs }])
      driver.append('default.alerts.v1', { key: eventKey(value), value });
    driver.run();
    const [first] = driver.read<string, FlowAggregate>('default.flows-1m.v1');
    expect(first!.key).toBe('east/shop/web');
    expect(first!.value).toMatchObject({ verdict: 'DENY', flows: 5 });
  });

  it('knows whose address it was at the time of the flow, not whose it is by now', () => {
    const driver = start();
    const later = startUs + 10 * minuteUs;
    const gone = podChange(pods.db0, { op: 'DELETED', observedAt: startUs + 5 * minuteUs });
    const taken = podChange(
      { ...pods.web1, name: 'web-9', uid: 'uid-web-9', address: pods.db0.address },
      { observedAt: later, startedAt: later },
    );
    driver.pipe(
      'default.entities.v1',
      [gone, taken].map(value => ({ key: entityKey(value), value })),
    );
    const direct = { ...toService, remoteAddress: pods.db0.address, remotePort: 6379 };
    const make = eventMaker();
    const found = flows(driver, [at(make.network(web, direct), 1), at(make.network(web, direct), 11)]);
    expect(found.map(({ destination }) => destination.workload)).toEqual(['db', 'web']);
  });

  it('tells no flow of sockets, the loopback and requests, and counts what it leaves out', () => {
    const driver = start();
    const make = eventMaker();
    const events = [
      make.network(web, { operation: 'SOCKET' }),
      make.network(web, { ...toService, remoteAddress: '127.0.0.1' }),
      make.network(web, { ...toService, http: withDefaults('HttpRequest', { method: 'GET', path: '/' }) }),
      make.network(
        { pod: { ...pods.web0, containers: [{ name: 'nginx', id: 'unknown' }] }, bare: true },
        toService,
      ),
    ];
    expect(flows(driver, events)).toEqual([]);
    expect(driver.counters.get('records.dropped.irrelevant')).toBe(6);
    expect(driver.counters.get('records.dropped.container-unknown')).toBe(2);
  });

  it('gives the same whatever the order within the grace and however many partitions there are', () => {
    const make = eventMaker();
    const events = [0, 5, 12, 29].flatMap(second =>
      [web, { pod: pods.web1 }].map(who => at(make.network(who, toService), 0, second)),
    );
    const [last] = events;
    const sorted = (found: readonly FlowAggregate[]) => found.map(each => JSON.stringify(each)).sort();
    const expected = sorted(flows(start(), events, [last!]));
    fc.assert(
      fc.property(
        fc.shuffledSubarray(events, { minLength: events.length }),
        fc.constantFrom(1, 3),
        (order, partitions) => {
          expect(sorted(flows(start({ partitions }), order, [last!]))).toEqual(expected);
        },
      ),
      { numRuns: 30 },
    );
  });
});
