/** Stores of a value per key: what they answer, and how a topology names them. What they are kept in: key-value-store.ts. */

import type { Serde } from '#schemas';
import type { DiskBounds } from './disk-entries.ts';
import type { Engine, StoreSpec } from './store.ts';

/** What queries may do with a store. Order is that of the serialised keys, byte by byte. */
export interface ReadOnlyStore<K, V> {
  readonly name: string;
  get(key: K): V | undefined;
  has(key: K): boolean;
  /** Event time of the value, milliseconds, as it was put; -1 where there is none. */
  timestampOf(key: K): number;
  /** `from` included, `to` excluded; absent: open. Changes made while iterating do not disturb it. */
  range(bounds: { readonly from?: K; readonly to?: K }): Iterable<readonly [K, V]>;
  all(): Iterable<readonly [K, V]>;
  /** How many keys. */
  readonly size: number;
}

/**
 * State of one task.
 *
 * A value may be changed in place, if `put` follows before the record is done: what counts is its state at the checkpoint.
 */
export interface KeyValueStore<K, V> extends ReadOnlyStore<K, V> {
  /** `timestampMs`: the value's event time, also in the changelog. Absent: it has none. */
  put(key: K, value: V, timestampMs?: number): void;
  delete(key: K): void;
}

export interface KeyValueSpec<K, V> extends StoreSpec<KeyValueStore<K, V>> {
  readonly key: Serde<K>;
  readonly value: Serde<V>;
  /** Where it is kept; on disk its keys are in order at any time. Absent: in memory. */
  readonly engine?: Engine;
}

export interface KeyValueOptions<K, V> {
  /** Part of the changelog's name: `<application>-<name>-changelog`. */
  readonly name: string;
  readonly key: Serde<K>;
  readonly value: Serde<V>;
  /** false: not written to a topic, hence empty after a restart. Absent: true. */
  readonly changelog?: boolean;
  /** Absent: in memory. */
  readonly engine?: Engine;
  /** How much memory a store on disk may take. */
  readonly memory?: DiskBounds;
}
