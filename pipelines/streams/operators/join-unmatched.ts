/**
 * Records of a left or outer join that met no other yet.
 *
 * Owns: which, in what order they are given up, and the time of the join. Does not own: what is sent for them (join-stream.ts).
 *
 * Invariants:
 * U1 Order is by time; of equal times the right side's before the left side's, then by the bytes of the keys; of one key as they
 *    came.
 * U2 The join's time is the latest of all records of both sides, dropped ones included, and survives a restart.
 * U3 Whether any is to be given up is asked when the last one that was looked at may be, as in Kafka Streams: so a match that
 *    comes just then finds it in both, or in neither.
 */

import type { Serde } from '#schemas';
import { checkStoreName, type StoreSpec } from '../store/store.ts';
import { type Timeline, timelineStore } from '../store/timeline.ts';
import { listSerde } from '../table/list-serde.ts';
import { noting } from '../table/self-timed.ts';

export type Side = 'left' | 'right';

export interface JoinSpan {
  readonly beforeMs: number;
  readonly afterMs: number;
  readonly graceMs: number;
}

export interface UnmatchedOptions<K, L, R> extends JoinSpan {
  readonly name: string;
  readonly key: Serde<K>;
  readonly left: Serde<L>;
  readonly right: Serde<R>;
  readonly changelog: boolean;
}

/** One that is given up: it will not be found any more. */
export interface GivenUp<K, V> {
  readonly side: Side;
  readonly key: K;
  readonly timeMs: number;
  readonly value: V;
}

export function unmatchedStore<K, L, R>(options: UnmatchedOptions<K, L, R>): StoreSpec<Unmatched<K, L | R>> {
  const { name, changelog, beforeMs, afterMs, graceMs } = options;
  checkStoreName(name);
  return {
    name,
    changelog,
    open(environment) {
      const timeline = timelineStore<Slot<K>, Held<L | R>>({
        ...{ name, changelog, key: slotSerde(options.key), value: heldSerde(options) },
        retentionMs: beforeMs + afterMs + graceMs,
        // It knows no time, hence keeps all: what is given up is deleted.
      }).open({ ...environment, streamTimeMs: () => -1 });
      const store = new Unmatched(timeline.store, options);
      return {
        store,
        changelog: timeline.changelog && noting(timeline.changelog, () => store.restored()),
      };
    },
  };
}

export class Unmatched<K, V> {
  readonly #timeline: Timeline<Slot<K>, Held<V>>;
  readonly #span: JoinSpan;
  /** null: to be read. */
  #timeMs: number | null = null;
  /** Time of the one looked at last; infinite: there is none. */
  #lookedAtMs = Number.POSITIVE_INFINITY;

  constructor(timeline: Timeline<Slot<K>, Held<V>>, span: JoinSpan) {
    this.#timeline = timeline;
    this.#span = span;
  }

  restored(): void {
    this.#timeMs = null;
  }

  /** The join's time, after a record of that time. */
  advance(toMs: number): number {
    const timeMs = this.#timeMs ?? this.#readMarks();
    if (toMs <= timeMs) return timeMs;
    this.#timeMs = toMs;
    this.#timeline.put(timeMark, 0, nothing, toMs);
    return toMs;
  }

  add({ side, key, timeMs, value }: GivenUp<K, V>): void {
    const slot = { what: whatOf[side], key };
    const values = this.#timeline.get(slot, timeMs)?.values ?? [];
    this.#timeline.put(slot, timeMs, { side, values: [...values, value] }, timeMs);
    if (timeMs < this.#lookedAtMs) this.#lookAt(timeMs);
  }

  /** Those of that key and time have met another. */
  remove({ side, key, timeMs }: Omit<GivenUp<K, V>, 'value'>): void {
    const slot = { what: whatOf[side], key };
    if (this.#timeline.get(slot, timeMs)) this.#timeline.delete(slot, timeMs);
  }

  /** Gives up what nothing can meet any more. `reachMs`: how far after a record of the asking side its match may be. */
  giveUp(reachMs: number): readonly GivenUp<K, V>[] {
    const { beforeMs, afterMs, graceMs } = this.#span;
    const nowMs = this.#timeMs!;
    if (this.#lookedAtMs + reachMs + graceMs >= nowMs) return [];
    const given: GivenUp<K, V>[] = [];
    const open = new Set<Side>();
    let lookedAtMs = Number.POSITIVE_INFINITY;
    for (const [{ what, key }, { timeMs, value }] of this.#timeline.all()) {
      if (what >= marks) continue;
      lookedAtMs = timeMs;
      if (open.size === 2) break;
      const { side, values } = value;
      if (timeMs + (side === 'left' ? afterMs : beforeMs) + graceMs >= nowMs) open.add(side);
      else for (const each of values) given.push({ side, key: key!, timeMs, value: each });
    }
    for (const { side, key, timeMs } of given) this.#timeline.delete({ what: whatOf[side], key }, timeMs);
    this.#lookAt(lookedAtMs);
    return given;
  }

  #lookAt(timeMs: number): void {
    this.#lookedAtMs = timeMs;
    if (timeMs === Number.POSITIVE_INFINITY) this.#timeline.delete(lookedAtMark, 0);
    else this.#timeline.put(lookedAtMark, 0, nothing, timeMs);
  }

  #readMarks(): number {
    const lookedAtMs = this.#timeline.timestampOf(lookedAtMark, 0);
    this.#lookedAtMs = lookedAtMs < 0 ? Number.POSITIVE_INFINITY : lookedAtMs;
    this.#timeMs = this.#timeline.timestampOf(timeMark, 0);
    return this.#timeMs;
  }
}

/** What an entry is: a record of the right side, of the left side, or a mark, whose time is that of its value. */
interface Slot<K> {
  readonly what: number;
  /** null in a mark. */
  readonly key: K | null;
}

interface Held<V> {
  readonly side: Side;
  readonly values: readonly V[];
}

const whatOf = { right: 0, left: 1 } as const;
const marks = 2;
const timeMark = { what: 2, key: null };
const lookedAtMark = { what: 3, key: null };
const nothing: Held<never> = { side: 'left', values: [] };

/** Shape: what, in a byte; the key's bytes. */
function slotSerde<K>(keys: Serde<K>): Serde<Slot<K>> {
  return {
    serialize: ({ what, key }) =>
      key === null ? Buffer.from([what]) : Buffer.concat([Buffer.from([what]), keys.serialize(key)]),
    deserialize: bytes => {
      const what = bytes[0]!;
      return { what, key: what >= marks ? null : keys.deserialize(bytes.subarray(1)) };
    },
  };
}

/** Shape: 1 for the left side, else 0, in a byte; the values, see listSerde. */
function heldSerde<L, R>({
  left,
  right,
}: Pick<UnmatchedOptions<unknown, L, R>, 'left' | 'right'>): Serde<Held<L | R>> {
  const lists = { left: listSerde(left), right: listSerde(right) } as Record<Side, Serde<readonly (L | R)[]>>;
  return {
    serialize: ({ side, values }) =>
      Buffer.concat([Buffer.from([whatOf[side]]), lists[side].serialize(values)]),
    deserialize: bytes => {
      const side = bytes[0] === whatOf.left ? 'left' : 'right';
      return { side, values: lists[side].deserialize(bytes.subarray(1)) };
    },
  };
}
