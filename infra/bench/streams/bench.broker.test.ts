import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { kafkaClient } from '#kafka';
import { startWatchdog } from '../../local/watchdog.ts';
import { type BenchPlace, makeApplication, removeApplication, requireChangelog } from './application.ts';
import { contestantsOf } from './contestants.ts';
import { measureKeys } from './keys.ts';
import { measureLatency } from './latency.ts';
import { load } from './load.ts';
import { modeNames } from './modes.ts';
import { measureRestore } from './restore.ts';
import { measureThroughput } from './throughput.ts';
import { verifyOutput } from './verify.ts';
import { type Workload, windowMs } from './workload.ts';

const bootstrapServers = inject('bootstrapServers');
const startMs = Math.floor((Date.now() - 3_600_000) / windowMs) * windowMs;
const workload: Workload = { records: 10_000, keys: 100, partitions: 4, valueBytes: 200, startMs };
const input = `bench-tiny-${Date.now()}`;
const common = { commitIntervalMs: 100, budgetMs: 60_000 };
const client = kafkaClient({ bootstrapServers, clientId: 'bench-test' });
const watchdog = startWatchdog();
let place: BenchPlace;

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-bench-test-'));
  place = { bootstrapServers, client, admin: await client.admin(), watchdog, folder, report: () => {} };
  await load(client, input, workload);
});
afterAll(async () => {
  // Nothing of a contestant stays at the broker.
  const left = (await place.admin.listTopics()).filter(topic => /-ours(-disk)?(-|$)/.test(topic));
  expect(left).toEqual([]);
  await client.close();
  await watchdog.release();
  await rm(place.folder, { recursive: true, force: true });
});

test('ours counts rightly in every mode, and the bench says how fast', async () => {
  const throughput = await measureThroughput(place, {
    ...{ contestants: contestantsOf(['ours'], {}), modes: modeNames, rounds: 1, input, workload },
    ...{ commitIntervalMs: 100, budgetMs: () => 60_000 },
  });
  for (const mode of modeNames) {
    const figures = throughput[mode]!.ours!;
    expect(figures, mode).toMatchObject({ records: 10_000, perSecond: expect.any(Number) });
    expect(figures.perSecond, mode).toBeGreaterThan(100);
    expect(figures.rssMb, mode).toBeGreaterThan(20);
    if (mode === 'at-least-once') expect(figures.outputs).toBe(10_000);
  }
}, 120_000);

test('an output that misses a count is refused', async () => {
  const output = `${input}-nothing`;
  await place.admin.createTopics([{ topic: output, partitions: 4, replicas: 1 }]);
  await expect(
    verifyOutput(client, {
      ...{ contestant: 'nobody', output, workload, committed: [2_500, 2_500, 2_500, 2_500] },
      ...{ guarantee: 'at-least-once', emit: 'cached' },
    }),
  ).rejects.toThrow(/nobody .*expected/);
});

test('a contestant without a changelog is refused', async () => {
  const setup = await makeApplication(place, {
    ...{ contestant: contestantsOf(['ours'], {})[0]!, partitions: 4, input, commitIntervalMs: 100 },
    ...{ guarantee: 'at-least-once', emit: 'each', counts: 'windows' },
  });
  await expect(requireChangelog(place.admin, setup)).rejects.toThrow(/it has none/);
  await removeApplication(place.admin, setup);
});

test('every count of a paced load is seen, and how late', async () => {
  const { 'at-least-once': latencies } = await measureLatency(place, {
    ...{ contestants: contestantsOf(['ours'], {}), guarantees: ['at-least-once'], ratePerSecond: 500 },
    ...{ keys: 100, commitIntervalMs: 100, warmUpSeconds: 1, seconds: 2 },
  });
  const { p50Ms, p99Ms, p999Ms } = latencies!.ours!;
  expect(p50Ms).toBeGreaterThan(0);
  expect(p99Ms).toBeGreaterThanOrEqual(p50Ms);
  expect(p999Ms).toBeGreaterThanOrEqual(p99Ms);
});

test('rate and memory are measured for each number of keys', async () => {
  const keyCounts = [10, 1_000];
  const result = await measureKeys(place, {
    ...{ contestants: contestantsOf(['ours'], {}), keyCounts, workload, ...common },
  });
  expect(Object.keys(result).map(Number)).toEqual(keyCounts);
  for (const keys of keyCounts) expect(result[keys]!.ours!.perSecond).toBeGreaterThan(100);
});

test('a store is restored in memory and on disk', async () => {
  const result = await measureRestore(place, {
    ...{ contestants: contestantsOf(['ours', 'ours-disk'], {}), ...common },
    workload: { ...workload, records: 5_000, keys: 5_000 },
  });
  for (const name of ['ours', 'ours-disk'] as const)
    expect(result[name]).toMatchObject({ entries: 5_000, startMs: expect.any(Number) });
}, 120_000);
