/**
 * The behaviour profile of one container of a workload, growing in place.
 *
 * Owns: which behaviours there are. What it holds depends on the set of events alone (I2), since evidence does (E1).
 */

import { GrowingEvidence, type Sighting } from '#policy';
import type { Behaviour, BehaviourProfile, Peer } from '#schemas';
import { identityOf, type Observed } from './observe.ts';

const mostImages = 16;

export type ProfileKey = Pick<
  BehaviourProfile,
  'cluster' | 'namespace' | 'workloadKind' | 'workload' | 'container'
>;

interface Entry {
  observed: Observed;
  readonly evidence: GrowingEvidence;
}

type Labels = Readonly<Record<string, string>>;

/** How a workload is selected; undefined when that is not known (any more). */
export type SelectorOf = (workload: Omit<ProfileKey, 'container'>) => Labels | undefined;

export class GrowingProfile {
  readonly key: ProfileKey;
  readonly #entries = new Map<string, Entry>();
  #images: readonly string[] = [];
  #selector: Labels;

  constructor({ cluster, namespace, workloadKind, workload, container }: ProfileKey, selector: Labels = {}) {
    this.key = { cluster, namespace, workloadKind, workload, container };
    this.#selector = selector;
  }

  static of(record: BehaviourProfile): GrowingProfile {
    const profile = new GrowingProfile(record);
    profile.join(record);
    return profile;
  }

  get size(): number {
    return this.#entries.size;
  }

  see(observed: Observed, sighting: Sighting): void {
    const identity = identityOf(observed);
    let entry = this.#entries.get(identity);
    if (!entry) {
      entry = { observed, evidence: new GrowingEvidence() };
      this.#entries.set(identity, entry);
    } else if (observed.peer) {
      entry.observed = withPeer(entry.observed, observed.peer);
    }
    entry.evidence.add(sighting);
  }

  addImage(image: string): void {
    if (image === '' || this.#images.includes(image)) return;
    this.#images = [...this.#images, image].sort().slice(0, mostImages);
  }

  /** Takes in all that a record knows. True when that was a behaviour more than before. */
  join({ behaviours, images, selector }: BehaviourProfile): boolean {
    const before = this.size;
    for (const image of images) this.addImage(image);
    this.#selector = smaller(this.#selector, selector);
    for (const { evidence, ...observed } of behaviours) {
      const identity = identityOf(observed);
      const entry = this.#entries.get(identity);
      if (!entry) {
        this.#entries.set(identity, { observed, evidence: GrowingEvidence.of(evidence) });
        continue;
      }
      entry.evidence.join(evidence);
      if (observed.peer) entry.observed = withPeer(entry.observed, observed.peer);
    }
    return this.size > before;
  }

  /** The whole of it, sorted; selectors as they are now where `selectorOf` knows them. */
  record(selectorOf: SelectorOf = () => undefined): BehaviourProfile {
    const { cluster } = this.key;
    const behaviours = [...this.#entries]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, { observed, evidence }]): Behaviour => {
        const peer = observed.peer && currentPeer(observed.peer, cluster, selectorOf);
        return { ...observed, peer, evidence: evidence.record() };
      });
    return {
      ...this.key,
      selector: { ...(selectorOf(this.key) ?? this.#selector) },
      images: [...this.#images],
      behaviours,
    };
  }
}

function currentPeer(peer: Peer, cluster: string, selectorOf: SelectorOf): Peer {
  if (peer.type !== 'WORKLOAD') return peer;
  return { ...peer, selector: { ...(selectorOf({ cluster, ...peer }) ?? peer.selector) } };
}

/** The same behaviour with the peer both know: who saw it earlier may not have known what selects it. */
function withPeer(observed: Observed, { selector }: Peer): Observed {
  const { peer } = observed;
  if (!peer || areSame(peer.selector, selector)) return observed;
  return { ...observed, peer: { ...peer, selector: { ...smaller(peer.selector, selector) } } };
}

function areSame(a: Labels, b: Labels): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every(key => a[key] === b[key]);
}

/** One of two, whichever came first; none is less than any. */
function smaller(a: Labels, b: Labels): Labels {
  const [left, right] = [spelled(a), spelled(b)];
  if (left === '[]' || right === '[]') return left === '[]' ? b : a;
  return left <= right ? a : b;
}

function spelled(labels: Labels): string {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}
