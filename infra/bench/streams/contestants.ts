/** Who takes part, and how each is started. */

import { join } from 'node:path';
import process from 'node:process';
import type { JavaProgram } from '../../local/java-program.ts';
import { argumentsOf, type ContestantSetup } from './setup.ts';

export const contestantNames = ['ours', 'ours-disk', 'jvm', 'jvm-rocksdb', 'kafkats'] as const;
export type ContestantName = (typeof contestantNames)[number];

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
}

export interface Contestant {
  readonly name: ContestantName;
  readonly engine: ContestantSetup['engine'];
  /** True: it may be cut off before it has read everything, and is timed by what it had committed. */
  readonly mayBeCut: boolean;
  command(setup: ContestantSetup): Command;
}

export interface ContestantOptions {
  readonly jvm?: JavaProgram | undefined;
  /** Where ours leaves a CPU profile. Absent: none is taken. */
  readonly profileDir?: string | undefined;
}

/**
 * Of Node: with its default of 32 MB, records on their way to a task fill 100 MB of young generation for no more throughput.
 * What programs built on the library are told to use (docs/benchmarks.md).
 */
export const nodeFlags: readonly string[] = ['--max-semi-space-size=4'];

/** Of Kafka Streams' JVM: enough for its 10 MB cache, a million windows in memory, and the collector to be at ease. */
export const jvmHeap = '-Xmx512m';

export function contestantsOf(
  names: readonly ContestantName[],
  { jvm, profileDir }: ContestantOptions,
): readonly Contestant[] {
  const program = (file: string, flags: readonly string[] = []) => ({
    command: (setup: ContestantSetup) => ({
      file: process.execPath,
      args: [...nodeFlags, ...flags, join(import.meta.dirname, file), ...argumentsOf(setup)],
    }),
  });
  const profiling = profileDir === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDir}`];
  const java = {
    command: (setup: ContestantSetup) => ({
      file: jvm?.java ?? 'java',
      args: [jvmHeap, '-cp', jvm?.classPath ?? '', 'Contestant', ...argumentsOf(setup)],
    }),
  };
  const all: Record<ContestantName, Contestant> = {
    ours: { name: 'ours', engine: 'memory', mayBeCut: false, ...program('ours.ts', profiling) },
    'ours-disk': { name: 'ours-disk', engine: 'disk', mayBeCut: false, ...program('ours.ts', profiling) },
    jvm: { name: 'jvm', engine: 'memory', mayBeCut: false, ...java },
    'jvm-rocksdb': { name: 'jvm-rocksdb', engine: 'disk', mayBeCut: false, ...java },
    kafkats: { name: 'kafkats', engine: 'memory', mayBeCut: true, ...program('kafkats.ts') },
  };
  return names.map(name => all[name]);
}
