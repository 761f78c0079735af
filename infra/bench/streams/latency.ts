/**
 * How long after a record was due its count can be read by a reader of committed records.
 *
 * Owns: the reader. Does not own: the load (pace.ts, a process of its own).
 */

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { SluiceError } from '#errors';
import { type BenchPlace, makeApplication, removeApplication } from './application.ts';
import { ContestantProcess } from './contestant-process.ts';
import type { Contestant, ContestantName } from './contestants.ts';
import type { ContestantSetup } from './setup.ts';
import { Histogram } from './statistics.ts';

export interface LatencyOptions {
  readonly contestants: readonly Contestant[];
  readonly guarantees: readonly ContestantSetup['guarantee'][];
  readonly ratePerSecond: number;
  readonly keys: number;
  readonly commitIntervalMs: number;
  /** Before anything counts, so that what is measured is not the compiler. */
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

export interface Latency {
  readonly ratePerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  /** How late the load itself was acknowledged: part of the above. */
  readonly sendP99Ms: number;
  readonly rssMb: number;
}

export type Latencies = Partial<
  Record<ContestantSetup['guarantee'], Partial<Record<ContestantName, Latency>>>
>;

const run = promisify(execFile);
const partitions = 4;
const rangeMs = 60_000;
const startsWithinMs = 60_000;
const lastWithinMs = 60_000;

/** Errors: those of a contestant's process; TIMEOUT when counts are missing. */
export async function measureLatency(place: BenchPlace, options: LatencyOptions): Promise<Latencies> {
  const result: Latencies = {};
  for (const guarantee of options.guarantees) {
    const of: Partial<Record<ContestantName, Latency>> = {};
    for (const contestant of options.contestants) {
      const latency = await latencyOf(place, contestant, guarantee, options);
      of[contestant.name] = latency;
      place.report(`latency, ${guarantee} ${contestant.name}: ${JSON.stringify(latency)}`);
    }
    result[guarantee] = of;
  }
  return result;
}

async function latencyOf(
  place: BenchPlace,
  contestant: Contestant,
  guarantee: ContestantSetup['guarantee'],
  { ratePerSecond, keys, commitIntervalMs, warmUpSeconds, seconds }: LatencyOptions,
): Promise<Latency> {
  const { admin, bootstrapServers, watchdog } = place;
  const input = `bench-paced-${contestant.name}-${guarantee}`;
  await admin.createTopics([{ topic: input, partitions, replicas: 1 }]);
  const setup = await makeApplication(place, {
    ...{ contestant, partitions, input, guarantee, emit: 'each', counts: 'windows', commitIntervalMs },
  });
  const child = new ContestantProcess(contestant, setup, watchdog);
  const expected = ratePerSecond * (warmUpSeconds + seconds);
  const reader = readLatencies(place, setup, { expected, skipped: ratePerSecond * warmUpSeconds });
  try {
    await child.heard('running', startsWithinMs);
    await reader.started;
    const program = join(import.meta.dirname, 'pace.ts');
    const numbers = [ratePerSecond, keys, warmUpSeconds + seconds].map(String);
    const { stdout } = await run(process.execPath, [program, bootstrapServers, input, ...numbers]);
    const { sendP99Ms } = JSON.parse(stdout) as { sendP99Ms: number };
    const late = sleep(lastWithinMs).then(() => {
      throw new SluiceError('TIMEOUT', `${contestant.name}: ${reader.seen()} of ${expected} counts came`);
    });
    late.catch(() => {});
    const histogram = await Promise.race([reader.all, late]);
    const { peakRssBytes } = await child.usage();
    return {
      ratePerSecond,
      p50Ms: histogram.percentile(0.5),
      p99Ms: histogram.percentile(0.99),
      p999Ms: histogram.percentile(0.999),
      sendP99Ms,
      rssMb: Math.round(peakRssBytes / 2 ** 20),
    };
  } finally {
    await reader.close();
    await child.dismiss();
    await removeApplication(admin, setup);
    await admin.deleteTopics([input]);
  }
}

/** `skipped`: counts of the warm-up, which come first. */
function readLatencies(
  { client }: BenchPlace,
  { applicationId, output }: ContestantSetup,
  { expected, skipped }: { readonly expected: number; readonly skipped: number },
) {
  const histogram = new Histogram(rangeMs);
  const all = Promise.withResolvers<Histogram>();
  let seen = 0;
  const consumer = client.consumer({
    ...{ groupId: `${applicationId}-reader`, topics: [output], startFrom: 'earliest' },
    partitionsAtOnce: partitions,
  });
  const started = consumer.run({
    async onBatch({ records }) {
      const nowMs = Date.now();
      for (const { timestampMs } of records) {
        seen += 1;
        if (seen > skipped) histogram.add(nowMs - timestampMs);
      }
      if (seen >= expected) all.resolve(histogram);
    },
    onFailed: error => all.reject(error),
  });
  return { started, all: all.promise, seen: () => seen, close: () => consumer.close() };
}
