/**
 * Evidence as a join-semilattice (docs/adr/0003).
 *
 * Owns: how one more event, or another's evidence, is taken in. Does not own: what the evidence is of.
 *
 * Invariants:
 * E1 Taking in is commutative, associative and idempotent: the record depends on the set of events alone.
 * E2 `count` is a function of the sketch: exact while it is not full, the k-minimum-values estimate afterwards.
 * E3 Samples are the events of the smallest hashes, each at the smallest (topic, partition, offset) it was read at.
 */

import { eventIdHash, largestEventIdHash } from '../event-id.ts';
import type { Evidence, Origin, Sample } from '../generated/types.ts';

const sketchSize = 32;
const sampleCount = 3;
const largestReplicas = 16;
const largestDays = 31;
const dayUs = 86_400_000_000;

/** One event, as evidence sees it. */
export interface Sighting {
  readonly origin: Origin;
  /** `eventIdHash(origin)`: computed once an event, however many behaviours it shows. */
  readonly hash: number;
  readonly timeUs: number;
  /** Name of the pod; empty when there is none. */
  readonly replica: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

interface HashedSample {
  readonly hash: number;
  readonly sample: Sample;
}

/** Evidence that grows in place. */
export class GrowingEvidence {
  #firstUs = Number.POSITIVE_INFINITY;
  #lastUs = Number.NEGATIVE_INFINITY;
  /** Sorted, distinct. */
  readonly #sketch: number[] = [];
  #samples: HashedSample[] = [];
  #replicas: string[] = [];
  #days: number[] = [];

  static of(record: Evidence): GrowingEvidence {
    const evidence = new GrowingEvidence();
    evidence.join(record);
    return evidence;
  }

  add({ origin, hash, timeUs, replica, topic, partition, offset }: Sighting): void {
    if (timeUs < this.#firstUs) this.#firstUs = timeUs;
    if (timeUs > this.#lastUs) this.#lastUs = timeUs;
    this.#days = joined(this.#days, Math.floor(timeUs / dayUs), descending, largestDays);
    if (replica !== '') this.#replicas = joined(this.#replicas, replica, ascending, largestReplicas);
    if (this.#sketch.length === sketchSize && hash > this.#sketch[sketchSize - 1]!) return;
    this.#addHash(hash);
    if (this.#isSampled(hash)) this.#addSample({ hash, sample: { origin, topic, partition, offset } });
  }

  /** Takes in all that a record knows. */
  join({ firstSeen, lastSeen, sketch, samples, replicas, days }: Evidence): void {
    if (firstSeen < this.#firstUs) this.#firstUs = firstSeen;
    if (lastSeen > this.#lastUs) this.#lastUs = lastSeen;
    for (const day of days) this.#days = joined(this.#days, day, descending, largestDays);
    for (const replica of replicas)
      this.#replicas = joined(this.#replicas, replica, ascending, largestReplicas);
    for (const hash of sketch) this.#addHash(hash);
    for (const sample of samples) {
      const hash = eventIdHash(sample.origin);
      if (this.#isSampled(hash)) this.#addSample({ hash, sample });
    }
  }

  record(): Evidence {
    return {
      count: estimate(this.#sketch),
      firstSeen: this.#firstUs,
      lastSeen: this.#lastUs,
      replicas: [...this.#replicas],
      days: [...this.#days].reverse(),
      sketch: [...this.#sketch],
      samples: this.#samples.map(({ sample }) => sample),
    };
  }

  #addHash(hash: number): void {
    const sketch = this.#sketch;
    let at = sketch.length;
    while (at > 0 && sketch[at - 1]! > hash) at -= 1;
    if (sketch[at - 1] === hash || at === sketchSize) return;
    sketch.splice(at, 0, hash);
    if (sketch.length > sketchSize) sketch.pop();
  }

  #isSampled(hash: number): boolean {
    return this.#samples.length < sampleCount || hash <= this.#samples[this.#samples.length - 1]!.hash;
  }

  #addSample(added: HashedSample): void {
    const same = this.#samples.findIndex(({ hash }) => hash === added.hash);
    if (same >= 0) {
      if (compareSamples(added.sample, this.#samples[same]!.sample) < 0) this.#samples[same] = added;
      return;
    }
    this.#samples = [...this.#samples, added].sort((a, b) => a.hash - b.hash).slice(0, sampleCount);
  }
}

/** The evidence of several behaviours as one; null of none. */
export function joinEvidence(records: Iterable<Evidence>): Evidence | null {
  let all: GrowingEvidence | null = null;
  for (const record of records) {
    all ??= new GrowingEvidence();
    all.join(record);
  }
  return all?.record() ?? null;
}

/** Of n events with evenly spread hashes, the k-th smallest lies at about k/n of the range. */
function estimate(sketch: readonly number[]): number {
  if (sketch.length < sketchSize) return sketch.length;
  const share = (sketch[sketchSize - 1]! + 1) / (largestEventIdHash + 1);
  return Math.max(sketchSize, Math.round((sketchSize - 1) / share));
}

type Order<T> = (a: T, b: T) => number;
const ascending: Order<string> = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
const descending: Order<number> = (a, b) => b - a;

/** The first `most` of the set in the order, which the given one is in; the same array when nothing changed. */
function joined<T>(set: T[], value: T, order: Order<T>, most: number): T[] {
  if (set.includes(value)) return set;
  if (set.length === most && order(value, set[most - 1]!) > 0) return set;
  return [...set, value].sort(order).slice(0, most);
}

function compareSamples(a: Sample, b: Sample): number {
  return ascending(a.topic, b.topic) || a.partition - b.partition || a.offset - b.offset;
}
