/**
 * Policies from recordings: files, topics, or both.
 *
 * Does not own: how a recording is read and whose events they are (pipelines/enrich), what is learned and written
 * (discover-learning.ts).
 */

import type { InputAccount } from '#recordings';
import type { Policy } from '#schemas';
import {
  type EmitterName,
  emitterNames,
  hubbleEmitterNames,
  type PolicyOptions,
} from '../pipelines/discovery/index.ts';
import { type NotLearned, type RecordingOptions, readRecording } from '../pipelines/enrich/index.ts';
import { Learning } from './discover-learning.ts';

export interface DiscoverOptions extends Omit<RecordingOptions, 'resume'> {
  /** Absent: what fits where the recording is from. */
  readonly emit?: readonly EmitterName[] | undefined;
  /** What the documents say of what was seen. Absent: the defaults. */
  readonly policy?: PolicyOptions;
  /** Whether nodes are learned, too. Absent: as enrich does. */
  readonly hosts?: boolean;
}

/** events = learned + the sum of ignored + the dead letters. */
export interface Discovered {
  /** By policy id. */
  readonly policies: readonly Policy[];
  readonly inputs: readonly InputAccount[];
  readonly entities: number;
  readonly events: number;
  readonly learned: number;
  readonly ignored: Readonly<Record<string, number>>;
  readonly deadLetters: readonly NotLearned[];
}

/** Errors: INPUT_INVALID, CONFIG_INVALID naming the input and the mend. Damage within an input is in its account. */
export async function discoverInputs({
  emit,
  policy,
  hosts,
  ...recording
}: DiscoverOptions): Promise<Discovered> {
  const learning = new Learning({ policy, hosts });
  const inputs = await readRecording(recording, learning);
  const { entities, events } = learning;
  // A record that could not be read is as lost as one that was never written.
  const lost = inputs.reduce((sum, each) => sum + each.lost + each.bad, 0);
  const used = inputs.reduce((sum, each) => sum + each.used, 0);
  const fitting = inputs.some(({ format }) => format === 'hubble') ? hubbleEmitterNames : emitterNames;
  const found = learning.finish({ emit: emit ?? fitting, lostPerRecord: lost / Math.max(1, used) });
  return { inputs, entities, events, ...found };
}
