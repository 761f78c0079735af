import { counted } from '../counters.ts';
import { type StreamRecord, withValue } from '../record.ts';
import type { KeyValueSpec } from '../store/key-value.ts';
import type { StoreSpec } from '../store/store.ts';
import type { TaskScope } from '../task/scope.ts';
import type { Change } from './change.ts';
import type { Lookup, TableSpec } from './lookup.ts';
import type { VersionedSpec, VersionPut } from './versioned-store.ts';

/** Where a table is kept: its latest values, or its versions. */
export type TableStore<K, V> = KeyValueSpec<K, V> | VersionedSpec<K, V>;

export interface TableState<K, V> extends Lookup<K, V> {
  put(key: K, value: V | null, timestampMs: number): VersionPut;
}

export const asStore = (spec: unknown) => spec as StoreSpec;

/** A table that is read from its store. */
export function storedTable<K, V>(spec: TableStore<K, V>): TableSpec<K, V> {
  return {
    stores: [asStore(spec)],
    isVersioned: isVersioned(spec),
    key: spec.key,
    value: spec.value,
    open: scope => openState(scope, spec),
  };
}

export function openState<K, V>(scope: TaskScope, spec: TableStore<K, V>): TableState<K, V> {
  if (isVersioned(spec)) {
    const store = scope.store(spec);
    return {
      latest: key => store.latest(key),
      asOf: (key, timeMs) => store.asOf(key, timeMs),
      put: (key, value, timestampMs) => store.put(key, value, timestampMs),
    };
  }
  const store = scope.store(spec);
  const latest = (key: K) => {
    const value = store.get(key);
    return value === undefined ? null : { value, timestampMs: store.timestampOf(key) };
  };
  return {
    latest,
    asOf: latest,
    put(key, value, timestampMs) {
      if (value === null) store.delete(key);
      else store.put(key, value, timestampMs);
      return 'latest';
    },
  };
}

/** Puts a record's value and sends on what that changed; one that comes too late is dropped and counted (`too-old`). */
export function keep<K, V>(
  state: TableState<K, V>,
  record: StreamRecord<K, V | null>,
  { scope, emit }: { readonly scope: TaskScope; readonly emit: (record: StreamRecord<K, Change<V>>) => void },
): void {
  const { key, value, timestampMs } = record;
  scope.observe(timestampMs);
  const old = state.latest(key)?.value ?? null;
  const put = state.put(key, value, timestampMs);
  if (put === 'dropped') scope.count(counted.dropped('too-old'));
  else emit(withValue(record, { old, new: value, isLatest: put === 'latest' }));
}

function isVersioned<K, V>(spec: TableStore<K, V>): spec is VersionedSpec<K, V> {
  return 'historyMs' in spec;
}
