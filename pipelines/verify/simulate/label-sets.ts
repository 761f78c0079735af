/** Sets of labels under a short name that depends on what they hold alone. */

import { canonicalJson, hashOf } from '#policy';
import type { Labels } from '../../enrich/index.ts';

export interface LabelSet {
  readonly id: string;
  readonly labels: Labels;
}

export class LabelSets {
  /** By the object they were told in: most come again and again. */
  readonly #told = new WeakMap<Labels, LabelSet>();
  readonly #byText = new Map<string, LabelSet>();

  of(labels: Labels): LabelSet {
    const known = this.#told.get(labels);
    if (known) return known;
    const text = canonicalJson(labels);
    const set = this.#byText.get(text) ?? { id: hashOf(text).slice(0, 16), labels };
    this.#byText.set(text, set);
    this.#told.set(labels, set);
    return set;
  }
}
