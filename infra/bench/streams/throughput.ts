/** Records per second of each contestant in each mode: medians over rounds, in an order that turns from round to round. */

import type { BenchPlace } from './application.ts';
import type { Contestant, ContestantName } from './contestants.ts';
import { type Mode, modes } from './modes.ts';
import { perSecond, type Run, runOnce } from './run.ts';
import { median } from './statistics.ts';
import type { Workload } from './workload.ts';

export interface ThroughputOptions {
  readonly contestants: readonly Contestant[];
  readonly modes: readonly Mode[];
  readonly rounds: number;
  readonly input: string;
  readonly workload: Workload;
  readonly commitIntervalMs: number;
  readonly budgetMs: (contestant: Contestant) => number;
}

/** Medians over the rounds. */
export interface Figures {
  readonly perSecond: number;
  readonly perSecondWithStart: number;
  readonly rssMb: number;
  readonly cpuSecondsPerMillion: number;
  readonly outputs: number;
  /** Of the input; less than all when it was cut off. */
  readonly records: number;
}

export type Throughput = Readonly<Partial<Record<Mode, Partial<Record<ContestantName, Figures>>>>>;

/** Errors: those of runOnce. */
export async function measureThroughput(place: BenchPlace, options: ThroughputOptions): Promise<Throughput> {
  const { contestants, rounds, input, workload, commitIntervalMs, budgetMs } = options;
  const result: Partial<Record<Mode, Partial<Record<ContestantName, Figures>>>> = {};
  for (const mode of options.modes) {
    const runs = new Map<ContestantName, Run[]>();
    for (let round = 0; round < rounds; round += 1) {
      for (const contestant of turned(contestants, round)) {
        const run = await runOnce(place, {
          ...{
            contestant,
            input,
            workload,
            commitIntervalMs,
            ...modes[mode],
            budgetMs: budgetMs(contestant),
          },
        });
        place.report(lineOf(`${mode} ${contestant.name}`, run));
        runs.set(contestant.name, [...(runs.get(contestant.name) ?? []), run]);
      }
    }
    result[mode] = Object.fromEntries([...runs].map(([name, all]) => [name, figuresOf(all)]));
  }
  return result;
}

/** Forwards in even rounds, backwards in odd ones: none is always after the same. */
const turned = <T>(all: readonly T[], round: number): readonly T[] =>
  round % 2 === 0 ? all : all.toReversed();

export function figuresOf(runs: readonly Run[]): Figures {
  const of = (figure: (run: Run) => number) => Math.round(median(runs.map(figure)));
  return {
    perSecond: of(({ records, tookMs }) => perSecond(records, tookMs)),
    perSecondWithStart: of(({ records, withStartMs }) => perSecond(records, withStartMs)),
    rssMb: of(({ peakRssBytes }) => peakRssBytes / 2 ** 20),
    cpuSecondsPerMillion: Number(
      median(runs.map(({ cpuSeconds, records }) => (cpuSeconds / records) * 1e6)).toFixed(1),
    ),
    outputs: of(({ outputs }) => outputs),
    records: of(({ records }) => records),
  };
}

export function lineOf(what: string, run: Run): string {
  const {
    records,
    tookMs,
    withStartMs,
    outputs,
    peakRssBytes,
    cpuSeconds,
    brokerCpuSeconds,
    busyProcessors,
  } = run;
  const rate = perSecond(records, tookMs).toLocaleString('en');
  return (
    `${what}: ${rate}/s (${records} records in ${(tookMs / 1_000).toFixed(1)} s, ${(withStartMs / 1_000).toFixed(1)} s with start), ` +
    `${outputs} outputs, ${Math.round(peakRssBytes / 2 ** 20)} MB, CPU ${cpuSeconds.toFixed(1)} s, ` +
    `broker ${brokerCpuSeconds.toFixed(1)} s, ${busyProcessors.toFixed(1)} processors busy`
  );
}
