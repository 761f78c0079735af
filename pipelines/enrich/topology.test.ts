import { describe, expect, it } from 'vitest';
import { type BehaviourProfile, type EntityChange, localSerdes, withDefaults } from '#schemas';
import { type DeadLetter, manualClock, type TestDriver, testDriver } from '#streams';
import {
  entities,
  eventMaker,
  keyOf,
  ordinaryEvents,
  podChange,
  pods,
  type SampleEvent,
  topicOf,
} from './sample-cluster.ts';
import { enrichTopology } from './topology.ts';

const serdes = localSerdes();
const settings = { flushMs: 100, evidenceMs: 1000, holdMs: 5000, holdLimit: 3 };

function start({
  hosts = true,
  ...options
}: {
  readonly partitions?: number;
  readonly hosts?: boolean;
} = {}) {
  const topology = enrichTopology({ tenant: 'default', serdes, settings: { ...settings, hosts } });
  return testDriver(topology, { clock: manualClock(1_000_000), ...options });
}

function tell(driver: TestDriver, changes: readonly EntityChange[]) {
  driver.pipe(
    'default.entities.v1',
    changes.map(value => ({ key: keyOf.entity(value), value })),
  );
}

function feed(driver: TestDriver, events: readonly SampleEvent[]) {
  for (const value of events) driver.append(`default.${topicOf(value)}`, { key: keyOf.event(value), value });
  driver.run();
}

/** The latest snapshot of each key. */
function profiles(driver: TestDriver): Map<string, BehaviourProfile> {
  for (let i = 0; i < 4; i++) driver.advance(settings.flushMs);
  const records = driver.read<string, BehaviourProfile>('default.behaviours.v1');
  return new Map(records.map(({ key, value }) => [key, value]));
}

const ofNode = <E extends SampleEvent>(event: E): E => ({
  ...event,
  container: withDefaults('Container', { id: '' }),
});

const web = 'east/shop/Deployment/web/nginx';

describe('enrich', () => {
  it('looks as its picture', async () => {
    await expect(enrichTopology({ tenant: 'default', serdes }).describe()).toMatchFileSnapshot(
      'golden/topology.txt',
    );
  });

  it('learns what each container of each workload does, all replicas together', () => {
    const driver = start();
    tell(driver, entities());
    feed(driver, ordinaryEvents());
    const learned = profiles(driver);
    expect([...learned.keys()].sort()).toEqual([
      'east/shop/Deployment/web/nginx',
      'east/shop/Deployment/web/sidecar',
      'east/shop/StatefulSet/db/redis',
    ]);
    const { selector, images, behaviours } = learned.get(web)!;
    expect(selector).toEqual({ app: 'web' });
    expect(images).toEqual(['nginx:1']);
    const peers = behaviours.flatMap(({ operation, transport, port, peer }) =>
      peer ? [[operation, transport, port, peer.type, peer.workload || peer.value]] : [],
    );
    // The Service's port and address became those of the pods behind it; ephemeral ports are nowhere.
    expect(peers).toEqual([
      ['ACCEPT', 'TCP', 80, 'ADDRESS', '192.0.2.7/32'],
      ['CONNECT', 'TCP', 6379, 'WORKLOAD', 'db'],
      ['CONNECT', 'TCP', 6379, 'WORKLOAD', 'db'],
      ['CONNECT', 'TCP', 9000, 'ENTITY', 'self'],
    ]);
    expect(driver.deadLetters()).toEqual([]);
  });

  it('says at which offsets the evidence lies', () => {
    const driver = start();
    tell(driver, entities());
    const make = eventMaker();
    feed(driver, [make.open({ pod: pods.web0 }, '/a'), make.open({ pod: pods.web1 }, '/a')]);
    const [behaviour] = profiles(driver).get(web)!.behaviours;
    const { count, replicas, samples } = behaviour!.evidence;
    expect({ count, replicas }).toEqual({ count: 2, replicas: ['web-0', 'web-1'] });
    expect(samples.map(({ topic, offset }) => `${topic}@${offset}`).sort()).toEqual([
      'default.events.file.v1@0',
      'default.events.file.v1@1',
    ]);
  });

  it('does not learn what was audited or denied, nor, where it is told so, what nodes do, and counts both', () => {
    const driver = start({ hosts: false });
    tell(driver, entities());
    const make = eventMaker();
    const host = make.open({ pod: pods.web0 }, '/etc/passwd');
    feed(driver, [
      make.open({ pod: pods.web0, verdict: 'DENY' }, '/etc/shadow'),
      make.open({ pod: pods.web0, verdict: 'AUDIT' }, '/etc/shadow'),
      ofNode(host),
    ]);
    expect([...profiles(driver).values()].flatMap(each => each.behaviours)).toEqual([]);
    expect(driver.counters.get('records.dropped.verdict')).toBe(2);
    expect(driver.counters.get('records.dropped.host')).toBe(1);
  });

  it('notes when something was denied, also from alerts, which are the only record of it', () => {
    const driver = start();
    tell(driver, entities());
    const { origin, time, container, process, file } = eventMaker().open({ pod: pods.web0 }, '/etc/shadow');
    const rule = { policyId: 'p', ruleId: 'file/default', generation: 1 };
    const head = { origin, time, container, process, verdict: 'DENY' as const, rule };
    const alerts = [withDefaults('Alert', { ...head, file }), withDefaults('Alert', head)];
    driver.pipe(
      'default.alerts.v1',
      alerts.map(value => ({ key: 'k', value })),
    );
    expect(profiles(driver).get(web)).toMatchObject({
      behaviours: [],
      alerts: [Math.floor(time / 60_000_000)],
    });
    expect(driver.counters.get('records.dropped.verdict')).toBe(1);
    expect(driver.counters.get('records.dropped.irrelevant')).toBe(1);
  });

  it('learns what belongs to no container as its node’s, selected by the node’s host name', () => {
    const driver = start();
    const make = eventMaker();
    feed(driver, [
      ofNode(make.open({ pod: pods.web0 }, '/etc/machine-id')),
      ofNode(make.open({ pod: pods.web1 }, '/boot/x')),
    ]);
    const nodes = [...profiles(driver)].map(([key, { selector, behaviours }]) => ({
      key,
      selector,
      objects: behaviours.map(({ object, evidence: { replicas } }) => [object, ...replicas]),
    }));
    expect(nodes).toMatchObject([
      { key: 'east//Node/node-1/', selector: { 'kubernetes.io/hostname': 'node-1' } },
    ]);
    const node = withDefaults('NodeProjection', { labels: { 'kubernetes.io/hostname': 'node-1.example' } });
    tell(driver, [
      withDefaults('EntityChange', {
        ...{ cluster: 'east', kind: 'Node', namespace: '', name: 'node-1', uid: 'node-1', op: 'ADDED', node },
        ...{ observedAt: 1, cause: 'list' },
      }),
    ]);
    feed(driver, [ofNode(make.open({ pod: pods.web0 }, '/etc/hostname'))]);
    expect(profiles(driver).get('east//Node/node-1/')!.selector).toEqual({
      'kubernetes.io/hostname': 'node-1.example',
    });
  });

  it('puts aside what belongs to no container and to no node that is told', () => {
    const driver = start();
    const nowhere = ofNode(eventMaker().open({ pod: pods.web0 }, '/x'));
    feed(driver, [{ ...nowhere, origin: { ...nowhere.origin, node: '' } }]);
    expect(driver.deadLetters().map(({ message }) => message)).toEqual([
      expect.stringContaining(
        'node-unknown: it belongs to no container, and its agent does not name the node',
      ),
    ]);
  });

  it('waits for a container that is not known yet', () => {
    const driver = start();
    const make = eventMaker();
    feed(driver, [make.open({ pod: pods.web0, bare: true }, '/early')]);
    expect(profiles(driver).size).toBe(0);
    tell(driver, entities());
    expect(
      profiles(driver)
        .get(web)!
        .behaviours.map(({ object }) => object),
    ).toEqual(['/early']);
    expect(driver.counters.get('events.held')).toBe(1);
  });

  it('keeps what waits over a crash', () => {
    const driver = start();
    feed(driver, [eventMaker().open({ pod: pods.web0, bare: true }, '/early')]);
    driver.crash();
    driver.recover();
    tell(driver, entities());
    expect(profiles(driver).get(web)!.behaviours).toHaveLength(1);
  });

  it('puts aside, byte for byte, what waited too long, and at once what finds no room to wait', () => {
    const driver = start();
    const make = eventMaker();
    const events = Array.from({ length: 4 }, (_, i) =>
      make.open({ pod: pods.web0, bare: true }, `/early-${i}`),
    );
    feed(driver, events);
    const letterOf = ({ code, offset, value }: DeadLetter) => ({ code, offset, value });
    const bytesOf = (event: SampleEvent) => serdes.of('events.file.v1').serialize(event as never);
    expect(driver.deadLetters().map(letterOf)).toEqual([
      { code: 'IDENTITY_UNKNOWN', offset: 3, value: bytesOf(events[3]!) },
    ]);
    driver.advance(settings.holdMs + settings.flushMs);
    driver.advance(settings.flushMs);
    expect(driver.deadLetters().slice(1).map(letterOf)).toEqual(
      [0, 1, 2].map(i => ({ code: 'IDENTITY_UNKNOWN', offset: i, value: bytesOf(events[i]!) })),
    );
    tell(driver, entities());
    expect(profiles(driver).size).toBe(0);
  });

  it('guesses nobody where two pods may have held an address at that time', () => {
    const driver = start();
    const stolen = {
      ...pods.web1,
      name: 'other-0',
      uid: 'uid-other',
      owner: 'other',
      address: pods.db0.address,
    };
    tell(driver, [...entities(), podChange({ ...stolen, containers: [] })]);
    const make = eventMaker();
    feed(driver, [
      make.network(
        { pod: pods.web0 },
        { operation: 'CONNECT', remoteAddress: pods.db0.address, remotePort: 6379 },
      ),
    ]);
    expect(driver.deadLetters()).toMatchObject([
      { code: 'IDENTITY_UNKNOWN', message: expect.stringContaining('peer-ambiguous') },
    ]);
  });

  it('puts aside records that are cut off, corrupt or of an unknown schema, and learns from the rest', () => {
    const driver = start();
    tell(driver, entities());
    const topic = 'default.events.file.v1';
    const event = eventMaker().open({ pod: pods.web0 }, '/good');
    const good = serdes.of('events.file.v1').serialize(event);
    const unknown = Buffer.from(good);
    unknown.writeInt32BE(999_999, 1);
    const key = Buffer.from(keyOf.event(event));
    const trailing = Buffer.concat([good, Buffer.from([7])]);
    const bad = [good.subarray(0, 3), trailing, unknown, good.subarray(0, good.length - 2)];
    driver.pipeBytes([...bad, good].map(value => ({ topic, key, value })));
    expect(
      driver.deadLetters().map(({ code, topic, offset, value }) => [code, topic, offset, value]),
    ).toEqual([
      ['RECORD_TRUNCATED', topic, 0, bad[0]],
      ['RECORD_CORRUPT', topic, 1, bad[1]],
      ['SCHEMA_UNKNOWN', topic, 2, bad[2]],
      ['RECORD_TRUNCATED', topic, 3, bad[3]],
    ]);
    expect(
      profiles(driver)
        .get(web)!
        .behaviours.map(({ object }) => object),
    ).toEqual(['/good']);
  });

  it('publishes soon what is new and seldom what is more of the same', () => {
    const driver = start();
    tell(driver, entities());
    const make = eventMaker();
    feed(driver, [make.open({ pod: pods.web0 }, '/a')]);
    expect(profiles(driver).size).toBe(1);
    driver.advance(settings.evidenceMs);
    driver.read('default.behaviours.v1');
    feed(driver, [make.open({ pod: pods.web0 }, '/a')]);
    expect(profiles(driver).size).toBe(0);
    driver.advance(settings.evidenceMs);
    expect(profiles(driver).get(web)!.behaviours[0]!.evidence.count).toBe(2);
  });

  it('passes on with the present time what it learned from old events, lest retention takes it unread', () => {
    const driver = start();
    tell(driver, entities());
    feed(driver, ordinaryEvents());
    driver.advance(settings.flushMs);
    const between = driver.records('enrich-grown-repartition');
    expect(between.length).toBeGreaterThan(0);
    for (const { timestampMs } of between) expect(timestampMs).toBe(driver.clock.now());
  });
});
