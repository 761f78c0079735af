import type { LogRecord } from '#kafka';
import type { Serde } from '#schemas';
import { corruptChange } from './corrupt.ts';
import { type DiskBounds, DiskEntries, type Place } from './disk-entries.ts';
import { byTime, type DiskEntry } from './disk-entry.ts';
import type { DiskFile } from './disk-file.ts';
import { DiskFiles } from './disk-files.ts';
import { PinnedTimes } from './disk-pinned-times.ts';
import type { DiskKey, DiskRow } from './disk-rows.ts';
import { type Identity, identityOf } from './identity.ts';
import type { Expired } from './memory-timeline.ts';
import type { StoreEnvironment } from './store.ts';
import type { Timeline, TimelineEntry } from './timeline.ts';

export interface DiskTimelineOptions<K, V> extends DiskBounds {
  readonly name: string;
  readonly key: Serde<K>;
  readonly value: Serde<V>;
  readonly retentionMs: number;
  readonly keepLatest?: boolean;
  /** false: empty at every start. */
  readonly changelog: boolean;
  readonly file: DiskFile;
  readonly environment: Pick<StoreEnvironment, 'streamTimeMs'>;
}

/** Rows that are read at once. */
const page = 128;
/** Entries that are given up in one checkpoint, or a few more: the rest does not count either. */
const expiredAtOnce = 4_000;
const timeBytes = 8;
const end = Number.MAX_SAFE_INTEGER;

/**
 * Entries per key and time, in files; in memory are the changes that are not written and the entries used last.
 *
 * Must be recovered and begun through `disk` before it is used.
 */
export class DiskTimeline<K, V> implements Timeline<K, V> {
  readonly name: string;
  readonly disk: DiskFiles;
  readonly #options: DiskTimelineOptions<K, V>;
  readonly #keys: Serde<K>;
  readonly #file: DiskFile;
  readonly #entries: DiskEntries<K, V>;
  readonly #pinned: PinnedTimes<K, V>;
  /** Entries before that time were given up, or are among `#late`. */
  #expiredToMs = 0;
  /** Keys that got an entry before that time. */
  #late = new Map<Identity, K>();

  constructor(options: DiskTimelineOptions<K, V>) {
    const { name, key, value, file, changelog } = options;
    this.name = name;
    this.#options = options;
    this.#keys = key;
    this.#file = file;
    this.#entries = new DiskEntries({ ...options, value });
    this.#pinned = new PinnedTimes(of => identityOf(of, key));
    this.#entries.onPinned = (entry, isPinned) =>
      isPinned ? this.#pinned.add(entry) : this.#pinned.remove(entry);
    this.disk = new DiskFiles(file, this.#entries as never, { keeps: changelog });
  }

  get size(): number {
    this.disk.catchUp();
    return this.#entries.size;
  }

  get figures(): Readonly<Record<string, number>> {
    return this.#entries.figures;
  }

  get(key: K, timeMs: number): V | undefined {
    return this.#find(key, timeMs)?.value;
  }

  timestampOf(key: K, timeMs: number): number {
    return this.#find(key, timeMs)?.timestampMs ?? -1;
  }

  *between(key: K, fromMs: number, toMs: number): Iterable<TimelineEntry<V>> {
    this.disk.catchUp();
    const bytes = this.#keys.serialize(key);
    const first = Math.max(fromMs, this.#liveFrom(key, bytes), 0);
    if (first > toMs) return;
    const pinned = this.#pinned.of(key, first, toMs);
    yield* this.#merged(pinned, this.#rowsOf(bytes, first, toMs), () => key);
  }

  floor(key: K, timeMs: number): TimelineEntry<V> | undefined {
    this.disk.catchUp();
    const bytes = this.#keys.serialize(key);
    const found = this.#last(key, bytes, timeMs);
    return found && found.timeMs >= this.#liveFrom(key, bytes) ? shown(found) : undefined;
  }

  *all({ fromMs = 0, toMs = end } = {}): Iterable<readonly [K, TimelineEntry<V>]> {
    this.disk.catchUp();
    const { keepLatest = false } = this.#options;
    const edge = this.#edge();
    const first = Math.max(0, keepLatest ? fromMs : Math.max(fromMs, edge));
    if (first > toMs) return;
    const pinned = this.#pinned.between(first, toMs);
    const rows = this.#rowsByTime(first, toMs);
    for (const entry of this.#mergedEntries(pinned, rows, row => this.#keys.deserialize(row.key))) {
      if (entry.timeMs >= edge || entry.timeMs >= this.#liveFrom(entry.of, entry.key))
        yield [entry.of, shown(entry)];
    }
  }

  put(key: K, timeMs: number, value: V, timestampMs = -1): void {
    if (timeMs < this.#edge() && !this.#mayPrecede(key, timeMs)) return;
    if (timeMs < this.#expiredToMs) this.#noteLate(key, timeMs);
    this.#entries.put(this.#place(key, timeMs), value, timestampMs);
  }

  /** Says what else is given up: what the entry had put an end to does not count again without it. */
  delete(key: K, timeMs: number): readonly Expired<K>[] {
    const ended = this.#options.keepLatest ? this.#supersededOf(key) : [];
    for (const each of ended) this.#remove(each);
    this.#remove({ key, timeMs });
    return ended;
  }

  /** Gives up what does not count any more, or the oldest of it; says what. */
  expire(): readonly Expired<K>[] {
    this.disk.catchUp();
    const edge = this.#edge();
    if (edge <= this.#expiredToMs && this.#late.size === 0) return [];
    const { keepLatest = false } = this.#options;
    const expired = keepLatest ? this.#superseded(edge) : this.#outlived(edge);
    for (const each of expired) this.#remove(each);
    return expired;
  }

  #remove({ key, timeMs }: Expired<K>): void {
    this.#entries.delete(this.#place(key, timeMs));
  }

  /** A record of its changelog, as it is. */
  restore(record: LogRecord): void {
    const { key, value, timestampMs, offset } = record;
    if (key === null || key.length < timeBytes)
      throw corruptChange(this.name, record, 'its key does not end in a time');
    const at = key.length - timeBytes;
    const timeMs = Number(key.readBigUInt64BE(at));
    this.disk.restore({ key: key.subarray(0, at), timeMs, value, timestampMs, offset });
  }

  #noteLate(key: K, timeMs: number): void {
    if (this.#options.keepLatest) this.#late.set(identityOf(key, this.#keys), key);
    else this.#expiredToMs = timeMs;
  }

  /** Entries before the edge. */
  #outlived(edge: number): readonly Expired<K>[] {
    const expired: Expired<K>[] = [];
    for (const { of, timeMs, value } of this.#pinned.between(this.#expiredToMs, edge - 1))
      if (value !== undefined) expired.push({ key: of, timeMs });
    for (const { key: bytes, timeMs } of this.#keysByTime(this.#expiredToMs, edge - 1)) {
      const key = this.#keys.deserialize(bytes);
      if (this.#pinned.has(key, timeMs)) continue;
      expired.push({ key, timeMs });
      if (expired.length < expiredAtOnce) continue;
      this.#expiredToMs = timeMs;
      return expired;
    }
    this.#expiredToMs = edge;
    return expired;
  }

  /** Entries that a later one replaced as the latest at the edge. */
  #superseded(edge: number): readonly Expired<K>[] {
    const keys = this.#late;
    this.#late = new Map();
    let toMs = edge + 1;
    for (const { of } of this.#pinned.between(this.#expiredToMs, edge))
      keys.set(identityOf(of, this.#keys), of);
    for (const { key: bytes, timeMs } of this.#keysByTime(this.#expiredToMs, edge)) {
      const key = this.#keys.deserialize(bytes);
      keys.set(identityOf(key, this.#keys), key);
      if (keys.size < expiredAtOnce) continue;
      toMs = timeMs;
      break;
    }
    this.#expiredToMs = Math.max(this.#expiredToMs, toMs);
    return [...keys.values()].flatMap(key => this.#supersededOf(key));
  }

  #supersededOf(key: K): Expired<K>[] {
    const bytes = this.#keys.serialize(key);
    const liveFrom = this.#liveFrom(key, bytes);
    const pinned = this.#pinned.of(key, 0, liveFrom - 1);
    const entries = this.#mergedEntries(pinned, this.#rowsOf(bytes, 0, liveFrom - 1), () => key);
    return [...entries].map(({ timeMs }) => ({ key, timeMs }));
  }

  /** The first time that counts, whatever the key. */
  #edge(): number {
    return this.#options.environment.streamTimeMs() - this.#options.retentionMs + 1;
  }

  #liveFrom(key: K, bytes: Buffer): number {
    const edge = this.#edge();
    if (!this.#options.keepLatest || edge <= 0) return edge;
    return this.#last(key, bytes, edge)?.timeMs ?? edge;
  }

  /** Whether an entry before the edge would be the latest there. */
  #mayPrecede(key: K, timeMs: number): boolean {
    if (!this.#options.keepLatest) return false;
    const latest = this.#last(key, this.#keys.serialize(key), this.#edge());
    return !latest || timeMs >= latest.timeMs;
  }

  #find(key: K, timeMs: number): DiskEntry<K, V> | undefined {
    this.disk.catchUp();
    const found = this.#entries.find(this.#place(key, timeMs));
    if (!found || timeMs >= this.#edge()) return found;
    return timeMs >= this.#liveFrom(key, found.key) ? found : undefined;
  }

  /** The last entry of a key at or before a time, whether it counts or not. */
  #last(key: K, bytes: Buffer, timeMs: number): DiskEntry<K, V> | undefined {
    const pinned = this.#pinned.of(key, 0, timeMs).findLast(({ value }) => value !== undefined);
    for (let at = timeMs; at >= 0; ) {
      const row = this.#file.floor(bytes, at);
      if (!row || (pinned && pinned.timeMs >= row.timeMs)) break;
      const entry = this.#entries.of(this.#placeOf(key, row), row);
      if (entry) return entry;
      at = row.timeMs - 1;
    }
    return pinned;
  }

  *#merged(
    pinned: readonly DiskEntry<K, V>[],
    rows: Iterable<DiskRow>,
    keyOf: (row: DiskRow) => K,
  ): Iterable<TimelineEntry<V>> {
    for (const entry of this.#mergedEntries(pinned, rows, keyOf)) yield shown(entry);
  }

  /** What memory and the files hold, both in the order of times; deleted ones are left out. */
  *#mergedEntries(
    pinned: readonly DiskEntry<K, V>[],
    rows: Iterable<DiskRow>,
    keyOf: (row: DiskRow) => K,
  ): Iterable<DiskEntry<K, V>> {
    let next = 0;
    for (const row of rows) {
      for (; next < pinned.length && byTime(pinned[next]!, row) < 0; next += 1)
        if (pinned[next]!.value !== undefined) yield pinned[next]!;
      if (next < pinned.length && byTime(pinned[next]!, row) === 0) continue;
      const entry = this.#entries.of(this.#placeOf(keyOf(row), row), row);
      if (entry) yield entry;
    }
    for (; next < pinned.length; next += 1) if (pinned[next]!.value !== undefined) yield pinned[next]!;
  }

  *#rowsOf(key: Buffer, fromMs: number, toMs: number): Iterable<DiskRow> {
    for (let from = fromMs; from <= toMs; ) {
      const rows = this.#file.read(file => file.of(key, from, toMs, page));
      yield* rows;
      if (rows.length < page) return;
      from = rows[rows.length - 1]!.timeMs + 1;
    }
  }

  *#rowsByTime(fromMs: number, toMs: number): Iterable<DiskRow> {
    for (let at: DiskKey = before(fromMs); ; ) {
      const rows = this.#file.read(file => file.afterTime(at, toMs, page));
      yield* rows;
      if (rows.length < page) return;
      at = rows[rows.length - 1]!;
    }
  }

  *#keysByTime(fromMs: number, toMs: number): Iterable<DiskKey> {
    for (let at: DiskKey = before(fromMs); ; ) {
      const keys = this.#file.keys(file => file.keysAfterTime(at, toMs, page));
      yield* keys;
      if (keys.length < page) return;
      at = keys[keys.length - 1]!;
    }
  }

  #place(key: K, timeMs: number): Place<K> {
    const id = idOf(identityOf(key, this.#keys), timeMs);
    return this.#entries.known(id) ?? { id, of: key, key: this.#keys.serialize(key), timeMs };
  }

  #placeOf(of: K, { key, timeMs }: DiskKey): Place<K> {
    return { id: idOf(identityOf(of, this.#keys), timeMs), of, key, timeMs };
  }
}

const idOf = (identity: Identity, timeMs: number): Identity => `${timeMs}/${identity}`;

/** Before every row of that time. */
const before = (timeMs: number): DiskKey => ({ key: Buffer.alloc(0), timeMs: timeMs - 0.5 });

const shown = <V>({ timeMs, value, timestampMs }: DiskEntry<unknown, V>): TimelineEntry<V> => ({
  timeMs,
  value: value as V,
  timestampMs,
});
