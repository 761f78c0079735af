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
import { type Identity, identityOf } from '../store/identity.ts';
import { checkStoreName, type StoreSpec } from '../store/store.ts';
import type { Timeline } from '../store/timeline.ts';
import { timelineStore } from '../store/timeline-store.ts';
import { listSerde } from '../table/list-serde.ts';
import { noting } from '../table/self-timed.ts';
import { type Leaving, TimeQueue } from './time-queue.ts';

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

/** A record of one side, as it waits. */
export interface Alone<K, V> {
  readonly side: Side;
  readonly key: K;
  readonly timeMs: number;
  readonly value: V;
}

export function unmatchedStore<K, L, R>(options: UnmatchedOptions<K, L, R>): StoreSpec<Unmatched<K, L | R>> {
  const { name, changelog, beforeMs, afterMs, graceMs } = options;
  checkStoreName(name);
  const slots = slotSerde(options.key);
  return {
    name,
    changelog,
    open(environment) {
      const timeline = timelineStore<Slot<K>, Held<L | R>>({
        ...{ name, changelog, key: slots, value: heldSerde(options) },
        retentionMs: beforeMs + afterMs + graceMs,
        // It knows no time, hence keeps all: what is given up is deleted.
      }).open({ ...environment, streamTimeMs: () => -1 });
      const store = new Unmatched<K, L | R>({
        timeline: timeline.store,
        slots,
        key: options.key,
        span: options,
      });
      return {
        ...timeline,
        store,
        changelog: timeline.changelog && noting(timeline.changelog, () => store.restored()),
        expire: () => store.writeMarks(),
      };
    },
  };
}

interface Waiting<K, V> {
  readonly slot: Slot<K>;
  readonly held: Held<V>;
}

/** The waiting of one side, by key and time. */
type Index<K, V> = Map<Identity, Map<number, Leaving<Waiting<K, V>>>>;

interface Parts<K, V> {
  /** Where it is written; read after a restart. */
  readonly timeline: Timeline<Slot<K>, Held<V>>;
  readonly slots: Serde<Slot<K>>;
  readonly key: Serde<K>;
  readonly span: JoinSpan;
}

export class Unmatched<K, V> {
  readonly #parts: Parts<K, V>;
  #queue = new TimeQueue<Waiting<K, V>>();
  #sides: Readonly<Record<Side, Index<K, V>>> = { left: new Map(), right: new Map() };
  #timeMs = -1;
  /** Time of the one looked at last; infinite: there is none. */
  #lookedAtMs = Number.POSITIVE_INFINITY;
  #isRead = false;

  constructor(parts: Parts<K, V>) {
    this.#parts = parts;
  }

  restored(): void {
    this.#isRead = false;
  }

  /** The join's time, after a record of that time. */
  advance(toMs: number): number {
    if (!this.#isRead) this.#read();
    if (toMs > this.#timeMs) this.#timeMs = toMs;
    return this.#timeMs;
  }

  add({ side, key, timeMs, value }: Alone<K, V>): void {
    const slot = { what: whatOf[side], key };
    const there = this.#sides[side].get(this.#identity(key))?.get(timeMs);
    const held = { side, values: there ? [...there.item.held.values, value] : [value] };
    there?.leave();
    this.#wait(slot, timeMs, held);
    this.#parts.timeline.put(slot, timeMs, held, timeMs);
    this.#lookedAtMs = Math.min(this.#lookedAtMs, timeMs);
  }

  /** Those of that key and time have met another. */
  remove({ side, key, timeMs }: Omit<Alone<K, V>, 'value'>): void {
    const identity = this.#identity(key);
    const times = this.#sides[side].get(identity);
    const there = times?.get(timeMs);
    if (!times || !there) return;
    there.leave();
    times.delete(timeMs);
    if (times.size === 0) this.#sides[side].delete(identity);
    this.#parts.timeline.delete(there.item.slot, timeMs);
  }

  /** Gives up what nothing can meet any more. `reachMs`: how far after a record of the asking side its match may be. */
  giveUp(reachMs: number): readonly Alone<K, V>[] {
    const { beforeMs, afterMs, graceMs } = this.#parts.span;
    const nowMs = this.#timeMs;
    if (this.#lookedAtMs + reachMs + graceMs >= nowMs) return [];
    const given: Alone<K, V>[] = [];
    const open = new Set<Side>();
    this.#lookedAtMs = Number.POSITIVE_INFINITY;
    for (const { timeMs, item } of this.#queue) {
      this.#lookedAtMs = timeMs;
      if (open.size === 2) break;
      const { side, values } = item.held;
      const key = item.slot.key!;
      if (timeMs + (side === 'left' ? afterMs : beforeMs) + graceMs >= nowMs) open.add(side);
      else for (const value of values) given.push({ side, key, timeMs, value });
    }
    for (const each of given) this.remove(each);
    return given;
  }

  /** Before a checkpoint. */
  writeMarks(): void {
    if (!this.#isRead) return;
    this.#writeMark(timeMark, this.#timeMs);
    this.#writeMark(lookedAtMark, this.#lookedAtMs === Number.POSITIVE_INFINITY ? -1 : this.#lookedAtMs);
  }

  #writeMark(mark: Slot<K>, timeMs: number): void {
    const { timeline } = this.#parts;
    if (timeline.timestampOf(mark, 0) === timeMs) return;
    if (timeMs < 0) timeline.delete(mark, 0);
    else timeline.put(mark, 0, nothing, timeMs);
  }

  #read(): void {
    const { timeline } = this.#parts;
    this.#isRead = true;
    this.#queue = new TimeQueue();
    this.#sides = { left: new Map(), right: new Map() };
    this.#timeMs = timeline.timestampOf(timeMark, 0);
    const lookedAtMs = timeline.timestampOf(lookedAtMark, 0);
    this.#lookedAtMs = lookedAtMs < 0 ? Number.POSITIVE_INFINITY : lookedAtMs;
    for (const [slot, { timeMs, value }] of timeline.all())
      if (slot.what < marks) this.#wait(slot, timeMs, value);
  }

  #wait(slot: Slot<K>, timeMs: number, held: Held<V>): void {
    const bytes = this.#parts.slots.serialize(slot);
    const waiting = this.#queue.add({ timeMs, bytes, item: { slot, held } });
    const index = this.#sides[held.side];
    const identity = this.#identity(slot.key!);
    const times = index.get(identity);
    if (times) times.set(timeMs, waiting);
    else index.set(identity, new Map([[timeMs, waiting]]));
  }

  #identity(key: K): Identity {
    return identityOf(key, this.#parts.key);
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
