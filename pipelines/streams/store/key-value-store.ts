import type { Serde } from '#schemas';
import { ChangelogStore } from './changelog-store.ts';
import { restoringBy } from './disk-changelog.ts';
import type { DiskBounds } from './disk-entries.ts';
import { diskFileOf } from './disk-file.ts';
import { DiskStore } from './disk-store.ts';
import { MemoryStore } from './memory-store.ts';
import { meteredStore } from './metered-store.ts';
import {
  checkStoreName,
  type Engine,
  type OpenStore,
  type StoreEnvironment,
  type StoreSpec,
} from './store.ts';

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

/** A value per key. Errors: CONFIG_INVALID for a name that cannot be part of a topic's. */
export function keyValueStore<K, V>(options: KeyValueOptions<K, V>): KeyValueSpec<K, V> {
  const { name, key, value, changelog = true, engine = 'memory' } = options;
  checkStoreName(name);
  const open = engine === 'disk' ? openOnDisk : openInMemory;
  return {
    name,
    key,
    value,
    changelog,
    engine,
    open: environment => meteredStore(open(options, environment)),
  };
}

type Opened<K, V> = OpenStore<KeyValueStore<K, V>>;

function openInMemory<K, V>(options: KeyValueOptions<K, V>): Opened<K, V> {
  const store = new MemoryStore<K, V>(options);
  if (options.changelog === false) return { store, changelog: null };
  const logged = new ChangelogStore(store, options);
  return { store: logged, changelog: logged };
}

function openOnDisk<K, V>(options: KeyValueOptions<K, V>, environment: StoreEnvironment): Opened<K, V> {
  const { changelog = true, memory, ...rest } = options;
  const file = diskFileOf(options.name, environment, { timed: false });
  const store = new DiskStore<K, V>({ ...rest, ...memory, changelog, file });
  const { disk } = store;
  const metrics = () => store.figures;
  if (!changelog) return { store, changelog: null, disk, metrics };
  const logged = new ChangelogStore(store, options);
  return { store: logged, changelog: restoringBy(logged, record => store.restore(record)), disk, metrics };
}
