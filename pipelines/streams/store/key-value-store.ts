import { ChangelogStore } from './changelog-store.ts';
import { restoringBy } from './disk-changelog.ts';
import { diskFileOf } from './disk-file.ts';
import { DiskStore } from './disk-store.ts';
import type { KeyValueOptions, KeyValueSpec, KeyValueStore } from './key-value.ts';
import { MemoryStore } from './memory-store.ts';
import { meteredStore } from './metered-store.ts';
import { checkStoreName, type OpenStore, type StoreEnvironment } from './store.ts';

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
