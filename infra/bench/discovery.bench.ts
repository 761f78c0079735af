/**
 * How fast events become candidate policies.
 *
 * Two figures, on one core: `learn` is from decoded events to policies without any log in between; `topologies` is the
 * same through both topologies with serialised records in memory. The last line is one JSON object.
 */

import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { behaviourKey, localSerdes, type Policy, topicName } from '#schemas';
import { testDriver } from '#streams';
import { discoveryTopology, emitterNames, makePolicy } from '../../pipelines/discovery/index.ts';
import { EntityIntervals } from '../../pipelines/enrich/entity-intervals.ts';
import { Learner } from '../../pipelines/enrich/learner.ts';
import type { GrowingProfile } from '../../pipelines/enrich/profile.ts';
import {
  entities,
  eventMaker,
  keyOf,
  pods,
  type SampleEvent,
  topicOf,
} from '../../pipelines/enrich/sample-cluster.ts';
import { enrichTopology } from '../../pipelines/enrich/topology.ts';

const tenant = 'default';
const behaviours = 500;
const learnEvents = 400_000;
const topologyEvents = 100_000;

/** Each pod's behaviours over and over, in a fixed order that looks random. */
function* stream(count: number): Iterable<SampleEvent> {
  const make = eventMaker('bench');
  const acting = Object.values(pods);
  for (let i = 0; i < count; i++) {
    const pod = acting[i % acting.length]!;
    const which = (i * 7919) % behaviours;
    if (which % 10 === 0)
      yield make.network(
        { pod },
        { operation: 'CONNECT', remoteAddress: '10.96.0.7', remotePort: 6380, localPort: i % 60_000 },
      );
    else if (which % 10 === 1) yield make.exec({ pod }, `/usr/bin/tool-${which}`);
    else yield make.open({ pod }, `/srv/site/page-${which}.html`, which % 3 === 0 ? 'rw' : 'r');
  }
}

function learn(events: readonly SampleEvent[]) {
  const intervals = new EntityIntervals();
  for (const value of entities()) intervals.apply({ key: keyOf.entity(value), value, timestampMs: 0 });
  const grown = new Map<string, GrowingProfile>();
  const profilesByKey = {
    get: (key: string) => grown.get(key),
    put: (key: string, profile: GrowingProfile) => void grown.set(key, profile),
  };
  const learner = new Learner(intervals, profilesByKey, { hosts: true });
  const startMs = performance.now();
  let offset = 0;
  for (const event of events) learner.take(event, { topic: 't', partition: 0, offset: offset++ });
  const profiles = [...grown.values()].map(profile =>
    profile.record(workload => intervals.selector(workload)),
  );
  const byWorkload = Map.groupBy(profiles, profile => behaviourKey({ ...profile, container: '' }));
  const policies = [...byWorkload.values()].flatMap(each => makePolicy(each, emitterNames) ?? []);
  return {
    ms: performance.now() - startMs,
    rules: policies.reduce((sum, { rules }) => sum + rules.length, 0),
  };
}

function throughTopologies(events: readonly SampleEvent[]) {
  const serdes = localSerdes();
  const enrich = testDriver(enrichTopology({ tenant, serdes }));
  enrich.pipe(
    topicName(tenant, 'entities.v1'),
    entities().map(value => ({ key: keyOf.entity(value), value })),
  );
  for (const value of events)
    enrich.append(topicName(tenant, topicOf(value)), { key: keyOf.event(value), value });
  const startMs = performance.now();
  enrich.run();
  for (let i = 0; i < 2; i++) enrich.advance(30_000);
  const discovery = testDriver(discoveryTopology({ tenant, serdes }));
  const profiles = enrich.read<string, unknown>(topicName(tenant, 'behaviours.v1'));
  discovery.pipe(
    topicName(tenant, 'behaviours.v1'),
    profiles.map(({ key, value }) => ({ key, value })),
  );
  discovery.advance(30_000);
  const policies = discovery.read<string, Policy>(topicName(tenant, 'policies.v1'));
  return { ms: performance.now() - startMs, policies: policies.length };
}

const perSecond = (events: number, ms: number) => Math.round((events / ms) * 1000);

const all = [...stream(learnEvents)];
const warm = learn(all.slice(0, 50_000));
const direct = learn(all);
const driven = throughTopologies(all.slice(0, topologyEvents));
const result = {
  bench: 'discovery',
  events: learnEvents,
  learnEventsPerSecond: perSecond(learnEvents, direct.ms),
  rules: direct.rules,
  topologyEvents,
  topologyEventsPerSecond: perSecond(topologyEvents, driven.ms),
  policies: driven.policies,
};
process.stdout.write(`warm-up made ${warm.rules} rules\n${JSON.stringify(result)}\n`);
