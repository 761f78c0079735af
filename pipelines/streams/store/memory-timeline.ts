import type { Serde } from '#schemas';
import { type Identity, identityOf } from './identity.ts';
import type { StoreEnvironment } from './store.ts';
import type { Timeline, TimelineEntry, TimelineOptions } from './timeline.ts';

interface Entry<V> extends TimelineEntry<V> {
  value: V;
  timestampMs: number;
}

interface Row<K, V> {
  readonly key: K;
  /** Made when order among keys is asked for. */
  bytes: Buffer | null;
  /** By time. Replaced, never changed in place, except at its end: whoever iterates keeps the one he began with. */
  entries: Entry<V>[];
}

/** An entry that was given up. */
export interface Expired<K> {
  readonly key: K;
  readonly timeMs: number;
}

/**
 * Everything in maps: a row per key, and the rows that have entries in a span of time, so that expiry and reading by time touch
 * only what they are about.
 */
export class MemoryTimeline<K, V> implements Timeline<K, V> {
  readonly name: string;
  readonly #keys: Serde<K>;
  readonly #retentionMs: number;
  readonly #keepLatest: boolean;
  readonly #spanMs: number;
  readonly #environment: StoreEnvironment;
  readonly #rows = new Map<Identity, Row<K, V>>();
  /** By number of the span. */
  readonly #spans = new Map<number, Set<Row<K, V>>>();
  #size = 0;

  constructor(
    { name, key, retentionMs, keepLatest = false }: Omit<TimelineOptions<K, V>, 'value' | 'changelog'>,
    environment: StoreEnvironment,
  ) {
    this.name = name;
    this.#keys = key;
    this.#retentionMs = retentionMs;
    this.#keepLatest = keepLatest;
    this.#spanMs = Math.max(1, Math.ceil(retentionMs / 8));
    this.#environment = environment;
  }

  get size(): number {
    return this.#size;
  }

  get(key: K, timeMs: number): V | undefined {
    return this.#at(key, timeMs)?.value;
  }

  timestampOf(key: K, timeMs: number): number {
    return this.#at(key, timeMs)?.timestampMs ?? -1;
  }

  *between(key: K, fromMs: number, toMs: number): Iterable<TimelineEntry<V>> {
    const row = this.#rows.get(identityOf(key, this.#keys));
    if (!row) return;
    const { entries } = row;
    const end = entries.length;
    for (let at = lowerBound(entries, Math.max(fromMs, this.#liveFrom(row))); at < end; at += 1) {
      const entry = entries[at]!;
      if (entry.timeMs > toMs) return;
      yield entry;
    }
  }

  floor(key: K, timeMs: number): TimelineEntry<V> | undefined {
    const row = this.#rows.get(identityOf(key, this.#keys));
    if (!row) return undefined;
    const entry = row.entries[lowerBound(row.entries, timeMs + 1) - 1];
    return entry && entry.timeMs >= this.#liveFrom(row) ? entry : undefined;
  }

  *all({ fromMs = 0, toMs = Number.MAX_SAFE_INTEGER } = {}): Iterable<readonly [K, TimelineEntry<V>]> {
    for (const span of this.#spansIn(fromMs, toMs)) {
      const found: { readonly row: Row<K, V>; readonly entry: Entry<V> }[] = [];
      for (const row of this.#spans.get(span) ?? []) {
        row.bytes ??= this.#keys.serialize(row.key);
        const from = Math.max(fromMs, span * this.#spanMs, this.#liveFrom(row));
        const to = Math.min(toMs, (span + 1) * this.#spanMs - 1);
        for (let at = lowerBound(row.entries, from); at < row.entries.length; at += 1) {
          const entry = row.entries[at]!;
          if (entry.timeMs > to) break;
          found.push({ row, entry });
        }
      }
      found.sort((a, b) => a.entry.timeMs - b.entry.timeMs || Buffer.compare(a.row.bytes!, b.row.bytes!));
      for (const { row, entry } of found) yield [row.key, entry];
    }
  }

  put(key: K, timeMs: number, value: V, timestampMs = -1): void {
    const identity = identityOf(key, this.#keys);
    let row = this.#rows.get(identity);
    if (timeMs < this.#edge() && !this.#mayPrecede(row, timeMs)) return;
    if (!row) {
      row = { key, bytes: null, entries: [] };
      this.#rows.set(identity, row);
    }
    const { entries } = row;
    const last = entries[entries.length - 1];
    if (last !== undefined && last.timeMs >= timeMs) {
      const at = lowerBound(entries, timeMs);
      const entry = entries[at]!;
      if (entry.timeMs === timeMs) {
        entry.value = value;
        entry.timestampMs = timestampMs;
        return;
      }
      row.entries = [...entries.slice(0, at), { timeMs, value, timestampMs }, ...entries.slice(at)];
    } else {
      entries.push({ timeMs, value, timestampMs });
    }
    this.#size += 1;
    this.#note(row, timeMs);
  }

  delete(key: K, timeMs: number): void {
    const row = this.#rows.get(identityOf(key, this.#keys));
    if (!row) return;
    const at = lowerBound(row.entries, timeMs);
    if (row.entries[at]?.timeMs !== timeMs) return;
    row.entries = row.entries.toSpliced(at, 1);
    this.#size -= 1;
    if (row.entries.length === 0) this.#forget(row);
  }

  /** Removes what does not count any more; says what. */
  expire(): readonly Expired<K>[] {
    const expired: Expired<K>[] = [];
    const edge = this.#edge();
    for (const [span, rows] of this.#spans) {
      if (span * this.#spanMs >= edge) continue;
      let stays = (span + 1) * this.#spanMs > edge;
      for (const row of rows) {
        const count = lowerBound(row.entries, this.#liveFrom(row));
        for (const { timeMs } of row.entries.slice(0, count)) expired.push({ key: row.key, timeMs });
        if (count > 0) row.entries = row.entries.slice(count);
        this.#size -= count;
        if (row.entries.length === 0) this.#forget(row);
        // A latest entry that outlived the edge is found here again.
        else if (row.entries[0]!.timeMs < Math.min(edge, (span + 1) * this.#spanMs)) stays = true;
      }
      if (!stays) this.#spans.delete(span);
    }
    return expired;
  }

  /** The first time that counts, whatever the key. */
  #edge(): number {
    return this.#environment.streamTimeMs() - this.#retentionMs + 1;
  }

  #liveFrom(row: Row<K, V>): number {
    const edge = this.#edge();
    if (!this.#keepLatest || edge <= 0) return edge;
    const latest = row.entries[lowerBound(row.entries, edge + 1) - 1];
    return latest ? latest.timeMs : edge;
  }

  /** Whether an entry before the edge would be the latest there. */
  #mayPrecede(row: Row<K, V> | undefined, timeMs: number): boolean {
    return this.#keepLatest && (!row || timeMs >= this.#liveFrom(row));
  }

  #at(key: K, timeMs: number): Entry<V> | undefined {
    const row = this.#rows.get(identityOf(key, this.#keys));
    if (!row) return undefined;
    const { entries } = row;
    const last = entries[entries.length - 1]!;
    const entry = last.timeMs === timeMs ? last : entries[lowerBound(entries, timeMs)];
    return entry?.timeMs === timeMs && timeMs >= this.#liveFrom(row) ? entry : undefined;
  }

  #note(row: Row<K, V>, timeMs: number): void {
    const span = Math.floor(timeMs / this.#spanMs);
    const rows = this.#spans.get(span);
    if (rows) rows.add(row);
    else this.#spans.set(span, new Set([row]));
  }

  /** A row that was emptied before may have a successor. */
  #forget(row: Row<K, V>): void {
    const identity = identityOf(row.key, this.#keys);
    if (this.#rows.get(identity) === row) this.#rows.delete(identity);
  }

  #spansIn(fromMs: number, toMs: number): readonly number[] {
    const first = Math.floor(fromMs / this.#spanMs);
    const last = Math.floor(toMs / this.#spanMs);
    return [...this.#spans.keys()].filter(span => span >= first && span <= last).sort((a, b) => a - b);
  }
}

function lowerBound(entries: readonly { readonly timeMs: number }[], timeMs: number): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (entries[middle]!.timeMs < timeMs) low = middle + 1;
    else high = middle;
  }
  return low;
}
