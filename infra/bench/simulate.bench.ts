/**
 * How fast policies are tried on recorded events: events a second of processor time, seconds of judging, memory.
 *
 * `recorded`: from events as objects to what was done, each thing once. `judging`: that under the policies discovered from it, of
 * which there are three documents a workload. `repeated`: the same behaviours again and again, and what that adds to the heap.
 * The last line is one JSON object.
 */

import process from 'node:process';
import { parseAnyDocument } from '#policy';
import { entityKey } from '#schemas';
import { discoveryDefaults, firstPolicy } from '../../pipelines/discovery/index.ts';
import { LearnAtOnce } from '../../pipelines/enrich/index.ts';
import { judge } from '../../pipelines/verify/simulate/judge.ts';
import { RecordedDeeds } from '../../pipelines/verify/simulate/recorded-deeds.ts';
import { type WorkloadEvent, workloadEntities, workloadEvent } from './many-workloads.ts';
import { ProcessorTime } from './processor-time.ts';

const chunk = 2_000;

interface Load {
  readonly events: number;
  readonly workloads: number;
  readonly behaviours: number;
}

function* chunks({ events, workloads, behaviours }: Load): Generator<WorkloadEvent[]> {
  for (let from = 0; from < events; from += chunk) {
    yield Array.from({ length: Math.min(chunk, events - from) }, (_, i) => {
      const at = from + i;
      const behaviour = Math.floor(at / workloads) % behaviours;
      const round = Math.floor(at / (workloads * behaviours));
      return workloadEvent({ workload: at % workloads, behaviour, round, workloads });
    });
  }
}

const topicOf = (event: WorkloadEvent) =>
  'file' in event ? 'events.file.v1' : 'network' in event ? 'events.network.v1' : 'events.process.v1';

function fill(deeds: RecordedDeeds, load: Load): ProcessorTime {
  const time = new ProcessorTime();
  for (const some of chunks(load)) {
    const read = some.map(event => ({ topic: topicOf(event), event, subject: { labels: {} } }) as const);
    time.during(() => {
      for (const each of read) deeds.event(each);
    });
  }
  return time;
}

function begin({ workloads }: Load): RecordedDeeds {
  const deeds = new RecordedDeeds();
  for (let workload = 0; workload < workloads; workload++)
    for (const value of workloadEntities(workload))
      deeds.entity({ key: entityKey(value), value, timestampMs: 0 });
  return deeds;
}

function policiesOf(load: Load) {
  const learning = new LearnAtOnce({ holdLimit: 10_000, hosts: true });
  for (let workload = 0; workload < load.workloads; workload++)
    for (const value of workloadEntities(workload))
      learning.entity({ key: entityKey(value), value, timestampMs: 0 });
  let offset = 0;
  for (const some of chunks(load))
    for (const event of some) learning.take(event, { topic: 'x', partition: 0, offset: offset++ });
  return [...learning.workloads()].flatMap(
    profiles => firstPolicy(profiles, discoveryDefaults)?.documents.map(parseAnyDocument) ?? [],
  );
}

function tried(load: Load) {
  const deeds = begin(load);
  const perSecond = fill(deeds, load).perSecond(load.events);
  const policies = policiesOf({ ...load, events: load.workloads * load.behaviours });
  const time = new ProcessorTime();
  const { accesses, denied } = time.during(() => judge(deeds, policies));
  // The servers of these events tell nothing themselves, so what their clients conclude of them was not learned.
  const wrong = denied.filter(({ isConcluded }) => !isConcluded).length;
  if (wrong > 0) throw new Error(`${wrong} accesses are denied by what was learned from them`);
  const { workloads, events } = load;
  const judgedPerSecond = Math.round(accesses / time.seconds);
  return { workloads, events, perSecond, documents: policies.length, accesses, judgedPerSecond };
}

function repeated(load: Load, rounds: number) {
  const deeds = begin(load);
  const heapMb = () => {
    globalThis.gc?.();
    return Math.round(process.memoryUsage().heapUsed / 1e5) / 10;
  };
  fill(deeds, load);
  const before = heapMb();
  for (let round = 1; round < rounds; round++) fill(deeds, load);
  return {
    events: load.events * rounds,
    things: deeds.tally.size,
    heapMbAtFirst: before,
    heapMbAtLast: heapMb(),
  };
}

tried({ workloads: 20, behaviours: 20, events: 40_000 });
const result = {
  recorded: [
    tried({ workloads: 10, behaviours: 100, events: 400_000 }),
    tried({ workloads: 100, behaviours: 100, events: 400_000 }),
    tried({ workloads: 1_000, behaviours: 100, events: 400_000 }),
  ],
  repeated: repeated({ workloads: 10, behaviours: 100, events: 200_000 }, 5),
};
for (const each of result.recorded) process.stdout.write(`${JSON.stringify(each)}\n`);
process.stdout.write(`${JSON.stringify(result)}\n`);
