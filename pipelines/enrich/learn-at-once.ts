/**
 * What enrich learns, without a log in between: events and entities go in as they are, whole profiles come out.
 *
 * Owns: holding events whose container is not known yet, the account of all of them.
 * Does not own: what an event means (learner.ts).
 *
 * The same events and entities in the same order give the profiles that the topology publishes, evidence included, and
 * the same account: there only the time differs at which what is held is tried again.
 */

import { type BehaviourProfile, behaviourKey, policyIdOf } from '#schemas';
import { EntityIntervals, type EntityRecord } from './entity-intervals.ts';
import { type LearnSettings, refusal } from './learn.ts';
import { Learner, type Outcome, type Place } from './learner.ts';
import type { LearnableEvent } from './observe.ts';
import { GrowingProfile, type SelectorOf } from './profile.ts';

/** An event that would have become a dead letter. */
export interface NotLearned extends Place {
  readonly code: string;
  readonly message: string;
}

interface HeldEvent {
  readonly event: LearnableEvent;
  readonly place: Place;
  readonly outcome: Outcome;
}

/** All that was learned; without entities, which are to be fed again. Fit for JSON. */
export interface LearnState {
  readonly learned: number;
  readonly ignored: readonly (readonly [string, number])[];
  readonly notLearned: readonly NotLearned[];
  readonly held: readonly HeldEvent[];
  readonly profiles: readonly BehaviourProfile[];
}

export class LearnAtOnce {
  readonly #holdLimit: number;
  readonly #intervals = new EntityIntervals();
  readonly #profiles = new Map<string, GrowingProfile>();
  readonly #learner: Learner;
  readonly #ignored: Map<string, number>;
  readonly #notLearned: NotLearned[];
  #held: HeldEvent[];
  #triedVersion = -1;
  #learned: number;

  /**
   * `holdLimit`: how many events of unknown containers wait; those beyond are not learned. `state`: what an earlier one had
   * learned.
   */
  constructor({ holdLimit, hosts }: Pick<LearnSettings, 'holdLimit' | 'hosts'>, state?: LearnState) {
    this.#holdLimit = holdLimit;
    this.#ignored = new Map(state?.ignored);
    this.#notLearned = [...(state?.notLearned ?? [])];
    this.#held = [...(state?.held ?? [])];
    this.#learned = state?.learned ?? 0;
    for (const each of state?.profiles ?? []) this.#profiles.set(behaviourKey(each), GrowingProfile.of(each));
    const profiles = this.#profiles;
    const grown = {
      get: (key: string) => profiles.get(key),
      put: (key: string, profile: GrowingProfile) => void profiles.set(key, profile),
    };
    this.#learner = new Learner(this.#intervals, grown, { hosts });
  }

  entity(record: EntityRecord): void {
    this.#intervals.apply(record);
  }

  take(event: LearnableEvent, place: Place): void {
    const outcome = this.#learner.take(event, place);
    if (this.#count(outcome)) return;
    if (outcome.type === 'unknown' && this.#hasRoom()) this.#held.push({ event, place, outcome });
    else this.#refuse(outcome, place);
  }

  /** Nothing more comes that could tell whose the events are that still wait. */
  end(): void {
    this.#retryHeld();
    for (const { outcome, place } of this.#held) this.#refuse(outcome, place);
    this.#held = [];
  }

  /** events taken = learned + the sum of ignored + notLearned + held. */
  get account() {
    return {
      learned: this.#learned,
      ignored: this.#ignored as ReadonlyMap<string, number>,
      notLearned: this.#notLearned as readonly NotLearned[],
      held: this.#held.length,
    };
  }

  state(): LearnState {
    return {
      learned: this.#learned,
      ignored: [...this.#ignored],
      notLearned: [...this.#notLearned],
      held: [...this.#held],
      profiles: [...this.#profiles.values()].map(profile => profile.record()),
    };
  }

  /** The profiles of each workload, by policy id. One workload's at a time: all of them take more room than what they are made of. */
  *workloads(): Generator<BehaviourProfile[]> {
    const byId = Map.groupBy(this.#profiles.values(), ({ key }) => policyIdOf(key));
    const selectorOf: SelectorOf = workload => this.#intervals.selector(workload);
    for (const id of [...byId.keys()].sort()) yield byId.get(id)!.map(profile => profile.record(selectorOf));
  }

  /** True when the event is dealt with. */
  #count(outcome: Outcome): boolean {
    if (outcome.type === 'learned') this.#learned += 1;
    else if (outcome.type === 'ignored')
      this.#ignored.set(outcome.reason, (this.#ignored.get(outcome.reason) ?? 0) + 1);
    else return false;
    return true;
  }

  #hasRoom(): boolean {
    if (this.#held.length >= this.#holdLimit) this.#retryHeld();
    return this.#held.length < this.#holdLimit;
  }

  #retryHeld(): void {
    const { version } = this.#intervals;
    if (this.#triedVersion === version) return;
    this.#triedVersion = version;
    this.#held = this.#held.flatMap(({ event, place }) => {
      const outcome = this.#learner.take(event, place);
      if (outcome.type === 'unknown') return [{ event, place, outcome }];
      if (!this.#count(outcome)) this.#refuse(outcome, place);
      return [];
    });
  }

  #refuse(outcome: Outcome, place: Place): void {
    const { code, message } = refusal(outcome);
    this.#notLearned.push({ ...place, code, message });
  }
}
