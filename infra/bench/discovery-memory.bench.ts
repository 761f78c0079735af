/**
 * How much memory the state of enrich and discovery takes: what every workload was seen doing, and what discovery holds to make
 * its policy, in one process as the two hold them.
 *
 * First the same behaviours over and over, which must add nothing; then many workloads. The last line is one JSON object, in
 * bytes a behaviour and MB of resident memory: after the collector gave back what is free, and at most. It fails where the same
 * again adds something, or the defaults take more than 1.5 GB. Usage: node --expose-gc infra/bench/discovery-memory.bench.ts
 * [--workloads N] [--behaviours N] [--rounds N]
 */

import process from 'node:process';
import { parseArgs } from 'node:util';
import { StandingPolicies } from '#policy';
import { entityKey, localSerdes } from '#schemas';
import { HeldProfile } from '../../pipelines/discovery/held-profile.ts';
import { discoveryDefaults, firstPolicy } from '../../pipelines/discovery/index.ts';
import { type PlannedVersion, versionOf } from '../../pipelines/discovery/planned-version.ts';
import { EntityIntervals } from '../../pipelines/enrich/entity-intervals.ts';
import { Learner } from '../../pipelines/enrich/learner.ts';
import type { GrowingProfile } from '../../pipelines/enrich/profile.ts';
import { workloadEntities, workloadEvent } from './many-workloads.ts';

const { values: options } = parseArgs({
  options: {
    workloads: { type: 'string', default: '10000' },
    behaviours: { type: 'string', default: '500' },
    rounds: { type: 'string', default: '3' },
  },
});
const workloads = Number(options.workloads);
const behaviours = Number(options.behaviours);
const rounds = Number(options.rounds);

const mostGrowthBytes = 1_000_000;
const mostMb = 1500;

const collect = globalThis.gc;
if (!collect) throw new Error('run it with node --expose-gc');

function memory() {
  collect!({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
  return { rss, held: heapUsed + arrayBuffers };
}
const mb = (bytes: number) => Math.round(bytes / 1e6);

const records = localSerdes().of('behaviours.v1');

/** Both pipelines' state; planned policies go nowhere, as on a broker. */
class State {
  readonly intervals = new EntityIntervals();
  readonly profiles = new Map<string, GrowingProfile>();
  readonly held = new Map<string, HeldProfile>();
  readonly planned = new Map<string, PlannedVersion>();
  readonly standing = new StandingPolicies();
  readonly #learner = new Learner(
    this.intervals,
    { get: key => this.profiles.get(key), put: (key, profile) => void this.profiles.set(key, profile) },
    { hosts: false },
  );
  #offset = 0;

  constructor(count: number) {
    for (let workload = 0; workload < count; workload++)
      for (const value of workloadEntities(workload))
        this.intervals.apply({ key: entityKey(value), value, timestampMs: 0 });
  }

  learn(workload: number, round: number): void {
    for (let behaviour = 0; behaviour < behaviours; behaviour++) {
      const place = { topic: 'default.events.file.v1', partition: workload % 6, offset: this.#offset++ };
      const event = workloadEvent({ workload, behaviour, round, workloads });
      const { type } = this.#learner.take(event, place);
      if (type !== 'learned') throw new Error(`an event was ${type}`);
    }
  }

  /** What a published profile leaves in discovery. */
  plan(key: string): void {
    const profile = this.profiles.get(key)!.record(workload => this.intervals.selector(workload));
    this.held.set(key, new HeldProfile(profile, records));
    const policy = firstPolicy([profile], discoveryDefaults)!;
    this.planned.set(policy.policyId, versionOf(policy));
    this.standing.apply({ key: policy.policyId, value: policy });
  }
}

/** Held after each so many more rounds of the same. */
function repeated(): number[] {
  const state = new State(1);
  const heldBytes: number[] = [];
  for (let round = 0; round < 400; round++) {
    state.learn(0, round);
    if (round % 100 === 99) heldBytes.push(memory().held);
  }
  if (state.profiles.size !== 1) throw new Error('it is one profile');
  return heldBytes.map(held => held - heldBytes[0]!);
}

const growth = repeated();
const before = memory();
const state = new State(workloads);
const atStart = memory();
for (let workload = 0; workload < workloads; workload++)
  for (let round = 0; round < rounds; round++) state.learn(workload, round);
const learned = memory();
for (const key of [...state.profiles.keys()]) state.plan(key);
const planned = memory();
const of = workloads * behaviours;
const each = (from: { held: number }, to: { held: number }) => Math.round((to.held - from.held) / of);
const result = {
  bench: 'discovery-memory',
  ...{ workloads, behaviours, events: of * rounds },
  repeatedEvents: [100, 200, 300, 400].map(count => count * behaviours),
  repeatedGrowthBytes: growth,
  entitiesMb: mb(atStart.held - before.held),
  enrichBytesABehaviour: each(atStart, learned),
  discoveryBytesABehaviour: each(learned, planned),
  residentMb: { start: mb(before.rss), enrich: mb(learned.rss), enrichAndDiscovery: mb(planned.rss) },
  peakResidentMb: mb(process.resourceUsage().maxRSS * 1024),
  policies: state.planned.size,
};
process.stdout.write(`${JSON.stringify(result)}\n`);
if (Math.max(...growth) > mostGrowthBytes || result.residentMb.enrichAndDiscovery > mostMb)
  process.exitCode = 1;
