import { parseArgs } from 'node:util';
import { SluiceError } from '#errors';
import { type ApplicationName, applicationNames } from './applications.ts';
import { type WindowName, windows } from './measure.ts';

export interface BenchOptions {
  readonly seed: number;
  readonly applications: readonly ApplicationName[];
  readonly perDay: number;
  readonly until: WindowName;
  readonly explain: boolean;
}

const windowNames = windows.map(([name]) => name);

export const usage = `node infra/bench/discovery/main.ts
  --seed N          of all that is random (1)
  --apps LIST       of ${applicationNames.join(', ')} (all)
  --per-day N       activities of one application on a day, about (4000)
  --until WINDOW    of ${windowNames.join(', ')}: learn no longer than this (7d)
  --explain         say where each was wrong at the end`;

/** Errors: CONFIG_INVALID, naming what is wrong and what may be given. */
export function readOptions(args: readonly string[]): BenchOptions {
  const values = parse(args);
  return {
    seed: numberOf('seed', values.seed),
    applications: values.apps.split(',').map(name => oneOf('apps', name.trim(), applicationNames)),
    perDay: numberOf('per-day', values['per-day']),
    until: oneOf('until', values.until, windowNames),
    explain: values.explain,
  };
}

function parse(args: readonly string[]) {
  try {
    const text = (value: string) => ({ type: 'string', default: value }) as const;
    const options = {
      ...{ seed: text('1'), apps: text(applicationNames.join()), 'per-day': text('4000'), until: text('7d') },
      explain: { type: 'boolean', default: false } as const,
    };
    return parseArgs({ args: [...args], options, strict: true }).values;
  } catch (error) {
    throw new SluiceError('CONFIG_INVALID', `${(error as Error).message}\n${usage}`);
  }
}

function oneOf<T extends string>(option: string, given: string, all: readonly T[]): T {
  const found = all.find(each => each === given);
  if (found === undefined)
    throw new SluiceError('CONFIG_INVALID', `--${option} ${given}: one of ${all.join(', ')}`);
  return found;
}

function numberOf(option: string, given: string): number {
  const number = Number(given);
  if (!Number.isInteger(number) || number < 1)
    throw new SluiceError('CONFIG_INVALID', `--${option} ${given}: a whole number from 1`);
  return number;
}
