/**
 * Profiles on their way to the policy they are about.
 *
 * Owns: that evidence alone passes now and then only: it comes every half minute, and gates think in hours.
 */

import { type BehaviourProfile, behaviourKey, policyIdOf } from '#schemas';
import type { Processor, ProcessorContext, StreamRecord } from '#streams';
import { meaningOf } from '../discovery/index.ts';

interface Passed {
  readonly meaning: string;
  readonly atMs: number;
}

export class PassProfiles implements Processor<string, BehaviourProfile, string, BehaviourProfile> {
  readonly #evidenceMs: number;
  /** By behaviour key; after a restart everything passes once. */
  readonly #passed = new Map<string, Passed>();
  #context!: ProcessorContext<string, BehaviourProfile>;

  constructor(evidenceMs: number) {
    this.#evidenceMs = evidenceMs;
  }

  init(context: ProcessorContext<string, BehaviourProfile>): void {
    this.#context = context;
  }

  /** What is between tasks is not kept for ever: it passes on with the time at which it does. */
  process(record: StreamRecord<string, BehaviourProfile>): void {
    const { value: profile } = record;
    const atMs = this.#context.clock.now();
    const key = behaviourKey(profile);
    const meaning = meaningOf(profile);
    const last = this.#passed.get(key);
    if (last?.meaning === meaning && atMs - last.atMs < this.#evidenceMs) {
      this.#context.count('profiles.evidence-later');
      return;
    }
    this.#passed.set(key, { meaning, atMs });
    this.#context.forward({ ...record, key: policyIdOf(profile), timestampMs: atMs });
  }
}
