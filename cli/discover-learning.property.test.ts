import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ReadEvent } from '#formats';
import { type BehaviourProfile, type EntityChange, localSerdes, type Policy } from '#schemas';
import { testDriver } from '#streams';
import { discoveryDefaults, discoveryTopology, knownEmitters } from '../pipelines/discovery/index.ts';
import { enrichDefaults, enrichTopology } from '../pipelines/enrich/index.ts';
import {
  type Acting,
  entities,
  eventMaker,
  keyOf,
  pods,
  type SampleEvent,
  topicOf,
} from '../pipelines/enrich/sample-cluster.ts';
import { Learning } from './discover-learning.ts';

const tenant = 'capture';
const emit = knownEmitters;

type Fed = { readonly entity: EntityChange } | { readonly event: SampleEvent };

const acting: fc.Arbitrary<Acting> = fc.oneof(
  fc.record({
    pod: fc.constantFrom(...Object.values(pods)),
    bare: fc.boolean(),
    verdict: fc.constantFrom('ALLOW', 'ALLOW', 'ALLOW', 'AUDIT', 'DENY'),
  }),
  fc.constant({ pod: { ...pods.web0, containers: [{ name: 'x', id: 'nobody' }] }, bare: true }),
  fc.constant({ pod: { ...pods.web0, containers: [{ name: 'host', id: '' }] }, bare: true }),
);
const path = fc.constantFrom('/etc/app.conf', '/usr/bin/tool', '/proc/77/status', '/data/tmp-4711');
const address = fc.constantFrom(
  '10.1.0.10',
  '10.1.0.20',
  '10.96.0.7',
  '127.0.0.1',
  '192.0.2.7',
  'no address',
);
const happening = fc.oneof(
  fc.tuple(acting, path).map(
    ([who, what]) =>
      (make: Make) =>
        make.open(who, what, 'rw'),
  ),
  fc.tuple(acting, path).map(
    ([who, what]) =>
      (make: Make) =>
        make.exec(who, what),
  ),
  fc.tuple(acting, fc.constantFrom('ptrace', 'mount')).map(
    ([who, what]) =>
      (make: Make) =>
        make.syscall(who, what),
  ),
  fc.tuple(acting, address, fc.constantFrom(6379, 6380), fc.constantFrom('CONNECT', 'ACCEPT', 'SOCKET')).map(
    ([who, remoteAddress, port, operation]) =>
      (make: Make) =>
        make.network(who, { operation, remoteAddress, remotePort: port, localPort: port }),
  ),
);
type Make = ReturnType<typeof eventMaker>;

const history: fc.Arbitrary<Fed[]> = fc
  .array(
    fc.oneof({ weight: 4, arbitrary: happening }, { weight: 1, arbitrary: fc.constantFrom(...entities()) }),
    {
      maxLength: 60,
    },
  )
  .map(steps => {
    const make = eventMaker();
    return steps.map(step => (typeof step === 'function' ? { event: step(make) } : { entity: step }));
  });

function throughTopologies(fed: readonly Fed[]) {
  const serdes = localSerdes();
  const enrich = testDriver(enrichTopology({ tenant, serdes }));
  for (const each of fed) {
    if ('entity' in each)
      enrich.pipe(`${tenant}.entities.v1`, { key: keyOf.entity(each.entity), value: each.entity });
    else enrich.pipe(`${tenant}.${topicOf(each.event)}`, { key: keyOf.event(each.event), value: each.event });
  }
  for (let i = 0; i < 2; i++) enrich.advance(enrichDefaults.holdMs + enrichDefaults.flushMs);
  const profiles = new Map<string, BehaviourProfile>();
  for (const { key, value } of enrich.read<string, BehaviourProfile>(`${tenant}.behaviours.v1`))
    profiles.set(key, value);
  const discovery = testDriver(discoveryTopology({ tenant, serdes, settings: { emit } }));
  discovery.pipe(
    `${tenant}.behaviours.v1`,
    [...profiles].map(([key, value]) => ({ key, value })),
  );
  discovery.advance(discoveryDefaults.maxWaitMs);
  const policies = discovery.read<string, Policy>(`${tenant}.policies.v1`).map(({ value }) => value);
  const dropped = ['verdict', 'host', 'irrelevant'].map(
    reason => [reason, enrich.counters.get(`records.dropped.${reason}`)] as const,
  );
  return {
    policies: policies.sort((a, b) => (a.policyId < b.policyId ? -1 : 1)),
    learned: enrich.counters.get('events.learned'),
    ignored: Object.fromEntries(dropped.filter(([, count]) => count > 0)),
    deadLetters: enrich
      .deadLetters()
      .map(({ code, message }) => `${code} ${message.replace(/^\S+\/\d+@\d+: /, '')}`)
      .sort(),
  };
}

const read = (event: SampleEvent): ReadEvent => ({ topic: topicOf(event), event, subject: { labels: {} } });

function atOnce(fed: readonly Fed[]) {
  const learning = new Learning({ emit });
  for (const each of fed) {
    if ('entity' in each)
      learning.entity({
        key: keyOf.entity(each.entity),
        value: each.entity,
        timestampMs: each.entity.observedAt / 1000,
      });
    else learning.event(read(each.event));
  }
  const { deadLetters, ...rest } = learning.finish();
  return { ...rest, deadLetters: deadLetters.map(({ code, message }) => `${code} ${message}`).sort() };
}

describe('what sluice discover makes of events', () => {
  it('is what the two pipelines make of them: policies with their evidence, what is held, put aside and left out', () => {
    fc.assert(
      fc.property(history, fed => {
        expect(atOnce(fed)).toEqual(throughTopologies(fed));
      }),
      { numRuns: 60 },
    );
  });

  it('refuses an event that could not be written to a topic, naming the field', () => {
    const event = eventMaker().open({ pod: pods.web0 }, '/x');
    const learning = new Learning({ emit });
    expect(() => learning.event(read({ ...event, time: Number.NaN }))).toThrow(/FileEvent.time/);
    expect(learning.finish().learned).toBe(0);
  });
});
