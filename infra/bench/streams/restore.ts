/** How long a start takes when there is a store to restore, against the same start when it is empty. */

import { rm } from 'node:fs/promises';
import { SluiceError } from '#errors';
import { type BenchPlace, makeApplication, removeApplication } from './application.ts';
import { totalOf, watchCommits } from './commits.ts';
import { ContestantProcess } from './contestant-process.ts';
import type { Contestant, ContestantName } from './contestants.ts';
import { load } from './load.ts';
import type { ContestantSetup } from './setup.ts';
import type { Workload } from './workload.ts';

export interface RestoreOptions {
  readonly contestants: readonly Contestant[];
  /** As many keys as records: each becomes an entry of the store. */
  readonly workload: Workload;
  readonly commitIntervalMs: number;
  readonly budgetMs: number;
}

export interface Restore {
  readonly entries: number;
  /** From the start of the process until it runs, with nothing to restore. */
  readonly emptyStartMs: number;
  /** The same with all entries in the changelog and nothing kept locally. */
  readonly startMs: number;
  /** Of the difference. */
  readonly entriesPerSecond: number;
  readonly rssMb: number;
}

const startsWithinMs = 120_000;

export async function measureRestore(
  place: BenchPlace,
  { contestants, ...options }: RestoreOptions,
): Promise<Partial<Record<ContestantName, Restore>>> {
  const result: Partial<Record<ContestantName, Restore>> = {};
  for (const contestant of contestants) {
    const restore = await restoreOf(place, contestant, options);
    result[contestant.name] = restore;
    place.report(`restore, ${contestant.name}: ${JSON.stringify(restore)}`);
  }
  return result;
}

async function restoreOf(
  place: BenchPlace,
  contestant: Contestant,
  { workload, commitIntervalMs, budgetMs }: Omit<RestoreOptions, 'contestants'>,
): Promise<Restore> {
  const { admin, client } = place;
  const { partitions, records, keys } = workload;
  const input = `bench-restored-${contestant.name}`;
  await admin.createTopics([{ topic: input, partitions, replicas: 1 }]);
  const setup = await makeApplication(place, {
    ...{ contestant, partitions, input, guarantee: 'at-least-once', emit: 'cached', counts: 'table' },
    commitIntervalMs,
  });
  try {
    // The first start makes the application's topics.
    await started(place, contestant, setup);
    const empty = await started(place, contestant, setup);
    await load(client, input, workload);
    await started(place, contestant, setup, async child => {
      const untilMs = Date.now() + budgetMs;
      const requireAlive = () => child.requireAlive();
      const group = {
        groupId: setup.applicationId,
        topic: input,
        partitions,
        records,
        untilMs,
        requireAlive,
      };
      const { offsets } = await watchCommits(admin, group);
      if (totalOf(offsets) < records)
        throw new SluiceError('TIMEOUT', `${contestant.name} filled its store too slowly`);
    });
    await rm(setup.stateDir, { recursive: true, force: true });
    const { startMs, peakRssBytes } = await started(place, contestant, setup);
    return {
      entries: keys,
      emptyStartMs: empty.startMs,
      startMs,
      entriesPerSecond: Math.round((keys / Math.max(1, startMs - empty.startMs)) * 1_000),
      rssMb: Math.round(peakRssBytes / 2 ** 20),
    };
  } finally {
    await removeApplication(admin, setup);
    await admin.deleteTopics([input]);
  }
}

/** Starts it, waits until it runs, does something meanwhile, and ends it in order. */
async function started(
  { watchdog }: BenchPlace,
  contestant: Contestant,
  setup: ContestantSetup,
  meanwhile: (child: ContestantProcess) => Promise<void> = async () => {},
) {
  const child = new ContestantProcess(contestant, setup, watchdog);
  try {
    const runningMs = await child.heard('running', startsWithinMs);
    await meanwhile(child);
    const { peakRssBytes } = await child.usage();
    return { startMs: runningMs - child.startedMs, peakRssBytes };
  } finally {
    await child.dismiss();
  }
}
