import { byKey } from './disk-entry.ts';
import type { DiskFile } from './disk-file.ts';
import type { DiskKey } from './disk-rows.ts';

/** A record of a changelog, as a row. */
export interface Restored extends DiskKey {
  /** null: it is deleted. */
  readonly value: Buffer | null;
  readonly timestampMs: number;
  /** Of the record. */
  readonly offset: number;
}

/** Rows that are written at once, in the order of rows. */
const slice = 2_000;
/** Rows of one transaction. */
const transaction = 100_000;

/** Takes records of a changelog over into files, without looking into them. */
export class DiskRestore {
  readonly #file: DiskFile;
  #rows = new Map<string, Restored>();
  #position = 0;
  #uncovered = 0;

  constructor(file: DiskFile) {
    this.#file = file;
  }

  begin(position: number): void {
    this.#rows = new Map();
    this.#uncovered = 0;
    this.#position = position;
  }

  /** May write; its buffers are not kept for longer than until the next `write`. */
  add(restored: Restored): void {
    this.#rows.set(`${restored.timeMs}/${restored.key.toString('latin1')}`, restored);
    if (this.#rows.size >= slice) this.write();
  }

  write(): void {
    const rows = [...this.#rows.values()].sort(byKey);
    this.#rows = new Map();
    for (const row of rows) {
      const { value, offset } = row;
      const before = this.#file.crcOf(row);
      if (value) this.#file.put({ ...row, value }, before);
      else if (before !== null) this.#file.remove(row, before);
      if (offset >= this.#position) this.#position = offset + 1;
    }
    this.#uncovered += rows.length;
    if (this.#uncovered >= transaction) this.end();
  }

  /** All that was written counts. */
  end(): void {
    if (this.#position === this.#file.position && this.#uncovered === 0) return;
    this.#file.cover(this.#position);
    this.#uncovered = 0;
  }
}
