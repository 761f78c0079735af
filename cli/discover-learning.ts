/**
 * What the two pipelines make of recorded events.
 *
 * It is the pipelines' own learning and their own policies, without the topics in between; that both give the same, evidence
 * and account included, is proven by a property test beside this.
 */

import type { ReadEvent } from '#formats';
import {
  type BehaviourProfile,
  type CapturedTopic,
  checkRecord,
  type Policy,
  topicName,
  topics,
} from '#schemas';
import {
  discoveryDefaults,
  type EmitterName,
  emitterNames,
  firstPolicy,
  type PolicyOptions,
  policyDefaults,
} from '../pipelines/discovery/index.ts';
import {
  type EntityRecord,
  enrichDefaults,
  LearnAtOnce,
  learnedTopics,
  type NotLearned,
  type RecordingSink,
} from '../pipelines/enrich/index.ts';

/** What the samples of evidence name, as if a capture had been replayed into topics of one partition. */
const tenant = 'capture';

export interface LearningOptions {
  /** Absent: what our own enforcer takes. */
  readonly emit?: readonly EmitterName[] | undefined;
  /** What the documents say of what was seen. Absent: the defaults. */
  readonly policy?: PolicyOptions | undefined;
  /** Whether nodes are learned, too. Absent: as enrich does. */
  readonly hosts?: boolean | undefined;
}

interface Finishing {
  /** In place of what was said at the beginning. */
  readonly emit: readonly EmitterName[];
  readonly lostPerRecord: number;
}

export class Learning implements RecordingSink {
  readonly #emit: readonly EmitterName[];
  readonly #policy: PolicyOptions;
  readonly #learning: LearnAtOnce;
  readonly #offsets = new Map<CapturedTopic, number>();
  readonly #otherTopics = new Map<string, number>();
  entities = 0;
  events = 0;

  constructor({
    emit = emitterNames,
    policy = policyDefaults,
    hosts = enrichDefaults.hosts,
  }: LearningOptions) {
    this.#learning = new LearnAtOnce({ holdLimit: enrichDefaults.holdLimit, hosts });
    this.#emit = emit;
    this.#policy = policy;
  }

  entity(record: EntityRecord): void {
    this.entities += 1;
    this.#learning.entity(record);
  }

  /** Errors: VALUE_INVALID naming the field; nothing was learned of it. */
  event({ topic, event, at }: ReadEvent): void {
    if ((learnedTopics as readonly string[]).includes(topic)) {
      this.#learning.take(event, at ?? this.#captured(topic, event));
    } else {
      this.#otherTopics.set(topic, (this.#otherTopics.get(topic) ?? 0) + 1);
    }
    this.events += 1;
  }

  #captured(topic: CapturedTopic, event: ReadEvent['event']) {
    checkRecord(topics[topic].record, event);
    const offset = this.#offsets.get(topic) ?? 0;
    this.#offsets.set(topic, offset + 1);
    return { topic: topicName(tenant, topic), partition: 0, offset };
  }

  /**
   * What was learned. events = learned + the sum of ignored + the dead letters. `lostPerRecord`: how many the recording
   * lost for each that it holds; nobody knows whose they were, so all policies are trusted less.
   */
  finish({ emit = this.#emit, lostPerRecord = 0 }: Partial<Finishing> = {}) {
    this.#learning.end();
    return this.#result({ emit, lostPerRecord });
  }

  /** What was learned so far, without events that still wait for their container; more may be fed afterwards. */
  snapshot() {
    return this.#result({ emit: this.#emit, lostPerRecord: 0 });
  }

  #result(finishing: Finishing) {
    const { learned, ignored, notLearned } = this.#learning.account;
    return {
      policies: this.#policies(finishing),
      learned,
      ignored: Object.fromEntries([...ignored, ...this.#otherTopics]),
      deadLetters: notLearned as readonly NotLearned[],
    };
  }

  /** By policy id. */
  #policies({ emit, lostPerRecord }: Finishing): Policy[] {
    const { stage } = discoveryDefaults;
    const policies: Policy[] = [];
    for (const profiles of this.#learning.workloads()) {
      const lost = Math.ceil(sightingsOf(profiles) * lostPerRecord);
      const policy = firstPolicy(profiles, {
        ...{ emit, stage, policy: this.#policy, lostEvents: lost },
      });
      if (policy) policies.push(policy);
    }
    return policies;
  }
}

function sightingsOf(profiles: readonly BehaviourProfile[]): number {
  const counts = profiles.flatMap(({ behaviours }) => behaviours.map(({ evidence }) => evidence.count));
  return counts.reduce((sum, count) => sum + count, 0);
}
