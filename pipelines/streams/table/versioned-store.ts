/**
 * What a table held, and from when on.
 *
 * Owns: what counts as history. Does not own: how entries are kept (store/timeline.ts).
 */

import type { OpenStore, StoreEnvironment, StoreSpec } from '../store/store.ts';
import type { ReadOnlyTimeline, TimelineEntry, TimelineOptions } from '../store/timeline.ts';
import type { Timed } from './lookup.ts';
import { maybeSerde } from './maybe-serde.ts';
import { noting, openSelfTimed, type SelfTimed } from './self-timed.ts';

/** As a timeline it has a version at the time it began; null: a deletion. */
export interface ReadOnlyVersions<K, V> extends ReadOnlyTimeline<K, V | null> {
  /** The value now, with the time it began. null: none. */
  latest(key: K): Timed<V> | null;
  /** The value at a time, with the time it began. null: none then, or too long ago to be known. */
  asOf(key: K, timeMs: number): Timed<V> | null;
}

/** `latest`: nothing newer is known; `history`: something is; `dropped`: too old to be kept. */
export type VersionPut = 'latest' | 'history' | 'dropped';

export interface VersionedStore<K, V> extends ReadOnlyVersions<K, V> {
  /** The value from that time on, until the next one known. null: none. */
  put(key: K, value: V | null, timestampMs: number): VersionPut;
}

export interface VersionedOptions<K, V> extends Omit<TimelineOptions<K, V>, 'retentionMs' | 'keepLatest'> {
  /** How far back, before the latest version the store was given, what it held is known and may still change. */
  readonly historyMs: number;
}

export interface VersionedSpec<K, V> extends StoreSpec<VersionedStore<K, V>> {
  readonly key: TimelineOptions<K, V>['key'];
  readonly value: TimelineOptions<K, V>['value'];
  readonly historyMs: number;
  readonly retentionMs: number;
}

/** A table's store with its history. The latest value of a key stays, however old. Errors: CONFIG_INVALID for its name. */
export function versionedStore<K, V>(options: VersionedOptions<K, V>): VersionedSpec<K, V> {
  const { name, key, value, historyMs, changelog = true } = options;
  return {
    ...{ name, key, value, historyMs, retentionMs: historyMs + 1, changelog },
    open: environment => open(options, environment),
  };
}

function open<K, V>(
  { historyMs, value, ...rest }: VersionedOptions<K, V>,
  environment: StoreEnvironment,
): OpenStore<VersionedStore<K, V>> {
  const timed = openSelfTimed<K, V | null>(
    { ...rest, value: maybeSerde(value), retentionMs: historyMs + 1, keepLatest: true },
    environment,
  );
  const store = new Versions<K, V>(rest.name, historyMs, timed);
  const { changelog } = timed.rest;
  return {
    ...timed.rest,
    store,
    changelog: changelog && noting(changelog, () => store.restored()),
    expire: () => store.expire(),
  };
}

const latestMs = Number.MAX_SAFE_INTEGER - 1;

type Deletions<K> = Map<number, { readonly key: K; readonly timeMs: number }[]>;

class Versions<K, V> implements VersionedStore<K, V> {
  readonly name: string;
  readonly #historyMs: number;
  readonly #timed: SelfTimed<K, V | null>;
  readonly #spanMs: number;
  /** Deletions by span of time: one that nothing is known before is kept no longer. */
  readonly #deletions: Deletions<K> = new Map();
  /** From when on deletions of before a restart are to be looked for; null: not any more. */
  #unseenFromMs: number | 'edge' | null = 'edge';

  constructor(name: string, historyMs: number, timed: SelfTimed<K, V | null>) {
    this.name = name;
    this.#historyMs = historyMs;
    this.#timed = timed;
    this.#spanMs = Math.max(1, Math.ceil(historyMs / 8));
  }

  latest(key: K): Timed<V> | null {
    return timed(this.#timed.timeline.floor(key, latestMs));
  }

  asOf(key: K, timeMs: number): Timed<V> | null {
    const { timeline } = this.#timed;
    const entry = timeline.floor(key, timeMs);
    const isHistory = entry !== undefined && timeMs < this.#edgeMs;
    // Of before its history only what is still so is known.
    return isHistory && timeline.floor(key, latestMs)!.timeMs > entry.timeMs ? null : timed(entry);
  }

  get size(): number {
    return this.#timed.timeline.size;
  }

  get(key: K, timeMs: number): V | null | undefined {
    return this.#timed.timeline.get(key, timeMs);
  }

  timestampOf(key: K, timeMs: number): number {
    return this.#timed.timeline.timestampOf(key, timeMs);
  }

  floor(key: K, timeMs: number): TimelineEntry<V | null> | undefined {
    return this.#timed.timeline.floor(key, timeMs);
  }

  between(key: K, fromMs: number, toMs: number): Iterable<TimelineEntry<V | null>> {
    return this.#timed.timeline.between(key, fromMs, toMs);
  }

  all(bounds?: { readonly fromMs?: number; readonly toMs?: number }) {
    return this.#timed.timeline.all(bounds);
  }

  put(key: K, value: V | null, timestampMs: number): VersionPut {
    if (this.#unseenFromMs === 'edge') this.#unseenFromMs = this.#oldestDeletionMs;
    this.#timed.advance(timestampMs);
    if (timestampMs < this.#edgeMs) return 'dropped';
    const latest = this.#timed.timeline.floor(key, latestMs);
    this.#timed.timeline.put(key, timestampMs, value, timestampMs);
    if (value === null) this.#note(key, timestampMs);
    return latest && latest.timeMs > timestampMs ? 'history' : 'latest';
  }

  restored(): void {
    this.#unseenFromMs = 'edge';
  }

  expire(): void {
    this.#timed.rest.expire?.();
    this.#lookForDeletions();
    for (const [span, entries] of this.#deletions) {
      if ((span + 1) * this.#spanMs > this.#edgeMs) continue;
      for (const { key, timeMs } of entries)
        if (this.#timed.timeline.get(key, timeMs) === null) this.#timed.timeline.delete(key, timeMs);
      this.#deletions.delete(span);
    }
  }

  /** First time that history is known of. */
  get #edgeMs(): number {
    return this.#timed.timeMs - this.#historyMs;
  }

  /** Older ones were given up before. */
  get #oldestDeletionMs(): number {
    return Math.max(0, this.#edgeMs - 2 * this.#spanMs);
  }

  #lookForDeletions(): void {
    if (this.#unseenFromMs === null) return;
    const fromMs = this.#unseenFromMs === 'edge' ? this.#oldestDeletionMs : this.#unseenFromMs;
    for (const [key, { timeMs, value }] of this.#timed.timeline.all({ fromMs }))
      if (value === null) this.#note(key, timeMs);
    this.#unseenFromMs = null;
  }

  #note(key: K, timeMs: number): void {
    const span = Math.floor(timeMs / this.#spanMs);
    const entries = this.#deletions.get(span);
    if (entries) entries.push({ key, timeMs });
    else this.#deletions.set(span, [{ key, timeMs }]);
  }
}

function timed<V>(entry: TimelineEntry<V | null> | undefined): Timed<V> | null {
  return entry === undefined || entry.value === null
    ? null
    : { value: entry.value, timestampMs: entry.timeMs };
}
