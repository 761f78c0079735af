/**
 * From events to what they add to behaviour profiles.
 *
 * Owns: what is not learned and why (I4).
 * Does not own: whose event it is (observer.ts), what happens to events whose container is not known yet (learn.ts holds
 * them), the profiles it grows.
 */

import type { Sighting } from '#policy';
import { eventIdHash } from '#schemas';
import type { ContainerIdentity, EntityIntervals } from './entity-intervals.ts';
import type { LearnableEvent } from './observe.ts';
import { Observer, type Unobserved } from './observer.ts';
import { GrowingProfile } from './profile.ts';

export interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** learned: it is in the grown profile. Ignored with `verdict`: it was audited or denied. */
export type Outcome =
  | { readonly type: 'learned' }
  | { readonly type: 'ignored'; readonly reason: 'verdict' }
  | Unobserved;

const learned: Outcome = { type: 'learned' };
const denied: Outcome = { type: 'ignored', reason: 'verdict' };

/** What was learned and not passed on yet, by behaviour key. */
export interface GrownProfiles {
  get(key: string): GrowingProfile | undefined;
  put(key: string, profile: GrowingProfile): void;
}

export class Learner {
  readonly #intervals: EntityIntervals;
  readonly #observer: Observer;
  readonly #grown: GrownProfiles;

  constructor(intervals: EntityIntervals, grown: GrownProfiles) {
    this.#intervals = intervals;
    this.#observer = new Observer(intervals);
    this.#grown = grown;
  }

  take(event: LearnableEvent, place: Place): Outcome {
    if (event.verdict !== 'ALLOW') return denied;
    const found = this.#observer.observe(event);
    if ('type' in found) return found;
    const { identity, key, observed } = found;
    const { origin, time: timeUs } = event;
    const sighting: Sighting = { origin, hash: eventIdHash(origin), timeUs, replica: identity.pod, ...place };
    const profile = this.#grown.get(key) ?? this.#begin(identity);
    profile.addImage(identity.image);
    for (const each of observed) profile.see(each, sighting);
    this.#grown.put(key, profile);
    return learned;
  }

  #begin(identity: ContainerIdentity): GrowingProfile {
    return new GrowingProfile(identity, this.#intervals.selector(identity) ?? {});
  }
}
