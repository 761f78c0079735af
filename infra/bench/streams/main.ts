/** `make bench-streams`: ours against Kafka Streams and @kafkats/flow. What is measured, and how: docs/benchmarks.md. */

import process from 'node:process';
import { classify } from '#errors';
import { kafkaClient } from '#kafka';
import type { BenchPlace } from './application.ts';
import { startBroker } from './broker.ts';
import { type Contestant, contestantsOf } from './contestants.ts';
import { compileJvm } from './jvm/compile.ts';
import { load } from './load.ts';
import { type BenchOptions, readOptions } from './options.ts';
import { summaryOf } from './report.ts';
import { measureThroughput } from './throughput.ts';
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

async function loaded(place: BenchPlace, topic: string, what: Workload): Promise<string> {
  await load(place.client, topic, what);
  place.report(`loaded ${what.records} records of ${what.keys} keys into ${topic}`);
  return topic;
}

async function measure(place: BenchPlace, contestants: readonly Contestant[], options: BenchOptions) {
  const { suites, modes, rounds, commitIntervalMs, budgetMs, cutAfterMs } = options;
  const result: Record<string, unknown> = {};
  const budget = ({ mayBeCut }: Contestant) => (mayBeCut ? cutAfterMs : budgetMs);
  if (suites.includes('throughput')) {
    const what = workload(options.records, options.keys);
    const input = await loaded(place, 'bench-input', what);
    const throughput = await measureThroughput(place, {
      ...{ contestants, modes, rounds, input, workload: what, commitIntervalMs, budgetMs: budget },
    });
    result.modes = summaryOf(throughput);
  }
  return result;
}

async function run(options: BenchOptions): Promise<void> {
  const jvm = options.only.some(name => name.startsWith('jvm')) ? await compileJvm(report) : undefined;
  const contestants = contestantsOf(options.only, { jvm, profileDir: options.profileDir });
  const broker = await startBroker(report);
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
    await broker.stop();
  }
}

try {
  await run(readOptions(process.argv.slice(2)));
} catch (error) {
  const { code, message } = classify(error);
  process.stderr.write(`${message}\n`);
  process.exitCode = code === 'CONFIG_INVALID' ? 2 : 1;
}
