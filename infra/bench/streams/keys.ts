/** How rate and memory go with the number of different keys. */

import type { BenchPlace } from './application.ts';
import type { Contestant, ContestantName } from './contestants.ts';
import { load } from './load.ts';
import { modes } from './modes.ts';
import { runOnce } from './run.ts';
import { type Figures, figuresOf, lineOf } from './throughput.ts';
import type { Workload } from './workload.ts';

export interface KeysOptions {
  readonly contestants: readonly Contestant[];
  readonly keyCounts: readonly number[];
  readonly workload: Workload;
  readonly commitIntervalMs: number;
  readonly budgetMs: number;
}

export type ByKeys = Record<number, Partial<Record<ContestantName, Pick<Figures, 'perSecond' | 'rssMb'>>>>;

/** At least once, every count emitted: the same outputs however many keys there are. Errors: those of runOnce. */
export async function measureKeys(place: BenchPlace, options: KeysOptions): Promise<ByKeys> {
  const { contestants, keyCounts, commitIntervalMs, budgetMs } = options;
  const result: ByKeys = {};
  for (const keys of keyCounts) {
    const input = `bench-keys-${keys}`;
    const workload = { ...options.workload, keys };
    await load(place.client, input, workload);
    const of: ByKeys[number] = {};
    for (const contestant of contestants) {
      const mode = modes['at-least-once'];
      const run = await runOnce(place, { contestant, input, workload, commitIntervalMs, budgetMs, ...mode });
      place.report(lineOf(`${keys} keys, ${contestant.name}`, run));
      const { perSecond, rssMb } = figuresOf([run]);
      of[contestant.name] = { perSecond, rssMb };
    }
    result[keys] = of;
    await place.admin.deleteTopics([input]);
  }
  return result;
}
