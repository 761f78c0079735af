import type { Serde } from '#schemas';
import { type Identity, identityOf } from './identity.ts';
import type { StoreEnvironment } from './store.ts';
import type { Timeline, TimelineEntry, TimelineOptions } from './timeline.ts';

interface Row<K, V> {
  readonly key: K;
  readonly identity: Identity;
  /** Its bytes as text, a letter each: in their order, and compared faster. Made when it is asked for. */
  order: string | null;
  /** By time. Replaced, never changed in place, except at its end: whoever iterates keeps the one he began with. */
  entries: Entry<K, V>[];
  /** The one that was used last: records come to the same ones again and again. */
  recent: Entry<K, V> | null;
  /** It is among those that were emptied. */
  isListed: boolean;
}

/** Whoever asks for it sees time, value and timestamp only. */
class Entry<K, V> implements TimelineEntry<V> {
  readonly timeMs: number;
  value: V;
  timestampMs: number;
  readonly #row: Row<K, V>;
  #isChanged = false;
  #isKnown = false;

  constructor(row: Row<K, V>, timeMs: number, value: V, timestampMs: number) {
    this.#row = row;
    this.timeMs = timeMs;
    this.value = value;
    this.timestampMs = timestampMs;
  }

  get row(): Row<K, V> {
    return this.#row;
  }

  /** Since changes were last taken. */
  get isChanged(): boolean {
    return this.#isChanged;
  }

  set isChanged(is: boolean) {
    this.#isChanged = is;
  }

  /** It was among the changes that were taken, or came from where they go. */
  get isKnown(): boolean {
    return this.#isKnown;
  }

  set isKnown(is: boolean) {
    this.#isKnown = is;
  }
}

/** An entry that was given up. */
export interface Expired<K> {
  readonly key: K;
  readonly timeMs: number;
}

/** Is told of a change: the entry as it is now; `value` undefined: there is none any more. */
export type ChangeVisitor<K, V> = (key: K, timeMs: number, value: V | undefined, timestampMs: number) => void;

type Options<K, V> = Pick<TimelineOptions<K, V>, 'name' | 'key' | 'retentionMs' | 'keepLatest' | 'changelog'>;

/** Spans that one retention is divided into: few rows to look through for what expires, few sets to keep. */
const spansPerRetention = 32;

/**
 * Everything in maps: a row per key, and the rows that have entries in a span of time, so that expiry and reading by time touch
 * only what they are about.
 *
 * It notes itself what changed, unless it has no changelog: in the entry, which is at hand, where a set of keys would cost a
 * look-up per record.
 */
export class MemoryTimeline<K, V> implements Timeline<K, V> {
  readonly name: string;
  readonly #keys: Serde<K>;
  readonly #retentionMs: number;
  readonly #keepLatest: boolean;
  readonly #notesChanges: boolean;
  readonly #spanMs: number;
  readonly #environment: Pick<StoreEnvironment, 'streamTimeMs'>;
  readonly #rows = new Map<Identity, Row<K, V>>();
  /** By number of the span. */
  readonly #spans = new Map<number, Set<Row<K, V>>>();
  /** The row that was used last. */
  #recent: Row<K, V> | null = null;
  /** Rows that lost their last entry. Most get another one soon: they are kept for one retention more. */
  #emptied: Row<K, V>[] = [];
  #sweptMs = -1;
  #changed: Entry<K, V>[] = [];
  /** Known ones that were taken out since changes were last taken. */
  #removed: Entry<K, V>[] = [];
  #size = 0;

  constructor(options: Options<K, V>, environment: Pick<StoreEnvironment, 'streamTimeMs'>) {
    const { name, key, retentionMs, keepLatest = false, changelog = true } = options;
    this.name = name;
    this.#keys = key;
    this.#retentionMs = retentionMs;
    this.#keepLatest = keepLatest;
    this.#notesChanges = changelog;
    this.#spanMs = Math.max(1, Math.ceil(retentionMs / spansPerRetention));
    this.#environment = environment;
  }

  get size(): number {
    return this.#size;
  }

  get(key: K, timeMs: number): V | undefined {
    return this.#liveAt(key, timeMs)?.value;
  }

  timestampOf(key: K, timeMs: number): number {
    return this.#liveAt(key, timeMs)?.timestampMs ?? -1;
  }

  *between(key: K, fromMs: number, toMs: number): Iterable<TimelineEntry<V>> {
    const row = this.#rowOf(key);
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
    const row = this.#rowOf(key);
    if (!row) return undefined;
    const entry = this.#latestAt(row, timeMs);
    return entry && entry.timeMs >= this.#liveFrom(row) ? entry : undefined;
  }

  *all({ fromMs = 0, toMs = Number.MAX_SAFE_INTEGER } = {}): Iterable<readonly [K, TimelineEntry<V>]> {
    for (const span of this.#spansIn(fromMs, toMs)) {
      const found: Entry<K, V>[] = [];
      for (const row of this.#spans.get(span) ?? []) {
        const from = Math.max(fromMs, span * this.#spanMs, this.#liveFrom(row));
        const to = Math.min(toMs, (span + 1) * this.#spanMs - 1);
        for (let at = lowerBound(row.entries, from); at < row.entries.length; at += 1) {
          const entry = row.entries[at]!;
          if (entry.timeMs > to) break;
          found.push(entry);
        }
      }
      found.sort((a, b) => a.timeMs - b.timeMs || (this.#orderOf(a.row) < this.#orderOf(b.row) ? -1 : 1));
      for (const entry of found) yield [entry.row.key, entry];
    }
  }

  put(key: K, timeMs: number, value: V, timestampMs = -1): void {
    const known = this.#rowOf(key);
    if (timeMs < this.#edge() && !this.#mayPrecede(known, timeMs)) return;
    const entry = this.#set(known ?? this.#addRow(key), timeMs, value, timestampMs);
    if (!this.#notesChanges || entry.isChanged) return;
    entry.isChanged = true;
    this.#changed.push(entry);
  }

  delete(key: K, timeMs: number): void {
    const row = this.#rowOf(key);
    // What the entry had put an end to does not count again without it.
    if (row) this.#expireFrom(row);
    const entry = this.#take(key, timeMs);
    if (entry) this.#noteRemoved(entry);
  }

  /** An entry as it is where changes go; undefined: it is not there. */
  restore(key: K, timeMs: number, value: V | undefined, timestampMs: number): void {
    if (value === undefined) this.#take(key, timeMs);
    else this.#set(this.#rowOf(key) ?? this.#addRow(key), timeMs, value, timestampMs).isKnown = true;
  }

  /** Removes what does not count any more. */
  expire(): void {
    this.#sweep();
    const edge = this.#edge();
    for (const [span, rows] of this.#spans) {
      if (span * this.#spanMs >= edge) continue;
      const spanEndMs = (span + 1) * this.#spanMs;
      let stays = spanEndMs > edge;
      for (const row of rows) {
        this.#expireFrom(row);
        // A latest entry that outlived the edge is found here again.
        if (row.entries.length > 0 && row.entries[0]!.timeMs < Math.min(edge, spanEndMs)) stays = true;
      }
      if (!stays) this.#spans.delete(span);
    }
  }

  /** Tells what changed since the last call, each entry once; nothing of what came and went in between. */
  takeChanges(visit: ChangeVisitor<K, V>): void {
    // What was put in its place is a change itself.
    for (const { row, timeMs } of this.#removed)
      if (!this.#stored(row.key, timeMs)) visit(row.key, timeMs, undefined, -1);
    for (const entry of this.#changed) {
      if (!entry.isChanged) continue;
      entry.isChanged = false;
      entry.isKnown = true;
      visit(entry.row.key, entry.timeMs, entry.value, entry.timestampMs);
    }
    this.#removed = [];
    this.#changed = [];
  }

  /** The first time that counts, whatever the key. */
  #edge(): number {
    return this.#environment.streamTimeMs() - this.#retentionMs + 1;
  }

  #liveFrom(row: Row<K, V>): number {
    const edge = this.#edge();
    return this.#keepLatest ? (this.#latestAt(row, edge)?.timeMs ?? edge) : edge;
  }

  /** Whether an entry before the edge would be the latest there. */
  #mayPrecede(row: Row<K, V> | null, timeMs: number): boolean {
    if (!this.#keepLatest) return false;
    const latest = row && this.#latestAt(row, this.#edge());
    return !latest || timeMs >= latest.timeMs;
  }

  /** The last entry at or before a time. */
  #latestAt({ entries }: Row<K, V>, timeMs: number): Entry<K, V> | undefined {
    return entries[lowerBound(entries, timeMs + 1) - 1];
  }

  #liveAt(key: K, timeMs: number): Entry<K, V> | undefined {
    const row = this.#rowOf(key);
    if (!row) return undefined;
    const entry = this.#entryOf(row, timeMs);
    return entry && timeMs >= this.#liveFrom(row) ? entry : undefined;
  }

  /** Whether it counts or not. */
  #stored(key: K, timeMs: number): Entry<K, V> | undefined {
    const row = this.#rowOf(key);
    return row ? this.#entryOf(row, timeMs) : undefined;
  }

  #rowOf(key: K): Row<K, V> | null {
    const recent = this.#recent;
    if (recent !== null && recent.key === key) return recent;
    const row = this.#rows.get(identityOf(key, this.#keys));
    if (!row) return null;
    this.#recent = row;
    return row;
  }

  #entryOf(row: Row<K, V>, timeMs: number): Entry<K, V> | undefined {
    const { recent, entries } = row;
    if (recent !== null && recent.timeMs === timeMs) return recent;
    const entry = entries[lowerBound(entries, timeMs)];
    if (entry?.timeMs !== timeMs) return undefined;
    row.recent = entry;
    return entry;
  }

  #addRow(key: K): Row<K, V> {
    const identity = identityOf(key, this.#keys);
    const row: Row<K, V> = { key, identity, order: null, entries: [], recent: null, isListed: false };
    this.#rows.set(identity, row);
    this.#recent = row;
    return row;
  }

  #set(row: Row<K, V>, timeMs: number, value: V, timestampMs: number): Entry<K, V> {
    const known = this.#entryOf(row, timeMs);
    if (known) {
      known.value = value;
      known.timestampMs = timestampMs;
      return known;
    }
    const entry = new Entry(row, timeMs, value, timestampMs);
    const { entries } = row;
    const last = entries[entries.length - 1];
    if (last === undefined) {
      row.entries = [entry];
    } else if (last.timeMs < timeMs) {
      entries.push(entry);
    } else {
      const at = lowerBound(entries, timeMs);
      row.entries = [...entries.slice(0, at), entry, ...entries.slice(at)];
    }
    row.recent = entry;
    this.#size += 1;
    const span = Math.floor(timeMs / this.#spanMs);
    const rows = this.#spans.get(span);
    if (rows) rows.add(row);
    else this.#spans.set(span, new Set([row]));
    return entry;
  }

  #take(key: K, timeMs: number): Entry<K, V> | undefined {
    const row = this.#rowOf(key);
    const entry = row?.entries[lowerBound(row.entries, timeMs)];
    if (!row || entry?.timeMs !== timeMs) return undefined;
    row.entries = row.entries.filter(each => each !== entry);
    this.#takenFrom(row, 1);
    return entry;
  }

  #expireFrom(row: Row<K, V>): void {
    const { entries } = row;
    const count = lowerBound(entries, this.#liveFrom(row));
    if (count === 0) return;
    row.entries = entries.slice(count);
    for (let at = 0; at < count; at += 1) this.#noteRemoved(entries[at]!);
    this.#takenFrom(row, count);
  }

  #takenFrom(row: Row<K, V>, count: number): void {
    row.recent = null;
    this.#size -= count;
    if (row.entries.length > 0 || row.isListed) return;
    row.isListed = true;
    this.#emptied.push(row);
  }

  #noteRemoved(entry: Entry<K, V>): void {
    entry.isChanged = false;
    if (entry.isKnown) this.#removed.push(entry);
  }

  /** Gives rows up that are empty. */
  #sweep(): void {
    const nowMs = this.#environment.streamTimeMs();
    if (nowMs < this.#sweptMs + this.#retentionMs) return;
    this.#sweptMs = nowMs;
    for (const row of this.#emptied) {
      row.isListed = false;
      if (row.entries.length > 0) continue;
      this.#rows.delete(row.identity);
      if (this.#recent === row) this.#recent = null;
    }
    this.#emptied = [];
  }

  #orderOf(row: Row<K, V>): string {
    row.order ??= this.#keys.serialize(row.key).toString('latin1');
    return row.order;
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
