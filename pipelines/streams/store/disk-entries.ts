/**
 * Entries of a store on disk, in memory as long as they must or may be: those that are not written yet, and those used last.
 *
 * Owns: what is buffered, when it is written, the cache. Does not own: files (disk-file.ts), what entries mean (disk-store.ts,
 * disk-timeline.ts).
 *
 * Invariants:
 * E1 What is read is what was put last, wherever it is.
 * E2 Only what was frozen and settled is written; the latest of it, together with the offset that it is as of.
 * E3 An entry stays in memory until the files hold its last state.
 */

import type { Serde } from '#schemas';
import { type DiskEntry, type FrozenEntry, isPinned } from './disk-entry.ts';
import { corruptFiles } from './disk-errors.ts';
import type { DiskFile } from './disk-file.ts';
import { Recent } from './disk-recent.ts';
import type { DiskKey, DiskRow } from './disk-rows.ts';
import { DiskWrites } from './disk-writes.ts';
import type { Identity } from './identity.ts';

export interface DiskBounds {
  /** Of entries that are kept only because they were used last. Absent: 8 MiB. */
  readonly cacheBytes?: number;
  /** Of changes that wait for a checkpoint or to be written. Absent: 8 MiB. */
  readonly bufferBytes?: number;
}

export interface DiskEntriesOptions<V> extends DiskBounds {
  readonly file: DiskFile;
  readonly value: Serde<V>;
}

/** Where an entry is, in memory and in the files. */
export interface Place<K> extends DiskKey {
  readonly id: Identity;
  readonly of: K;
}

interface Layer<K, V> {
  readonly number: number;
  readonly entries: readonly FrozenEntry<K, V>[];
}

/** What an entry takes besides its bytes: objects, and places in maps. */
const overheadBytes = 300;
const mebibyte = 1_048_576;

export class DiskEntries<K, V> {
  /** How many there are. */
  size = 0;
  hits = 0;
  misses = 0;
  /** Told of entries about which memory begins, or ceases, to know better than the files. */
  onPinned: (entry: DiskEntry<K, V>, isPinned: boolean) => void = () => {};
  readonly #file: DiskFile;
  readonly #serde: Serde<V>;
  readonly #cacheBytes: number;
  readonly #bufferBytes: number;
  readonly #all = new Map<Identity, DiskEntry<K, V>>();
  readonly #recent = new Recent<DiskEntry<K, V>>();
  readonly #writes: DiskWrites<K, V>;
  #dirty: DiskEntry<K, V>[] = [];
  #frozen: Layer<K, V>[] = [];
  #number = 0;
  #dirtyBytes = 0;
  /** Of the dirty and the frozen. */
  #unsettledBytes = 0;
  /** Of a value, as it was written lately. */
  #valueBytes = 100;
  /** What was looked for last and is not there. */
  #absent: Identity | null = null;

  constructor({ file, value, cacheBytes, bufferBytes }: DiskEntriesOptions<V>) {
    this.#file = file;
    this.#serde = value;
    this.#cacheBytes = cacheBytes ?? 8 * mebibyte;
    this.#bufferBytes = bufferBytes ?? 8 * mebibyte;
    this.#writes = new DiskWrites(file, this.#bufferBytes / 8, entry => this.#written(entry));
  }

  get isDue(): boolean {
    return this.#dirtyBytes > this.#bufferBytes / 8;
  }

  get isFull(): boolean {
    return this.#unsettledBytes > this.#bufferBytes / 2;
  }

  /** What all of this takes in memory, roughly. */
  get memoryBytes(): number {
    return this.#recent.bytes + this.#unsettledBytes + this.#writes.bytes;
  }

  /** For metrics. */
  get figures(): Readonly<Record<string, number>> {
    return {
      cacheHits: this.hits,
      cacheMisses: this.misses,
      memoryBytes: Math.round(this.memoryBytes),
      fileBytes: this.#file.bytes,
    };
  }

  /** Entries in memory, deleted ones too. */
  known(id: Identity): DiskEntry<K, V> | undefined {
    return this.#all.get(id);
  }

  /** The entry, from the files where it must be; undefined where there is none. */
  find(place: Place<K>): DiskEntry<K, V> | undefined {
    const known = this.#all.get(place.id);
    if (known) {
      this.hits += 1;
      if (!isPinned(known)) this.#recent.use(known);
      return known.value === undefined ? undefined : known;
    }
    this.misses += 1;
    const row = this.#absent === place.id ? null : this.#file.get(place);
    if (row) return this.#keep(place, row);
    this.#absent = place.id;
    return undefined;
  }

  /** An entry for a row that was read, unless memory knows it: then what memory knows; undefined: that it is deleted. */
  of(place: Place<K>, row: DiskRow): DiskEntry<K, V> | undefined {
    const known = this.#all.get(place.id);
    if (known) return known.value === undefined ? undefined : known;
    return { ...this.#made(place), ...this.#read(row), bytes: 0, row: row.crc };
  }

  put(place: Place<K>, value: V, timestampMs: number): void {
    const known = this.#all.get(place.id);
    const entry = this.#change(place);
    if (known ? known.value === undefined : entry.row === null) this.size += 1;
    entry.value = value;
    entry.timestampMs = timestampMs;
    if (this.#absent === place.id) this.#absent = null;
  }

  delete(place: Place<K>): void {
    const known = this.#all.get(place.id);
    if (known ? known.value === undefined : this.#crcOf(place) === null) return;
    const entry = this.#change(place);
    entry.value = undefined;
    entry.timestampMs = -1;
    this.size -= 1;
  }

  /** See StoreDisk. */
  freeze(): number {
    if (this.#dirty.length === 0) return this.#number;
    const entries: FrozenEntry<K, V>[] = [];
    for (const entry of this.#dirty) {
      const { value, timestampMs } = entry;
      const serialised = value === undefined ? null : this.#serde.serialize(value);
      this.#unsettledBytes -= entry.bytes;
      entry.bytes = entry.key.length + (serialised?.length ?? 0) + overheadBytes;
      this.#unsettledBytes += entry.bytes;
      if (serialised) this.#valueBytes += (serialised.length - this.#valueBytes) / 64;
      entry.isDirty = false;
      entry.waiting += 1;
      entries.push({ entry, value: serialised, timestampMs, bytes: entry.bytes });
    }
    this.#dirty = [];
    this.#dirtyBytes = 0;
    this.#number += 1;
    this.#frozen.push({ number: this.#number, entries });
    return this.#number;
  }

  /** See StoreDisk. */
  settle(frozen: number, end: number | null): void {
    while (this.#frozen[0] && this.#frozen[0].number <= frozen) {
      const { entries } = this.#frozen.shift()!;
      for (const each of entries) {
        this.#unsettledBytes -= each.bytes;
        this.#writes.add(each);
      }
    }
    this.#writes.settled(end);
    this.#evict();
  }

  /** Writes all that was settled. */
  flush(): void {
    this.#writes.flush();
  }

  /** Forgets what the files hold as well. */
  forget(): void {
    this.#absent = null;
    for (let entry = this.#recent.oldest; entry; entry = this.#recent.oldest) this.#drop(entry);
  }

  #change(place: Place<K>): DiskEntry<K, V> {
    const entry = this.#all.get(place.id) ?? this.#unread(place);
    if (entry.isDirty) return entry;
    if (!isPinned(entry)) {
      if (entry.row !== null && entry.value !== undefined) this.#recent.remove(entry);
      this.onPinned(entry, true);
    }
    entry.isDirty = true;
    entry.bytes = entry.key.length + this.#valueBytes + overheadBytes;
    this.#dirtyBytes += entry.bytes;
    this.#unsettledBytes += entry.bytes;
    this.#dirty.push(entry);
    return entry;
  }

  /** An entry that is about to be overwritten: what its row holds is of no interest. */
  #unread(place: Place<K>): DiskEntry<K, V> {
    const entry = { ...this.#made(place), row: this.#crcOf(place) };
    this.#all.set(place.id, entry);
    return entry;
  }

  #crcOf(place: Place<K>): number | null {
    return this.#absent === place.id ? null : this.#file.crcOf(place);
  }

  #keep(place: Place<K>, row: DiskRow): DiskEntry<K, V> {
    const entry = { ...this.#made(place), ...this.#read(row), row: row.crc };
    entry.bytes = row.key.length + row.value.length + overheadBytes;
    this.#all.set(place.id, entry);
    this.#recent.add(entry);
    this.#evict();
    return entry;
  }

  #made({ id, of, key, timeMs }: Place<K>): DiskEntry<K, V> {
    return {
      ...{ id, of, key, timeMs, value: undefined, timestampMs: -1, bytes: 0 },
      ...{ isDirty: false, waiting: 0, row: null, newer: null, older: null },
    };
  }

  #read({ value, timestampMs }: DiskRow): { readonly value: V; readonly timestampMs: number } {
    try {
      return { value: this.#serde.deserialize(value), timestampMs };
    } catch (cause) {
      throw corruptFiles(this.#file.directory, `a value cannot be deserialised: ${String(cause)}`, cause);
    }
  }

  #written(entry: DiskEntry<K, V>): void {
    if (isPinned(entry)) return;
    this.onPinned(entry, false);
    if (entry.value === undefined) this.#all.delete(entry.id);
    else this.#recent.add(entry);
  }

  #evict(): void {
    while (this.#recent.bytes > this.#cacheBytes) this.#drop(this.#recent.oldest!);
  }

  #drop(entry: DiskEntry<K, V>): void {
    this.#recent.remove(entry);
    this.#all.delete(entry.id);
  }
}
