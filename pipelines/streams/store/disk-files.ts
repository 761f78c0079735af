/**
 * The files of a store over its life: recovered, filled from the changelog, then written checkpoint by checkpoint.
 *
 * Owns: the order of that. Does not own: entries (disk-entries.ts), files (disk-file.ts).
 */

import type { DiskHistory, StoreDisk } from './disk.ts';
import type { DiskEntries } from './disk-entries.ts';
import type { DiskFile } from './disk-file.ts';
import { DiskRestore, type Restored } from './disk-restore.ts';

export class DiskFiles implements StoreDisk {
  readonly #file: DiskFile;
  readonly #entries: DiskEntries<unknown, unknown>;
  readonly #restore: DiskRestore;
  readonly #keeps: boolean;
  /** Records were taken over that entries do not know of. */
  #isBehind = false;

  /** `keeps`: what was there before is of use. */
  constructor(file: DiskFile, entries: DiskEntries<never, never>, { keeps }: { readonly keeps: boolean }) {
    this.#file = file;
    this.#entries = entries as unknown as DiskEntries<unknown, unknown>;
    this.#restore = new DiskRestore(file);
    this.#keeps = keeps;
  }

  get isDue(): boolean {
    return this.#entries.isDue;
  }

  get isFull(): boolean {
    return this.#entries.isFull;
  }

  *recover(history: DiskHistory): Generator<void, number> {
    // A restore that was broken off goes on from where it was.
    this.close();
    yield* this.#file.recover(history);
    if (!this.#keeps) this.#file.clear();
    this.#restore.begin(this.#file.position);
    this.#entries.forget();
    this.#entries.size = this.#file.count;
    return this.#file.position;
  }

  /** A record of the changelog. */
  restore(restored: Restored): void {
    this.#isBehind = true;
    this.#restore.add(restored);
  }

  /** Reading while records are taken over: as of the last of them. */
  catchUp(): void {
    if (!this.#isBehind) return;
    this.#isBehind = false;
    this.#restore.write();
    this.#entries.forget();
    this.#entries.size = this.#file.count;
  }

  begin(historyId: string): void {
    this.catchUp();
    this.#file.historyId = historyId;
    this.#restore.end();
  }

  freeze(): number {
    return this.#entries.freeze();
  }

  settle(frozen: number, end: number | null): void {
    this.#entries.settle(frozen, end);
  }

  close(): void {
    try {
      if (!this.#file.isOpen) return;
      this.catchUp();
      this.#restore.end();
      this.#entries.flush();
    } finally {
      this.#file.close();
    }
  }

  abandon(): void {
    this.#file.release();
  }
}
