/**
 * What counts and is not written yet.
 *
 * Owns: how much waits, and how much of it is written at a time. An entry that changes in every checkpoint is written now and then.
 */

import { byKey, type DiskEntry, type FrozenEntry } from './disk-entry.ts';
import type { DiskFile } from './disk-file.ts';

/** Rows of one transaction are written in slices: nobody waits longer than for this many. */
const slice = 500;
/** Settled changes after which they are written although there is room: as many a restart reads again. */
const changesLimit = 50_000;

interface Writing<K, V> {
  /** In the order of rows, which is the fastest. */
  readonly entries: readonly FrozenEntry<K, V>[];
  readonly end: number | null;
  at: number;
}

export class DiskWrites<K, V> {
  /** Of what waits. */
  bytes = 0;
  readonly #file: DiskFile;
  readonly #limitBytes: number;
  readonly #written: (entry: DiskEntry<K, V>) => void;
  #waiting = new Map<DiskEntry<K, V>, FrozenEntry<K, V>>();
  #changes = 0;
  #end: number | null = null;
  #writing: Writing<K, V> | null = null;

  constructor(file: DiskFile, limitBytes: number, written: (entry: DiskEntry<K, V>) => void) {
    this.#file = file;
    this.#limitBytes = limitBytes;
    this.#written = written;
  }

  /** A state that counts, in place of an earlier one. */
  add(frozen: FrozenEntry<K, V>): void {
    const { entry } = frozen;
    const before = this.#waiting.get(entry);
    if (before) {
      this.bytes -= before.bytes;
      entry.waiting -= 1;
    }
    this.#waiting.set(entry, frozen);
    this.bytes += frozen.bytes;
    this.#changes += 1;
  }

  /** All that was added is as of that offset; null: nobody knows. Writes as much as it takes to stay within bounds. */
  settled(end: number | null): void {
    if (end !== null) this.#end = end;
    if (!this.#writing && (this.bytes > this.#limitBytes || this.#changes > changesLimit)) this.#begin();
    if (this.#writing) this.#write();
    while (this.bytes > this.#limitBytes) {
      if (!this.#writing) this.#begin();
      this.#write();
    }
  }

  flush(): void {
    for (;;) {
      while (this.#writing) this.#write();
      if (this.#waiting.size === 0 && (this.#end === null || this.#end === this.#file.position)) return;
      this.#begin();
    }
  }

  #begin(): void {
    const entries = [...this.#waiting.values()].sort((a, b) => byKey(a.entry, b.entry));
    this.#writing = { entries, end: this.#end, at: 0 };
    this.#waiting = new Map();
    this.#changes = 0;
    this.#end = null;
  }

  #write(): void {
    const writing = this.#writing!;
    const { entries, end } = writing;
    for (const stop = writing.at + slice; writing.at < stop && writing.at < entries.length; writing.at += 1)
      this.#writeOne(entries[writing.at]!);
    if (writing.at < entries.length) return;
    this.#writing = null;
    this.#file.cover(end);
  }

  #writeOne({ entry, value, timestampMs, bytes }: FrozenEntry<K, V>): void {
    const { key, timeMs, row } = entry;
    if (value) entry.row = this.#file.put({ key, timeMs, timestampMs, value }, row);
    else if (row !== null) {
      this.#file.remove(entry, row);
      entry.row = null;
    }
    this.bytes -= bytes;
    entry.waiting -= 1;
    this.#written(entry);
  }
}
