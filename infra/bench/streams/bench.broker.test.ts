import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { kafkaClient } from '#kafka';
import { startWatchdog } from '../../local/watchdog.ts';
import type { BenchPlace } from './application.ts';
import { contestantsOf } from './contestants.ts';
import { load } from './load.ts';
import { modeNames } from './modes.ts';
import { measureThroughput } from './throughput.ts';
import { verifyOutput } from './verify.ts';
import { type Workload, windowMs } from './workload.ts';

const bootstrapServers = inject('bootstrapServers');
const startMs = Math.floor((Date.now() - 3_600_000) / windowMs) * windowMs;
const workload: Workload = { records: 10_000, keys: 100, partitions: 4, valueBytes: 200, startMs };
const input = `bench-tiny-${Date.now()}`;
const client = kafkaClient({ bootstrapServers, clientId: 'bench-test' });
const watchdog = startWatchdog();
let place: BenchPlace;

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-bench-test-'));
  place = { bootstrapServers, client, admin: await client.admin(), watchdog, folder, report: () => {} };
  await load(client, input, workload);
});
afterAll(async () => {
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
  // Nothing of it stays at the broker.
  const left = (await place.admin.listTopics()).filter(topic => topic.includes('-ours'));
  expect(left).toEqual([]);
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
