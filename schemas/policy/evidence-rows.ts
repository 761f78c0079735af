/**
 * Evidence of many behaviours as a join-semilattice (docs/adr/0003), a row each, in one block of memory.
 *
 * Owns: how one more event, or another's evidence, is taken in. Does not own: what the evidence is of.
 *
 * Invariants:
 * E1 Taking in is commutative, associative and idempotent: the record depends on the set of events alone.
 * E2 `count` is a function of the sketch (event-sketch.ts).
 * E3 Samples are the events of the smallest hashes, each at the smallest (topic, partition, offset) it was read at.
 * E4 A row's size does not depend on how many events it stands for; places, replicas and days that rows share are held once.
 */

import { eventIdHash } from '../event-id.ts';
import type { Evidence, Origin, Sample } from '../generated/types.ts';
import {
  addToSketch,
  foldedHash,
  joinSketch,
  sketchBytes,
  sketchCount,
  sketchNumbers,
} from './event-sketch.ts';
import { Shelf } from './shelf.ts';

const sampleCount = 2;
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

/** Where things stand within a row, in bytes. */
const at = (() => {
  const sketch = 24;
  const samples = sketch + sketchBytes;
  const largest = samples + 1;
  return {
    first: 0,
    last: 8,
    replicas: 16,
    days: 20,
    sketch,
    samples,
    largest,
    sample: largest + 4,
  } as const;
})();
/** Within a sample. Hashes are made anew when they are needed, but for the largest. */
const of = { source: 0, sequence: 4, offset: 12 } as const;
const sampleBytes = 20;
const rowBytes = at.sample + sampleCount * sampleBytes;

/** All of a sample that events of one source and partition share. */
type Source = Omit<Origin, 'sequence'> & Pick<Sample, 'topic' | 'partition'>;

interface PackedSample {
  readonly hash: number;
  readonly source: number;
  readonly sequence: number;
  readonly offset: number;
}

const leastSwept = 64;

export class EvidenceRows {
  #bytes = Buffer.alloc(0);
  #view = new DataView(this.#bytes.buffer, 0, 0);
  #length = 0;
  readonly #sources = new Shelf<Source>();
  readonly #replicas = new Shelf<readonly string[]>();
  readonly #days = new Shelf<readonly number[]>();
  /** How many shared values there may be before those are looked for that no row uses any more. */
  #sweepAt = leastSwept;

  get length(): number {
    return this.#length;
  }

  /** How many values rows share, of which each is held once. */
  get sharedValues(): number {
    return this.#sources.size + this.#replicas.size + this.#days.size;
  }

  /** A row of no events; its number. */
  push(): number {
    const row = this.#length;
    if ((row + 1) * rowBytes > this.#bytes.length) this.reserve(row + Math.max(4, row >> 4));
    this.#length += 1;
    const start = row * rowBytes;
    const view = this.#view;
    view.setFloat64(start + at.first, Number.POSITIVE_INFINITY);
    view.setFloat64(start + at.last, Number.NEGATIVE_INFINITY);
    view.setUint32(start + at.replicas, this.#replicas.put('', []));
    view.setUint32(start + at.days, this.#days.put('', []));
    view.setUint8(start + at.sketch, 0);
    view.setUint8(start + at.samples, 0);
    return row;
  }

  /** Room for so many rows. */
  reserve(rows: number): void {
    const wanted = rows * rowBytes;
    if (wanted <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(wanted);
    this.#bytes.copy(grown);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer, grown.byteOffset, grown.length);
  }

  /** Without rows, in the same memory. */
  clear(): void {
    this.#length = 0;
    for (const shelf of [this.#sources, this.#replicas, this.#days]) shelf.clear();
    this.#sweepAt = leastSwept;
  }

  add(row: number, sighting: Sighting): void {
    const { timeUs, replica } = sighting;
    const start = row * rowBytes;
    this.#span(start, timeUs, timeUs);
    this.#addDay(start, Math.floor(timeUs / dayUs));
    if (replica !== '') this.#addReplica(start, replica);
    const hash = foldedHash(sighting.hash);
    addToSketch(this.#view, start + at.sketch, hash);
    if (this.#isSampled(start, hash)) this.#addSample(start, hash, sighting);
  }

  /** Takes in all that a record knows. */
  join(row: number, { firstSeen, lastSeen, sketch, samples, replicas, days }: Evidence): void {
    const start = row * rowBytes;
    this.#span(start, firstSeen, lastSeen);
    for (const day of days) this.#addDay(start, day);
    for (const replica of replicas) this.#addReplica(start, replica);
    joinSketch(this.#view, start + at.sketch, sketch);
    for (const sample of samples) {
      const hash = foldedHash(eventIdHash(sample.origin));
      if (this.#isSampled(start, hash)) this.#addSample(start, hash, sample);
    }
  }

  record(row: number): Evidence {
    const start = row * rowBytes;
    const view = this.#view;
    return {
      count: sketchCount(view, start + at.sketch),
      firstSeen: view.getFloat64(start + at.first),
      lastSeen: view.getFloat64(start + at.last),
      replicas: [...this.#replicas.at(view.getUint32(start + at.replicas))],
      days: [...this.#days.at(view.getUint32(start + at.days))].reverse(),
      sketch: sketchNumbers(view, start + at.sketch),
      samples: this.#packedSamples(start).map(sample => this.#sampleOf(sample)),
    };
  }

  #span(start: number, firstUs: number, lastUs: number): void {
    const view = this.#view;
    if (firstUs < view.getFloat64(start + at.first)) view.setFloat64(start + at.first, firstUs);
    if (lastUs > view.getFloat64(start + at.last)) view.setFloat64(start + at.last, lastUs);
  }

  #addDay(start: number, day: number): void {
    const before = this.#days.at(this.#view.getUint32(start + at.days));
    const after = joined(before, day, descending, largestDays);
    if (after === before) return;
    this.#view.setUint32(start + at.days, this.#days.put(after.join(), after));
    this.#sweep();
  }

  #addReplica(start: number, replica: string): void {
    const before = this.#replicas.at(this.#view.getUint32(start + at.replicas));
    const after = joined(before, replica, ascending, largestReplicas);
    if (after === before) return;
    this.#view.setUint32(start + at.replicas, this.#replicas.put(after.join('\n'), after));
    this.#sweep();
  }

  #isSampled(start: number, hash: number): boolean {
    const count = this.#view.getUint8(start + at.samples);
    if (count < sampleCount) return true;
    return hash <= this.#view.getUint32(start + at.largest);
  }

  #addSample(start: number, hash: number, { origin, topic, partition, offset }: Sample): void {
    const samples = this.#packedSamples(start);
    const added = {
      hash,
      source: this.#sourceOf(origin, topic, partition),
      sequence: origin.sequence,
      offset,
    };
    const same = samples.findIndex(each => each.hash === hash);
    if (same < 0) samples.push(added);
    else if (this.#isBefore(added, samples[same]!)) samples[same] = added;
    else return;
    samples.sort((a, b) => a.hash - b.hash);
    if (samples.length > sampleCount) samples.length = sampleCount;
    const view = this.#view;
    view.setUint8(start + at.samples, samples.length);
    view.setUint32(start + at.largest, samples[samples.length - 1]!.hash);
    for (let i = 0; i < samples.length; i++) {
      const here = start + at.sample + i * sampleBytes;
      view.setUint32(here + of.source, samples[i]!.source);
      view.setFloat64(here + of.sequence, samples[i]!.sequence);
      view.setFloat64(here + of.offset, samples[i]!.offset);
    }
    this.#sweep();
  }

  #packedSamples(start: number): PackedSample[] {
    const view = this.#view;
    const count = view.getUint8(start + at.samples);
    const samples: PackedSample[] = [];
    for (let i = 0; i < count; i++) {
      const here = start + at.sample + i * sampleBytes;
      const source = view.getUint32(here + of.source);
      const sequence = view.getFloat64(here + of.sequence);
      const isLargest = i === count - 1;
      const hash = isLargest ? view.getUint32(start + at.largest) : this.#hashOf(source, sequence);
      samples.push({ hash, source, sequence, offset: view.getFloat64(here + of.offset) });
    }
    return samples;
  }

  #hashOf(source: number, sequence: number): number {
    const { cluster, node, agent, bootId } = this.#sources.at(source);
    return foldedHash(eventIdHash({ cluster, node, agent, bootId, sequence }));
  }

  #sourceOf({ cluster, node, agent, bootId }: Origin, topic: string, partition: number): number {
    const key = `${cluster}\n${node}\n${agent}\n${bootId}\n${topic}\n${partition}`;
    return (
      this.#sources.find(key) ?? this.#sources.put(key, { cluster, node, agent, bootId, topic, partition })
    );
  }

  /** By topic, partition and offset. */
  #isBefore(a: PackedSample, b: PackedSample): boolean {
    const [left, right] = [this.#sources.at(a.source), this.#sources.at(b.source)];
    const order =
      ascending(left.topic, right.topic) || left.partition - right.partition || a.offset - b.offset;
    return order < 0;
  }

  #sampleOf({ source, sequence, offset }: PackedSample): Sample {
    const { cluster, node, agent, bootId, topic, partition } = this.#sources.at(source);
    return { origin: { cluster, node, agent, bootId, sequence }, topic, partition, offset };
  }

  /** Forgets shared values that no row uses any more, once there are twice as many as were in use. */
  #sweep(): void {
    if (this.sharedValues < this.#sweepAt) return;
    this.#keepUsed(this.#sources, start => this.#sourcesOf(start));
    this.#keepUsed(this.#replicas, start => [start + at.replicas]);
    this.#keepUsed(this.#days, start => [start + at.days]);
    this.#sweepAt = Math.max(leastSwept, 2 * this.sharedValues);
  }

  /** `fieldsOf`: where a row holds numbers of the shelf. */
  #keepUsed<T>(shelf: Shelf<T>, fieldsOf: (start: number) => readonly number[]): void {
    const view = this.#view;
    const fields = Array.from({ length: this.#length }, (_, row) => fieldsOf(row * rowBytes)).flat();
    const renumbered = shelf.keep(new Set(fields.map(field => view.getUint32(field))));
    for (const field of fields) view.setUint32(field, renumbered.get(view.getUint32(field))!);
  }

  #sourcesOf(start: number): number[] {
    const count = this.#view.getUint8(start + at.samples);
    return Array.from({ length: count }, (_, index) => start + at.sample + index * sampleBytes + of.source);
  }
}

type Order<T> = (a: T, b: T) => number;
const ascending: Order<string> = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
const descending: Order<number> = (a, b) => b - a;

/** The first `most` of the set in the order, which the given one is in; the same array when nothing changed. */
function joined<T>(set: readonly T[], value: T, order: Order<T>, most: number): readonly T[] {
  if (set.includes(value)) return set;
  if (set.length === most && order(value, set[most - 1]!) > 0) return set;
  return [...set, value].sort(order).slice(0, most);
}
