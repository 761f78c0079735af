/**
 * From events to what they add to behaviour profiles.
 *
 * Owns: whose event it is (I3), what is not learned and why (I4).
 * Does not own: what happens to events whose container is not known yet (learn.ts holds them), the profiles it grows.
 */

import type { Sighting } from '#policy';
import { behaviourKey, eventIdHash } from '#schemas';
import type { ContainerIdentity, EntityIntervals } from './entity-intervals.ts';
import { type LearnableEvent, observe } from './observe.ts';
import { GrowingProfile } from './profile.ts';
import { resolvePeer } from './resolve-peer.ts';

export interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/**
 * learned: it is in the grown profile. ignored: it says nothing that is learned, for the reason told.
 * unknown: whose it is may become known. refused: it cannot be told, and will not be.
 */
export type Outcome =
  | { readonly type: 'learned' }
  | { readonly type: 'ignored'; readonly reason: 'verdict' | 'host' | 'irrelevant' }
  | { readonly type: 'unknown'; readonly reason: string }
  | { readonly type: 'refused'; readonly reason: string };

const learned: Outcome = { type: 'learned' };
const denied: Outcome = { type: 'ignored', reason: 'verdict' };
const ofHost: Outcome = { type: 'ignored', reason: 'host' };
const irrelevant: Outcome = { type: 'ignored', reason: 'irrelevant' };

/** What was learned and not passed on yet, by behaviour key. */
export interface GrownProfiles {
  get(key: string): GrowingProfile | undefined;
  put(key: string, profile: GrowingProfile): void;
}

interface Known {
  readonly identity: ContainerIdentity;
  readonly key: string;
}

export class Learner {
  readonly #intervals: EntityIntervals;
  readonly #grown: GrownProfiles;
  /** Containers resolved since `#version`, by cluster and id: the way most events take. */
  readonly #known = new Map<string, Known>();
  #version = -1;

  constructor(intervals: EntityIntervals, grown: GrownProfiles) {
    this.#intervals = intervals;
    this.#grown = grown;
  }

  take(event: LearnableEvent, place: Place): Outcome {
    if (event.verdict !== 'ALLOW') return denied;
    if (event.container.id === '' && event.container.workload === '') return ofHost;
    const known = this.#resolve(event);
    if ('type' in known) return known;
    const { identity, key } = known;
    const { cluster, podUid } = identity;
    const observation = observe(event, (address, named, remote = null) =>
      resolvePeer(this.#intervals, { cluster, address, atUs: event.time, podUid, named, remote }),
    );
    if ('refused' in observation) return { type: 'refused', reason: observation.refused };
    if (observation.length === 0) return irrelevant;
    const { origin, time: timeUs } = event;
    const sighting: Sighting = { origin, hash: eventIdHash(origin), timeUs, replica: identity.pod, ...place };
    const profile = this.#grown.get(key) ?? this.#begin(identity);
    profile.addImage(identity.image);
    for (const observed of observation) profile.see(observed, sighting);
    this.#grown.put(key, profile);
    return learned;
  }

  #begin(identity: ContainerIdentity): GrowingProfile {
    return new GrowingProfile(identity, this.#intervals.selector(identity) ?? {});
  }

  #resolve(event: LearnableEvent): Known | Outcome {
    if (this.#version !== this.#intervals.version) {
      this.#known.clear();
      this.#version = this.#intervals.version;
    }
    const { container, origin } = event;
    const id = `${origin.cluster}/${container.id || nameOf(container)}`;
    const found = this.#known.get(id);
    if (found) return found;
    const identity = identify(event, this.#intervals);
    if ('type' in identity) return identity;
    const known = { identity: identity.found, key: behaviourKey(identity.found) };
    if (identity.always) this.#known.set(id, known);
    return known;
  }
}

/** The agent's word counts where it is complete; it was bound when the event happened. */
function identify(event: LearnableEvent, intervals: EntityIntervals): Found | Outcome {
  const { container, origin } = event;
  const resolution = told(event) ?? intervals.container(origin.cluster, container.id, event.time);
  if (resolution === 'ambiguous') return { type: 'refused', reason: 'container-ambiguous' };
  if (resolution === 'unknown') return { type: 'unknown', reason: 'container-unknown' };
  // A policy for it could not be made: without a selector it would be a policy for everything in the namespace.
  if (!intervals.selector(resolution.found)) return { type: 'unknown', reason: 'selector-unknown' };
  return resolution;
}

type Found = { readonly found: ContainerIdentity; readonly always: boolean };

function told(event: LearnableEvent): Found | undefined {
  const { container, origin } = event;
  const { namespace, workloadKind, workload, name, image, pod, podUid } = container;
  // Traffic is the whole pod's, and who sees it on the wire knows no container.
  const isOfPod = 'network' in event || 'dns' in event;
  if (!namespace || !workloadKind || !workload || (!name && !isOfPod)) return undefined;
  const { cluster } = origin;
  const found = { cluster, namespace, workloadKind, workload, container: name, image, pod, podUid };
  return { found, always: true };
}

/** Of a container without an id: names repeat between namespaces. */
function nameOf({ namespace, workloadKind, workload, pod, name }: LearnableEvent['container']): string {
  return `${namespace}/${workloadKind}/${workload}/${pod}/${name}`;
}
