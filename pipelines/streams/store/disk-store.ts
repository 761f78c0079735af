import type { LogRecord } from '#kafka';
import type { Serde } from '#schemas';
import { corruptChange } from './corrupt.ts';
import { type DiskBounds, DiskEntries, type Place } from './disk-entries.ts';
import { byKey, type DiskEntry } from './disk-entry.ts';
import type { DiskFile } from './disk-file.ts';
import { DiskFiles } from './disk-files.ts';
import { type DiskKey, type DiskRow, start } from './disk-rows.ts';
import { Sorted } from './disk-sorted.ts';
import { identityOf } from './identity.ts';
import type { KeyValueStore } from './key-value.ts';

export interface DiskStoreOptions<K, V> extends DiskBounds {
  readonly name: string;
  readonly key: Serde<K>;
  readonly value: Serde<V>;
  /** false: empty at every start. */
  readonly changelog: boolean;
  readonly file: DiskFile;
}

/** Rows of a range that are read at once. */
const page = 256;

/**
 * A value per key, in files; in memory are the changes that are not written and the values used last. Order costs nothing.
 *
 * Must be recovered and begun through `disk` before it is used.
 */
export class DiskStore<K, V> implements KeyValueStore<K, V> {
  readonly name: string;
  readonly disk: DiskFiles;
  readonly #keys: Serde<K>;
  readonly #file: DiskFile;
  readonly #entries: DiskEntries<K, V>;
  /** Entries about which memory knows better than the files; null until order is asked for. */
  #pinned: Sorted<DiskEntry<K, V>> | null = null;
  readonly #pins = new Set<DiskEntry<K, V>>();

  constructor({ name, key, value, changelog, file, ...bounds }: DiskStoreOptions<K, V>) {
    this.name = name;
    this.#keys = key;
    this.#file = file;
    this.#entries = new DiskEntries({ file, value, ...bounds });
    this.#entries.onPinned = (entry, isPinned) => this.#pin(entry, isPinned);
    this.disk = new DiskFiles(file, this.#entries as never, { keeps: changelog });
  }

  get size(): number {
    this.disk.catchUp();
    return this.#entries.size;
  }

  get figures(): Readonly<Record<string, number>> {
    return this.#entries.figures;
  }

  get(key: K): V | undefined {
    return this.#find(key)?.value;
  }

  has(key: K): boolean {
    return this.#find(key) !== undefined;
  }

  timestampOf(key: K): number {
    return this.#find(key)?.timestampMs ?? -1;
  }

  put(key: K, value: V, timestampMs = -1): void {
    this.#entries.put(this.#place(key), value, timestampMs);
  }

  delete(key: K): void {
    this.#entries.delete(this.#place(key));
  }

  all(): Iterable<readonly [K, V]> {
    return this.range({});
  }

  *range({ from, to }: { readonly from?: K; readonly to?: K }): Iterable<readonly [K, V]> {
    this.disk.catchUp();
    const first: DiskKey = from === undefined ? start : { key: this.#keys.serialize(from), timeMs: -1 };
    const end = to === undefined ? null : this.#keys.serialize(to);
    const pinned = this.#pinnedBetween(first, end);
    let next = 0;
    for (const row of this.#rows(first, end)) {
      for (; next < pinned.length && byKey(pinned[next]!, row) < 0; next += 1) yield* shown(pinned[next]!);
      if (next < pinned.length && byKey(pinned[next]!, row) === 0) continue;
      const key = this.#keys.deserialize(row.key);
      const entry = this.#entries.of({ id: identityOf(key, this.#keys), of: key, ...keyOf(row) }, row);
      if (entry) yield* shown(entry);
    }
    for (; next < pinned.length; next += 1) yield* shown(pinned[next]!);
  }

  /** A record of its changelog, as it is. */
  restore(record: LogRecord): void {
    const { key, value, timestampMs, offset } = record;
    if (key === null) throw corruptChange(this.name, record, 'it has no key');
    this.disk.restore({ key, timeMs: 0, value, timestampMs, offset });
  }

  *#rows(first: DiskKey, end: Buffer | null): Iterable<DiskRow> {
    for (let at = first; ; ) {
      const rows = this.#file.read(file => file.after(at, end, page));
      yield* rows;
      if (rows.length < page) return;
      at = rows[rows.length - 1]!;
    }
  }

  #pinnedBetween(first: DiskKey, end: Buffer | null): readonly DiskEntry<K, V>[] {
    this.#pinned ??= new Sorted(byKey, this.#pins);
    return this.#pinned.between(
      entry => byKey(entry, first),
      entry => (end === null ? -1 : Buffer.compare(entry.key, end)),
    );
  }

  #pin(entry: DiskEntry<K, V>, isPinned: boolean): void {
    if (isPinned) {
      this.#pins.add(entry);
      this.#pinned?.add(entry);
    } else {
      this.#pins.delete(entry);
      this.#pinned?.remove(entry);
    }
  }

  #find(key: K): DiskEntry<K, V> | undefined {
    this.disk.catchUp();
    return this.#entries.find(this.#place(key));
  }

  #place(key: K): Place<K> {
    const id = identityOf(key, this.#keys);
    return this.#entries.known(id) ?? { id, of: key, key: this.#keys.serialize(key), timeMs: 0 };
  }
}

const keyOf = ({ key, timeMs }: DiskRow): DiskKey => ({ key, timeMs });

/** Its key and value, unless it was deleted meanwhile. */
function* shown<K, V>({ of, value }: DiskEntry<K, V>): Iterable<readonly [K, V]> {
  if (value !== undefined) yield [of, value];
}
