import { SluiceError } from '#errors';
import type { Serde } from '#schemas';
import { isTopicPart } from '../topology/topic-ref.ts';

/** What queries may do with a store. Order is that of the serialised keys, byte by byte. */
export interface ReadOnlyStore<K, V> {
  readonly name: string;
  get(key: K): V | undefined;
  has(key: K): boolean;
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
  put(key: K, value: V): void;
  delete(key: K): void;
}

/** A store as a topology names it; the same object wherever it is shared. */
export interface StoreSpec<K = unknown, V = unknown> {
  readonly name: string;
  readonly key: Serde<K>;
  readonly value: Serde<V>;
  readonly changelog: boolean;
}

/** A spec where its types do not matter. */
export type AnyStore = Pick<StoreSpec, 'name' | 'changelog'>;

export interface StoreOptions<K, V> {
  /** Part of the changelog's name: `<application>-<name>-changelog`. */
  readonly name: string;
  readonly key: Serde<K>;
  readonly value: Serde<V>;
  /** false: not written to a topic, hence empty after a restart. Absent: true. */
  readonly changelog?: boolean;
}

/** Errors: CONFIG_INVALID for a name that cannot be part of a topic's. */
export function keyValueStore<K, V>({ changelog = true, ...rest }: StoreOptions<K, V>): StoreSpec<K, V> {
  if (!isTopicPart(rest.name))
    throw new SluiceError(
      'CONFIG_INVALID',
      `store "${rest.name}": a name has letters, digits, dot, dash and underscore only`,
    );
  return { ...rest, changelog };
}
