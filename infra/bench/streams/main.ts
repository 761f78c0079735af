/** `make bench-streams`: ours against Kafka Streams and @kafkats/flow. What is measured, and how: docs/benchmarks.md. */

import process from 'node:process';
import { classify } from '#errors';
import { kafkaClient } from '#kafka';
import { startLoneBroker } from '../../local/lone-broker.ts';
import type { BenchPlace } from './application.ts';
import { type Contestant, type ContestantName, contestantsOf } from './contestants.ts';
import { compileJvm } from './jvm/compile.ts';
import { measureKeys } from './keys.ts';
import { measureLatency } from './latency.ts';
import { load } from './load.ts';
import { type BenchOptions, readOptions, usage } from './options.ts';
import { halfLoad, summaryOf } from './report.ts';
import { measureRestore } from './restore.ts';
import { measureThroughput, type Throughput } from './throughput.ts';
import { type Workload, windowMs } from './workload.ts';

const beganMs = performance.now();
const report = (line: string) =>
  void process.stderr.write(
    `[${((performance.now() - beganMs) / 1_000).toFixed(0).padStart(4)} s] ${line}\n`,
  );

/** An hour ago, at the start of a window: no broker takes offence at such a time. */
const startMs = Math.floor((Date.now() - 3_600_000) / windowMs) * windowMs;
const workload = (records: number, keys: number): Workload => ({
  ...{ records, keys, partitions: 4, valueBytes: 200, startMs },
});

/** Who the suites that need a given rate compare: the others cannot keep up, or say nothing more. */
const pair: readonly ContestantName[] = ['ours', 'jvm'];
const restorers: readonly ContestantName[] = ['ours', 'ours-disk', 'jvm', 'jvm-rocksdb'];
const keyCounts = [1_000, 10_000, 100_000, 1_000_000];
const restoredEntries = 1_000_000;
const restWithoutThroughput = 20_000;

async function measure(place: BenchPlace, contestants: readonly Contestant[], options: BenchOptions) {
  const { suites, modes, rounds, commitIntervalMs, budgetMs, cutAfterMs } = options;
  const common = { commitIntervalMs, budgetMs };
  const among = (names: readonly ContestantName[]) => contestants.filter(({ name }) => names.includes(name));
  const what = workload(options.records, options.keys);
  const result: Record<string, unknown> = {};
  let throughput: Throughput = {};
  if (suites.includes('throughput')) {
    const input = 'bench-input';
    await load(place.client, input, what);
    place.report(`loaded ${what.records} records of ${what.keys} keys`);
    const budget = ({ mayBeCut }: Contestant) => (mayBeCut ? cutAfterMs : budgetMs);
    throughput = await measureThroughput(place, {
      ...{ contestants, modes, rounds, input, workload: what, commitIntervalMs, budgetMs: budget },
    });
    result.modes = summaryOf(throughput);
  }
  if (suites.includes('latency'))
    result.latency = await measureLatency(place, {
      contestants: among(pair),
      guarantees: ['at-least-once', 'exactly-once'],
      ratePerSecond: options.ratePerSecond ?? halfLoad(throughput) ?? restWithoutThroughput,
      ...{ keys: options.keys, commitIntervalMs, warmUpSeconds: 10, seconds: 20 },
    });
  if (suites.includes('keys'))
    result.keys = await measureKeys(place, {
      contestants: among(pair),
      keyCounts,
      workload: what,
      ...common,
    });
  if (suites.includes('restore'))
    result.restore = await measureRestore(place, {
      contestants: among(restorers),
      workload: workload(restoredEntries, restoredEntries),
      ...common,
    });
  return result;
}

async function run(options: BenchOptions): Promise<void> {
  const jvm = options.only.some(name => name.startsWith('jvm')) ? await compileJvm(report) : undefined;
  const contestants = contestantsOf(options.only, { jvm, profileDir: options.profileDir });
  const broker = await startLoneBroker({ report });
  const { bootstrapServers, watchdog, folder, pid: brokerPid } = broker;
  report(`broker at ${bootstrapServers}`);
  const client = kafkaClient({ bootstrapServers, clientId: 'bench' });
  try {
    const admin = await client.admin();
    const place = { bootstrapServers, client, admin, watchdog, folder, brokerPid, report };
    const result = await measure(place, contestants, options);
    const { records, keys, rounds, commitIntervalMs } = options;
    const about = {
      records,
      keys,
      valueBytes: 200,
      partitions: 4,
      rounds,
      commitIntervalMs,
      java: jvm?.version,
    };
    process.stdout.write(`${JSON.stringify({ bench: 'streams', ...about, ...result })}\n`);
  } finally {
    await client.close();
    await broker.release();
  }
}

const args = process.argv.slice(2);
try {
  if (args.includes('--help')) process.stdout.write(`${usage}\n`);
  else await run(readOptions(args));
} catch (error) {
  const { code, message } = classify(error);
  process.stderr.write(`${message}\n`);
  process.exitCode = code === 'CONFIG_INVALID' ? 2 : 1;
}
