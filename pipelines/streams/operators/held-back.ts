/**
 * Records held back until a checkpoint, the last of each key and window only: what makes `emit: 'checkpoint'`.
 *
 * Owns: which record is the last, in which order they go, how much may be held. Does not own: when a checkpoint is.
 *
 * Invariants:
 * HB1 When a record is done, no more than the bound is held: what waited longest since its last change went.
 * HB2 Records go in the order of their last change.
 * HB3 What came and went without being emitted in between is not emitted at all.
 */

import type { Serde } from '#schemas';
import { type Identity, identityOf } from '../store/identity.ts';
import type { TaskScope } from '../task/scope.ts';
import { afterRecord } from './after-record.ts';

export const defaultCacheMaxBytes = 10 * 1024 * 1024;

/** What a held record takes besides key and value: an estimate. */
export const heldRecordBytes = 200;

export interface HeldBackOptions<K, A> {
  readonly scope: TaskScope;
  readonly key: Serde<K>;
  readonly value: Serde<A>;
  /**
   * Of all that one task holds for one step, by estimate: `heldRecordBytes` a record, plus key and value: text by its length,
   * numbers as 8, anything else as serialised when it was first held and after 1, 2, 4, 8, … changes.
   */
  readonly maxBytes: number;
}

interface Held<R> {
  readonly slot: Map<Identity, Held<R>>;
  readonly identity: Identity;
  /** Downstream knows nothing of it. */
  readonly isNew: boolean;
  record: R;
  keyBytes: number;
  valueBytes: number;
  changes: number;
  before: Held<R> | null;
  after: Held<R> | null;
}

/** What a record is the last of. */
export interface HeldPlace<K> {
  readonly key: K;
  /** Of the window; 0 where there are none. */
  readonly startMs: number;
  readonly endMs: number;
  /** The store had no value before the change. */
  readonly isNew: boolean;
}

/** `K`, `A`: key and value of the store; `R`: what is emitted. */
export class HeldBack<K, A, R extends { readonly value: A | null }> {
  readonly #emit: (record: R) => void;
  readonly #options: HeldBackOptions<K, A>;
  /** By start and end of the window. */
  readonly #slots = new Map<number, Map<number, Map<Identity, Held<R>>>>();
  #slotStartMs = -1;
  #slotEndMs = -1;
  #slot = new Map<Identity, Held<R>>();
  #first: Held<R> | null = null;
  #last: Held<R> | null = null;
  #bytes = 0;
  /** It will be done after the record. */
  #isTrimming = false;

  constructor(options: HeldBackOptions<K, A>, emit: (record: R) => void) {
    this.#options = options;
    this.#emit = emit;
  }

  /** By estimate. */
  get bytes(): number {
    return this.#bytes;
  }

  hold({ key, startMs, endMs, isNew }: HeldPlace<K>, record: R): void {
    const identity = identityOf(key, this.#options.key);
    const slot = this.#slotAt(startMs, endMs);
    const held = slot.get(identity);
    if (held) {
      if (record.value === null && held.isNew) {
        this.#drop(held);
        return;
      }
      this.#change(held, record);
    } else {
      this.#add({ slot, identity, isNew }, key, record);
    }
    if (this.#bytes <= this.#options.maxBytes || this.#isTrimming) return;
    this.#isTrimming = true;
    afterRecord(this.#options.scope, () => this.#trim());
  }

  /** Emits everything. */
  release(): void {
    let next = this.#first;
    this.#first = null;
    this.#last = null;
    this.#bytes = 0;
    this.#slots.clear();
    this.#slotStartMs = -1;
    this.#slotEndMs = -1;
    this.#slot = new Map();
    for (; next; next = next.after) this.#emit(next.record);
  }

  #trim(): void {
    this.#isTrimming = false;
    while (this.#bytes > this.#options.maxBytes && this.#first) {
      const { record } = this.#first;
      this.#drop(this.#first);
      this.#emit(record);
    }
  }

  #slotAt(startMs: number, endMs: number): Map<Identity, Held<R>> {
    if (startMs === this.#slotStartMs && endMs === this.#slotEndMs) return this.#slot;
    let ends = this.#slots.get(startMs);
    if (!ends) {
      ends = new Map();
      this.#slots.set(startMs, ends);
    }
    let slot = ends.get(endMs);
    if (!slot) {
      slot = new Map();
      ends.set(endMs, slot);
    }
    this.#slotStartMs = startMs;
    this.#slotEndMs = endMs;
    this.#slot = slot;
    return slot;
  }

  #add(place: Pick<Held<R>, 'slot' | 'identity' | 'isNew'>, key: K, record: R): void {
    const { slot, identity, isNew } = place;
    const keyBytes = measure(key, this.#options.key);
    const valueBytes = this.#measure(record.value);
    const before = this.#last;
    const held = { slot, identity, isNew, record, keyBytes, valueBytes, changes: 0, before, after: null };
    slot.set(identity, held);
    if (before) before.after = held;
    else this.#first = held;
    this.#last = held;
    this.#bytes += heldRecordBytes + keyBytes + valueBytes;
  }

  #change(held: Held<R>, record: R): void {
    held.record = record;
    held.changes += 1;
    if ((held.changes & (held.changes - 1)) === 0) {
      const valueBytes = this.#measure(record.value);
      this.#bytes += valueBytes - held.valueBytes;
      held.valueBytes = valueBytes;
    }
    if (held === this.#last) return;
    this.#unlink(held);
    held.before = this.#last;
    held.after = null;
    this.#last!.after = held;
    this.#last = held;
  }

  #drop(held: Held<R>): void {
    this.#unlink(held);
    held.slot.delete(held.identity);
    this.#bytes -= heldRecordBytes + held.keyBytes + held.valueBytes;
  }

  #unlink({ before, after }: Held<R>): void {
    if (before) before.after = after;
    else this.#first = after;
    if (after) after.before = before;
    else this.#last = before;
  }

  #measure(value: A | null): number {
    return value === null ? 0 : measure(value, this.#options.value);
  }
}

function measure<T>(value: T, serde: Serde<T>): number {
  if (typeof value === 'string') return value.length;
  if (typeof value === 'object') return serde.serialize(value).length;
  return 8;
}
