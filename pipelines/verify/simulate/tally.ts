/**
 * What was done in a recording, each thing once, with how often and what became of it then.
 *
 * Owns: what is one thing. Does not own: whose event it is (enrich), what policies say of it (judge.ts).
 *
 * Invariants:
 * T1 It depends on the set of events alone: order and repetition of files do not matter, but for equal moments.
 * T2 Memory grows with distinct things, not with events.
 */

import type { Verdict } from '#schemas';
import type { Labels, Observed } from '../../enrich/index.ts';

export interface WorkloadName {
  readonly cluster: string;
  readonly namespace: string;
  readonly workloadKind: string;
  readonly workload: string;
}

/** Where one event of it is. */
export interface Example {
  /** Topic, partition and offset; or file and line, or what the agent calls it. */
  readonly place: string;
  readonly node: string;
  readonly sequence: number;
  readonly timeUs: number;
}

/** One thing that one kind of pods did. */
export interface Deed {
  readonly actor: WorkloadName & { readonly container: string; readonly labels: Labels };
  readonly observed: Observed;
  /** Address of a peer that is told by its name. */
  readonly address: string;
  /** What the other side of a connection must have done: it did not tell it itself. */
  readonly isConcluded: boolean;
  /** What became of it when it was recorded. */
  readonly verdict: Verdict;
}

export interface Tallied extends Deed {
  count: number;
  firstUs: number;
  lastUs: number;
  /** The first one. */
  example: Example;
}

export interface Sight {
  readonly times: number;
  readonly timeUs: number;
  readonly example: () => Example;
}

export class Tally {
  readonly #deeds = new Map<string, Tallied>();

  static of(entries: readonly (readonly [string, Tallied])[]): Tally {
    const tally = new Tally();
    for (const [key, each] of entries) tally.#deeds.set(key, each);
    return tally;
  }

  get size(): number {
    return this.#deeds.size;
  }

  /** `key` is equal for the same deed; `make` is called for a new one. */
  add(key: string, make: () => Deed, { times, timeUs, example }: Sight): void {
    const tallied = this.#deeds.get(key);
    if (!tallied) {
      const first = { count: times, firstUs: timeUs, lastUs: timeUs, example: example() };
      this.#deeds.set(key, { ...make(), ...first });
      return;
    }
    tallied.count += times;
    if (timeUs > tallied.lastUs) tallied.lastUs = timeUs;
    if (timeUs >= tallied.firstUs) return;
    tallied.firstUs = timeUs;
    tallied.example = example();
  }

  entries(): Iterable<readonly [string, Tallied]> {
    return this.#deeds;
  }

  deeds(): Iterable<Tallied> {
    return this.#deeds.values();
  }
}
