/** What a list of those used last links. */
export interface Linked<T> {
  newer: T | null;
  older: T | null;
  readonly bytes: number;
}

/** Entries by when they were used last. */
export class Recent<T extends Linked<T>> {
  /** Of all together. */
  bytes = 0;
  #newest: T | null = null;
  #oldest: T | null = null;

  get oldest(): T | null {
    return this.#oldest;
  }

  add(entry: T): void {
    entry.older = this.#newest;
    entry.newer = null;
    if (this.#newest) this.#newest.newer = entry;
    else this.#oldest = entry;
    this.#newest = entry;
    this.bytes += entry.bytes;
  }

  remove(entry: T): void {
    if (entry.newer) entry.newer.older = entry.older;
    else this.#newest = entry.older;
    if (entry.older) entry.older.newer = entry.newer;
    else this.#oldest = entry.newer;
    entry.newer = null;
    entry.older = null;
    this.bytes -= entry.bytes;
  }

  use(entry: T): void {
    if (entry === this.#newest) return;
    this.remove(entry);
    this.add(entry);
  }
}
