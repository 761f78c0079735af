/** What a contestant is told, as `name=value` arguments: the same for the one on the JVM (jvm/Contestant.java). */

import { SluiceError } from '#errors';

export interface ContestantSetup {
  readonly bootstrapServers: string;
  readonly applicationId: string;
  readonly input: string;
  readonly output: string;
  readonly guarantee: 'at-least-once' | 'exactly-once';
  /** `each`: every count goes downstream (cache off). `cached`: the last of each key, at a checkpoint (a cache of 10 MB). */
  readonly emit: 'each' | 'cached';
  readonly engine: 'memory' | 'disk';
  /** `windows`: counts per key and window. `table`: counts per key, for the time a restore takes. */
  readonly counts: 'windows' | 'table';
  readonly commitIntervalMs: number;
  readonly stateDir: string;
}

/** What a contestant says, one JSON object a line. `atMs` is its own clock: milliseconds since the epoch. */
export interface ContestantEvent {
  /** `running`: joined, restored. `first`: it processes its first record. */
  readonly event: 'running' | 'first';
  readonly atMs: number;
}

export const argumentsOf = (setup: ContestantSetup): readonly string[] =>
  Object.entries(setup).map(([name, value]) => `${name}=${value}`);

/** Errors: CONFIG_INVALID for what is not `name=value`. */
export function readSetup(args: readonly string[]): ContestantSetup {
  const entries = args.map(arg => {
    const at = arg.indexOf('=');
    if (at < 1) throw new SluiceError('CONFIG_INVALID', `"${arg}" is not name=value`);
    return [arg.slice(0, at), arg.slice(at + 1)] as const;
  });
  const setup = Object.fromEntries(entries) as unknown as ContestantSetup;
  return { ...setup, commitIntervalMs: Number(setup.commitIntervalMs) };
}

/** Undefined for a line that is something else, as a logger's. */
export function parseEvent(line: string): ContestantEvent | undefined {
  if (!line.startsWith('{"event":')) return undefined;
  try {
    return JSON.parse(line) as ContestantEvent;
  } catch {
    return undefined;
  }
}
