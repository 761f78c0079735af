/**
 * Per key, entries in the order of a time: what windows, sessions, buffers of joins and versions of a table are kept in.
 *
 * A window is an entry at its start, a session at its end, a buffered record at its time, a version at the time it began.
 *
 * Owns: what a timeline answers, and how long. Does not own: what the time of an entry means.
 */

import type { Serde } from '#schemas';
import type { DiskBounds } from './disk-entries.ts';
import type { Engine } from './store.ts';

export interface TimelineEntry<V> {
  /** Milliseconds since the epoch, at least 0. */
  readonly timeMs: number;
  readonly value: V;
  /** Event time of the value, as it was put; -1 where there is none. */
  readonly timestampMs: number;
}

export interface ReadOnlyTimeline<K, V> {
  readonly name: string;
  /** The entry of exactly that time. */
  get(key: K, timeMs: number): V | undefined;
  /** Event time of that entry's value; -1 where there is none. */
  timestampOf(key: K, timeMs: number): number;
  /** Entries of a key, both ends included, oldest first. Changes made while iterating do not disturb it. */
  between(key: K, fromMs: number, toMs: number): Iterable<TimelineEntry<V>>;
  /** The last entry of a key at or before a time. */
  floor(key: K, timeMs: number): TimelineEntry<V> | undefined;
  /** Entries of all keys, both ends included, oldest first, of equal times by the bytes of their keys. Absent: open. */
  all(bounds?: {
    readonly fromMs?: number;
    readonly toMs?: number;
  }): Iterable<readonly [K, TimelineEntry<V>]>;
  /** How many entries are kept, those included whose retention ended since the last checkpoint. */
  readonly size: number;
}

/** As with a KeyValueStore, a value may be changed in place if `put` follows. */
export interface Timeline<K, V> extends ReadOnlyTimeline<K, V> {
  put(key: K, timeMs: number, value: V, timestampMs?: number): void;
  delete(key: K, timeMs: number): void;
}

export interface TimelineOptions<K, V> {
  /** Part of the changelog's name: `<application>-<name>-changelog`. */
  readonly name: string;
  readonly key: Serde<K>;
  readonly value: Serde<V>;
  /**
   * An entry counts while it is not older than this before stream time: entries at `streamTime - retentionMs` and before are as
   * good as gone, and a put of one is without effect.
   */
  readonly retentionMs: number;
  /** The last entry of a key at or before the edge of retention stays, as long as it takes: for the versions of a table. */
  readonly keepLatest?: boolean;
  readonly changelog?: boolean;
  /** Absent: in memory. */
  readonly engine?: Engine;
  /** How much memory a store on disk may take. */
  readonly memory?: DiskBounds;
}
