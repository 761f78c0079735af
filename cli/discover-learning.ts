/**
 * What the two pipelines make of events from files, without a broker.
 *
 * It is the pipelines' own learning and their own policies, without the topics in between; that both give the same, evidence
 * and account included, is proven by a property test beside this.
 */

import type { InputEvent } from '#formats';
import {
  type CapturedTopic,
  checkRecord,
  type EntityChange,
  entityKey,
  type Policy,
  topicName,
  topics,
} from '#schemas';
import { discoveryDefaults, type EmitterName, firstPolicy } from '../pipelines/discovery/index.ts';
import { enrichDefaults, LearnAtOnce, learnedTopics, type NotLearned } from '../pipelines/enrich/index.ts';

/** What the samples of evidence name, as if a capture had been replayed into topics of one partition. */
const tenant = 'capture';

export interface LearningOptions {
  readonly emit: readonly EmitterName[];
}

interface EntityRecord {
  readonly key: string | null;
  readonly value: EntityChange | null;
  readonly timestampMs: number;
}

export class Learning {
  readonly #emit: readonly EmitterName[];
  readonly #learning = new LearnAtOnce({ holdLimit: enrichDefaults.holdLimit });
  readonly #offsets = new Map<CapturedTopic, number>();
  readonly #otherTopics = new Map<string, number>();
  entities = 0;
  events = 0;

  constructor({ emit }: LearningOptions) {
    this.#emit = emit;
  }

  entity({ key, ...record }: EntityRecord): void {
    this.entities += 1;
    if (key !== null) this.#learning.entity({ key, ...record });
  }

  entityChange(value: EntityChange): void {
    this.entity({ key: entityKey(value), value, timestampMs: Math.floor(value.observedAt / 1000) });
  }

  /** Errors: VALUE_INVALID naming the field; nothing was learned of it. */
  event(topic: CapturedTopic, value: InputEvent): void {
    if (!(learnedTopics as readonly string[]).includes(topic)) {
      this.#otherTopics.set(topic, (this.#otherTopics.get(topic) ?? 0) + 1);
    } else {
      checkRecord(topics[topic].record, value);
      const offset = this.#offsets.get(topic) ?? 0;
      this.#offsets.set(topic, offset + 1);
      this.#learning.take(value, { topic: topicName(tenant, topic), partition: 0, offset });
    }
    this.events += 1;
  }

  /** What was learned. events = learned + the sum of ignored + the dead letters. */
  finish() {
    this.#learning.end();
    return this.#result();
  }

  /** What was learned so far, without events that still wait for their container; more may be fed afterwards. */
  snapshot() {
    return this.#result();
  }

  #result() {
    const { learned, ignored, notLearned } = this.#learning.account;
    return {
      policies: this.#policies(),
      learned,
      ignored: Object.fromEntries([...ignored, ...this.#otherTopics]),
      deadLetters: notLearned as readonly NotLearned[],
    };
  }

  /** By policy id. */
  #policies(): Policy[] {
    const { stage } = discoveryDefaults;
    const policies: Policy[] = [];
    for (const profiles of this.#learning.workloads()) {
      const policy = firstPolicy(profiles, { emit: this.#emit, stage });
      if (policy) policies.push(policy);
    }
    return policies;
  }
}
