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

/** learned: it is in the grown profile. Ignored with `verdict`: it was audited or denied; with `host`: nodes are not learned. */
export type Outcome =
  | { readonly type: 'learned' }
  | { readonly type: 'ignored'; readonly reason: 'verdict' | 'host' }
  | Unobserved;

const learned: Outcome = { type: 'learned' };
const denied: Outcome = { type: 'ignored', reason: 'verdict' };
const ofHost: Outcome = { type: 'ignored', reason: 'host' };

/** What was learned and not passed on yet, by behaviour key. */
export interface GrownProfiles {
  get(key: string): GrowingProfile | undefined;
  put(key: string, profile: GrowingProfile): void;
}

export class Learner {
  readonly #intervals: EntityIntervals;
  readonly #observer: Observer;
  readonly #grown: GrownProfiles;
  readonly #hosts: boolean;

  /** `hosts`: whether what belongs to no container is learned, as its node's. */
  constructor(intervals: EntityIntervals, grown: GrownProfiles, { hosts }: { readonly hosts: boolean }) {
    this.#intervals = intervals;
    this.#observer = new Observer(intervals);
    this.#grown = grown;
    this.#hosts = hosts;
  }

  take(event: LearnableEvent, place: Place): Outcome {
    const isDenied = event.verdict !== 'ALLOW';
    const found = this.#observer.observe(event);
    if ('type' in found) return isDenied && found.type !== 'unknown' ? denied : found;
    const { identity, key, observed } = found;
    if (identity.workloadKind === 'Node' && !this.#hosts) return isDenied ? denied : ofHost;
    const { origin, time: timeUs } = event;
    const profile = this.#grown.get(key) ?? this.#begin(identity);
    if (isDenied) {
      // What it says is not learned; when it was is, for what else happened then may be of the same hand.
      profile.addAlert(timeUs);
      this.#grown.put(key, profile);
      return denied;
    }
    const sighting: Sighting = { origin, hash: eventIdHash(origin), timeUs, replica: identity.pod, ...place };
    profile.addImage(identity.image);
    for (const each of observed) profile.see(each, sighting);
    this.#grown.put(key, profile);
    return learned;
  }

  #begin(identity: ContainerIdentity): GrowingProfile {
    return new GrowingProfile(identity, this.#intervals.selector(identity) ?? {});
  }
}
