/**
 * One contestant reads the whole input once.
 *
 * Owns: what is timed, the same for all (docs/benchmarks.md): from the moment it processes its first record, by its own word,
 * until the group's committed offsets have reached the end of the input, by the broker's. Then its outputs are committed too.
 */

import { SluiceError } from '#errors';
import {
  type ApplicationOptions,
  type BenchPlace,
  makeApplication,
  removeApplication,
  requireChangelog,
} from './application.ts';
import { totalOf, watchCommits } from './commits.ts';
import { ContestantProcess, type Usage } from './contestant-process.ts';
import { busySeconds, cpuSecondsOf } from './process-use.ts';
import { verifyOutput } from './verify.ts';
import type { Workload } from './workload.ts';

export interface RunOptions extends Omit<ApplicationOptions, 'partitions' | 'counts'> {
  readonly workload: Workload;
  /** After this it is cut off, or has failed where it may not be. */
  readonly budgetMs: number;
}

export interface Run extends Usage {
  /** Whose outputs were committed. */
  readonly records: number;
  /** From the first record to the last commit. */
  readonly tookMs: number;
  /** The same from the start of the process. */
  readonly withStartMs: number;
  readonly outputs: number;
  /** While it was timed; 0 where the broker's process is not known. */
  readonly brokerCpuSeconds: number;
  /** Processors that were busy, whoever with, while it was timed. */
  readonly busyProcessors: number;
}

export const perSecond = (records: number, tookMs: number): number => Math.round((records / tookMs) * 1_000);

const startsWithinMs = 60_000;

/** Errors: UNREACHABLE (it ended), TIMEOUT (it took too long), BUG (its output is wrong). */
export async function runOnce(place: BenchPlace, options: RunOptions): Promise<Run> {
  const { client, admin, watchdog } = place;
  const { contestant, workload, budgetMs, ...rest } = options;
  const { records, partitions } = workload;
  const setup = await makeApplication(place, { contestant, partitions, counts: 'windows', ...rest });
  const child = new ContestantProcess(contestant, setup, watchdog);
  try {
    const firstMs = await child.heard('first', startsWithinMs);
    const before = await usedAround(place);
    const { offsets, atMs } = await watchCommits(admin, {
      groupId: setup.applicationId,
      topic: setup.input,
      ...{ partitions, records, untilMs: firstMs + budgetMs },
      requireAlive: () => child.requireAlive(),
    });
    const after = await usedAround(place);
    const usage = await child.usage();
    const done = totalOf(offsets);
    if (done < records && !contestant.mayBeCut)
      throw new SluiceError(
        'TIMEOUT',
        `${contestant.name} committed ${done} records in ${budgetMs / 1_000} s`,
      );
    await child.dismiss();
    const { output, guarantee, emit } = setup;
    const outputs = await verifyOutput(client, {
      ...{ contestant: contestant.name, output, workload, committed: offsets, guarantee, emit },
    });
    await requireChangelog(admin, setup);
    return {
      ...{ records: done, outputs, tookMs: atMs - firstMs, withStartMs: atMs - child.startedMs, ...usage },
      brokerCpuSeconds: after.broker - before.broker,
      busyProcessors: ((after.machine - before.machine) * 1_000) / (after.atMs - before.atMs),
    };
  } finally {
    await child.kill();
    await removeApplication(admin, setup);
  }
}

async function usedAround({ brokerPid }: BenchPlace) {
  const broker = brokerPid === undefined ? 0 : await cpuSecondsOf(brokerPid);
  return { broker, machine: await busySeconds(), atMs: Date.now() };
}
