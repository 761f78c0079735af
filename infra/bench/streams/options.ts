import { parseArgs } from 'node:util';
import { SluiceError } from '#errors';
import { type ContestantName, contestantNames } from './contestants.ts';
import { type Mode, modeNames } from './modes.ts';

export const suiteNames = ['throughput', 'latency', 'keys', 'restore'] as const;
export type SuiteName = (typeof suiteNames)[number];

export interface BenchOptions {
  readonly suites: readonly SuiteName[];
  readonly only: readonly ContestantName[];
  readonly modes: readonly Mode[];
  readonly records: number;
  readonly keys: number;
  readonly rounds: number;
  readonly commitIntervalMs: number;
  readonly budgetMs: number;
  /** For a contestant that may be cut off. */
  readonly cutAfterMs: number;
  /** Absent: half of what the slower of ours and the JVM did. */
  readonly ratePerSecond: number | undefined;
  readonly profileDir: string | undefined;
}

export const usage = `node infra/bench/streams/main.ts
  --suite LIST      of ${suiteNames.join(', ')}, or all (throughput,latency,keys)
  --only LIST       of ${contestantNames.join(', ')} (ours,jvm,jvm-rocksdb,kafkats)
  --modes LIST      of ${modeNames.join(', ')} (all)
  --records N       input of throughput (1000000)
  --keys N          different keys in it (1000)
  --rounds N        medians are taken of so many (2)
  --commit-ms N     commit interval of all contestants (100)
  --budget-s N      longest a contestant may take (180)
  --cut-s N         kafkats is cut off after (15)
  --rate N          records per second of the latency suite
  --profile DIR     CPU profiles of ours`;

/** Errors: CONFIG_INVALID, naming what is wrong and what may be given. */
export function readOptions(args: readonly string[]): BenchOptions {
  const values = parse(args);
  return {
    suites: listOf('suite', values.suite === 'all' ? suiteNames.join() : values.suite, suiteNames),
    only: listOf('only', values.only, contestantNames),
    modes: listOf('modes', values.modes, modeNames),
    records: numberOf('records', values.records),
    keys: numberOf('keys', values.keys),
    rounds: numberOf('rounds', values.rounds),
    commitIntervalMs: numberOf('commit-ms', values['commit-ms']),
    budgetMs: numberOf('budget-s', values['budget-s']) * 1_000,
    cutAfterMs: numberOf('cut-s', values['cut-s']) * 1_000,
    ratePerSecond: values.rate === undefined ? undefined : numberOf('rate', values.rate),
    profileDir: values.profile,
  };
}

const text = (value: string) => ({ type: 'string', default: value }) as const;

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        suite: text('throughput,latency,keys'),
        only: text('ours,jvm,jvm-rocksdb,kafkats'),
        modes: text(modeNames.join()),
        records: text('1000000'),
        keys: text('1000'),
        rounds: text('2'),
        'commit-ms': text('100'),
        'budget-s': text('180'),
        'cut-s': text('15'),
        rate: { type: 'string' },
        profile: { type: 'string' },
      },
    }).values;
  } catch (error) {
    throw new SluiceError('CONFIG_INVALID', `${error instanceof Error ? error.message : error}\n${usage}`);
  }
}

function listOf<T extends string>(name: string, text: string, known: readonly T[]): readonly T[] {
  return text.split(',').map(each => {
    const found = known.find(one => one === each);
    if (!found)
      throw new SluiceError('CONFIG_INVALID', `--${name}: "${each}" is none of ${known.join(', ')}`);
    return found;
  });
}

function numberOf(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value <= 0)
    throw new SluiceError('CONFIG_INVALID', `--${name}: "${text}" is no whole number above zero`);
  return value;
}
