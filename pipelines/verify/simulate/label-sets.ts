/** Sets of labels under a short name that depends on what they hold alone. */

import { canonicalJson, hashOf } from '#policy';
import type { Labels } from '../../enrich/index.ts';

export interface LabelSet {
  readonly id: string;
  readonly labels: Labels;
}

export class LabelSets {
  /** By the object they were told in, then by how it spells them: most come again and again. */
  readonly #told = new WeakMap<Labels, LabelSet>();
  readonly #spelled = new Map<string, LabelSet>();
  readonly #sets = new Map<string, LabelSet>();
  readonly #ofPods = new Map<string, LabelSet>();

  of(labels: Labels): LabelSet {
    const known = this.#told.get(labels);
    if (known) return known;
    const set = found(this.#spelled, JSON.stringify(labels), () => this.#canonical(labels));
    this.#told.set(labels, set);
    return set;
  }

  /** Without what Cilium adds to the labels of a pod. */
  ofPod(told: Labels): LabelSet {
    return found(this.#ofPods, JSON.stringify(told), () => this.of(plain(told)));
  }

  #canonical(labels: Labels): LabelSet {
    const text = canonicalJson(labels);
    return found(this.#sets, text, () => ({ id: hashOf(text).slice(0, 16), labels }));
  }
}

function found(known: Map<string, LabelSet>, key: string, make: () => LabelSet): LabelSet {
  const before = known.get(key);
  if (before) return before;
  const set = make();
  known.set(key, set);
  return set;
}

function plain(labels: Labels): Labels {
  const own = Object.entries(labels)
    .map(([key, value]) => [key.replace(/^(k8s|any):/, ''), value] as const)
    .filter(([key]) => !/^(reserved|cidr|fqdn):|^io\.(kubernetes\.pod\.namespace$|cilium\.)/.test(key));
  return Object.fromEntries(own);
}
