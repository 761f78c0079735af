/**
 * Discovery over a recording, under a run of its own.
 *
 * Owns: the run from its first record to its captured end. Does not own: what is learned and written (enrich, discovery: the
 * parts of the live pipelines, so that the same events give the same digests), where its outputs go (replay-topics.ts).
 *
 * Invariant: nothing of the live pipelines is touched: no consumer group, no changelog, none of their topics is written to.
 */

import type { SluiceError } from '#errors';
import type { ReadEvent } from '#formats';
import type { LogRecord } from '#kafka';
import type { InputAccount } from '#recordings';
import { type BehaviourProfile, checkRecord, type Policy, topics } from '#schemas';
import { type EmitterName, firstPolicy, type PolicyOptions } from '../../discovery/index.ts';
import {
  type EntityRecord,
  enrichDefaults,
  LearnAtOnce,
  type LearnState,
  learnedTopics,
  type NotLearned,
  type RecordingOptions,
  type RecordingSink,
  type RecordingState,
  readRecording,
} from '../../enrich/index.ts';

/** Where a replay stands: enough to go on from. Fit for JSON, but for the accounts' maps. */
export interface ReplayState {
  readonly recording: RecordingState;
  readonly learned: LearnState;
  readonly unreadable: readonly NotLearned[];
  readonly events: number;
}

export interface ReplayProgress {
  readonly records: number;
  readonly total: number | undefined;
  state(): ReplayState;
}

export interface ReplayOptions {
  readonly recording: Omit<RecordingOptions, 'resume' | 'progress'>;
  readonly emit: readonly EmitterName[];
  /** Whether nodes are learned, too. Absent: as enrich does. */
  readonly hosts?: boolean;
  readonly policy: PolicyOptions;
  readonly resume?: ReplayState | undefined;
  readonly progress?: (progress: ReplayProgress) => void | Promise<void>;
}

/** events = learned + the sum of ignored + the dead letters of events. */
export interface Replayed {
  readonly inputs: readonly InputAccount[];
  readonly entities: number;
  readonly events: number;
  readonly learned: number;
  readonly ignored: Readonly<Record<string, number>>;
  /** Events whose owner was not known, and records of topics that could not be read. */
  readonly deadLetters: readonly NotLearned[];
  /** By behaviour key. */
  readonly profiles: readonly BehaviourProfile[];
  /** By policy id. */
  readonly policies: readonly Policy[];
}

/** Errors: those of reading the recording. */
export async function replay({
  recording,
  emit,
  policy,
  hosts = enrichDefaults.hosts,
  resume,
  progress,
}: ReplayOptions): Promise<Replayed> {
  const learning = new ReplayLearning(hosts, resume);
  const inputs = await readRecording(
    {
      ...recording,
      resume: resume?.recording,
      progress: ({ records, total, state }) =>
        progress?.({ records, total, state: () => ({ recording: state(), ...learning.state() }) }),
    },
    learning,
  );
  return { inputs, ...learning.finish({ emit, policy }) };
}

class ReplayLearning implements RecordingSink {
  readonly #learning: LearnAtOnce;
  readonly #unreadable: NotLearned[];
  #entities = 0;
  /** Also where events lie that are in no topic: in the order in which they are read. */
  #events: number;

  constructor(hosts: boolean, state: ReplayState | undefined) {
    const { holdLimit } = enrichDefaults;
    this.#learning = new LearnAtOnce({ holdLimit, hosts }, state?.learned);
    this.#unreadable = [...(state?.unreadable ?? [])];
    this.#events = state?.events ?? 0;
  }

  entity(record: EntityRecord): void {
    this.#entities += 1;
    this.#learning.entity(record);
  }

  event({ topic, event, at }: ReadEvent): void {
    if (!(learnedTopics as readonly string[]).includes(topic)) return;
    if (!at) checkRecord(topics[topic].record, event);
    this.#learning.take(event, at ?? { topic, partition: 0, offset: this.#events });
    this.#events += 1;
  }

  unreadable({ topic, partition, offset }: LogRecord, { code, message }: SluiceError): void {
    this.#unreadable.push({ topic, partition, offset, code, message });
  }

  state(): Omit<ReplayState, 'recording'> {
    return {
      learned: this.#learning.state(),
      unreadable: [...this.#unreadable],
      events: this.#events,
    };
  }

  finish({ emit, policy }: Pick<ReplayOptions, 'emit' | 'policy'>): Omit<Replayed, 'inputs'> {
    this.#learning.end();
    const profiles: BehaviourProfile[] = [];
    const policies: Policy[] = [];
    for (const each of this.#learning.workloads()) {
      profiles.push(...each);
      const made = firstPolicy(each, { emit, stage: 'CANDIDATE', policy });
      if (made) policies.push(made);
    }
    const { learned, ignored, notLearned } = this.#learning.account;
    return {
      ...{ entities: this.#entities, events: this.#events, learned, ignored: Object.fromEntries(ignored) },
      deadLetters: [...this.#unreadable, ...notLearned],
      ...{ profiles, policies },
    };
  }
}
