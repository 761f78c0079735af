/**
 * Records per second of the streams kernel alone: the real tasks, no broker. Input is made beforehand; outputs and changelogs
 * are serialised and thrown away by a checkpoint every so many records, as a runtime would.
 */

import { filter, map } from 'rxjs';
import type { LogRecord } from '#kafka';
import { type Serde, textSerde } from '#schemas';
import {
  byCatalogue,
  count,
  hoppingWindows,
  keyValueStore,
  mapValues,
  sessionWindows,
  slidingWindows,
  type Topology,
  to,
  topology,
  tumblingWindows,
  type WindowEmit,
  type Windows,
  windowedCount,
  windowedSerde,
  windowStore,
} from '#streams';
import { Counters } from '../../pipelines/streams/counters.ts';
import { Globals } from '../../pipelines/streams/task/globals.ts';
import { planOf } from '../../pipelines/streams/task/plan.ts';
import { Task } from '../../pipelines/streams/task/task.ts';

const records = 1_000_000;
const checkpointEvery = 10_000;
const keyCounts = [1_000, 100_000];
const rounds = 3;

const text = { key: textSerde, value: textSerde };
const numbers: Serde<number> = {
  serialize: value => Buffer.from(String(value)),
  deserialize: bytes => Number(bytes.toString('latin1')),
};
const totals = { key: textSerde, value: numbers };

const stateless = topology('stateless', b => {
  b.source('in', text).pipe(
    filter(record => record.key !== 'none'),
    map(record => record),
    mapValues(value => value),
    to('out', text),
  );
});

const counting = (emit: 'each' | 'checkpoint') =>
  topology('counting', b => {
    const store = keyValueStore({ name: 'counts', ...totals });
    b.source('in', text).pipe(count({ store, emit }), to('out', totals));
  });

const windowedTotals = { key: windowedSerde(textSerde), value: numbers };
const windowed = (windows: Windows, emit: WindowEmit) =>
  topology('windows', b => {
    const store = windowStore({ name: 'windows', ...totals });
    b.source('in', text).pipe(windowedCount({ windows, store, emit }), to('out', windowedTotals));
  });
const tumbling = tumblingWindows({ sizeMs: 10_000, graceMs: 0 });

const value = Buffer.from('v'.repeat(200));

/** Made anew for every batch, as a fetch does: a heap full of input would have the collector measured. */
function batchOf(first: number, keys: readonly Buffer[]): readonly LogRecord[] {
  return Array.from({ length: checkpointEvery }, (_, i) => ({
    ...{ topic: 'in', partition: 0, offset: first + i, value, headers: {} },
    // Ten records a millisecond, so that a million of them fill ten windows.
    timestampMs: Math.floor((first + i) / 10),
    key: keys[((first + i) * 7_919) % keys.length]!,
  }));
}

function taskOf({ graph }: Topology): Task {
  const [part] = planOf(graph, 'bench', () => 1).parts;
  const deadLetter = () => {
    throw new Error('nothing in this bench should fail');
  };
  const globals = new Globals({ graph, onFailure: byCatalogue, deadLetter });
  const task = new Task(part!.sub, 0, {
    ...{ graph, applicationId: 'bench', clock: { now: () => 0 }, counters: new Counters() },
    ...{ onFailure: byCatalogue, deadLetter, global: table => globals.view(table) },
  });
  task.start({ mark: null, committed: [], ends: {} });
  return task;
}

/** Records per second. */
function run(topologyUnderTest: Topology, keys: readonly Buffer[]): number {
  const task = taskOf(topologyUnderTest);
  let written = 0;
  let tookMs = 0;
  for (let at = 0; at < records; at += checkpointEvery) {
    const batch = batchOf(at, keys);
    const startMs = performance.now();
    task.enqueue('in', batch);
    task.process(checkpointEvery);
    const checkpoint = task.checkpoint()!;
    task.committed(checkpoint);
    tookMs += performance.now() - startMs;
    written += checkpoint.outputs.length + checkpoint.changes.length;
  }
  if (written === 0) throw new Error('nothing was written');
  return Math.round((records / tookMs) * 1_000);
}

const best = (make: () => Topology, keys: readonly Buffer[]) =>
  Math.max(...Array.from({ length: rounds }, () => run(make(), keys)));

/** Those whose name begins so, with so many keys; absent: all. */
const [wanted = '', ofKeys] = process.argv.slice(2);
const cases: Readonly<Record<string, () => Topology>> = {
  stateless: () => stateless,
  countEach: () => counting('each'),
  countCheckpoint: () => counting('checkpoint'),
  tumblingEach: () => windowed(tumbling, 'each'),
  tumblingCheckpoint: () => windowed(tumbling, 'checkpoint'),
  tumblingFinal: () => windowed(tumbling, 'final'),
  hoppingEach: () => windowed(hoppingWindows({ sizeMs: 10_000, advanceMs: 5_000, graceMs: 0 }), 'each'),
  slidingFinal: () => windowed(slidingWindows({ differenceMs: 1_000, graceMs: 0 }), 'final'),
  sessionsFinal: () => windowed(sessionWindows({ gapMs: 1_000, graceMs: 0 }), 'final'),
};

const report: Record<string, number> = {};
for (const keyCount of ofKeys ? [Number(ofKeys)] : keyCounts) {
  const keys = Array.from({ length: keyCount }, (_, i) => Buffer.from(`key-${i}`));
  for (const [name, make] of Object.entries(cases)) {
    if (!name.startsWith(wanted)) continue;
    const perSecond = best(make, keys);
    report[`${name}${keyCount}`] = perSecond;
    process.stdout.write(`${name}, ${keyCount} keys: ${perSecond.toLocaleString('en')} records/s\n`);
  }
}
report.rssBytes = process.memoryUsage.rss();
process.stdout.write(`${JSON.stringify({ bench: 'streams', ...report })}\n`);
