import type { OperatorFunction } from 'rxjs';
import type { Serde } from '#schemas';
import { type StreamRecord, withValue } from '../record.ts';
import type { Change } from '../table/change.ts';
import type { Lookup, TableSpec, Timed } from '../table/lookup.ts';
import { asTable, tableOf } from '../table/table.ts';
import { asStore, keep, openState, storedTable, type TableStore } from '../table/table-store.ts';
import { step } from './step.ts';

interface Derivation<K, V, R> {
  readonly label: string;
  readonly derive: (value: V, key: K) => R | null;
  /** Absent: it is worked out anew at each read. */
  readonly store?: TableStore<K, R> | undefined;
  /** Whether what neither was nor is there goes downstream. */
  readonly forwardsNothing: boolean;
  /** Of the values, where there is no store. */
  readonly value: (from: TableSpec<K, V>) => Serde<R> | null;
}

/** A table whose values are made of those of another, key by key. */
export function derivedTable<K, V, R>({
  label,
  derive,
  store,
  forwardsNothing,
  value,
}: Derivation<K, V, R>): OperatorFunction<StreamRecord<K, Change<V>>, StreamRecord<K, Change<R>>> {
  return source => {
    const from = tableOf(source, label);
    const of = (key: K, before: V | null) => (before === null ? null : derive(before, key));
    const spec = { label, stores: store ? [asStore(store)] : [] };
    const changes = source.pipe(
      step<StreamRecord<K, Change<V>>, StreamRecord<K, Change<R>>>(spec, (scope, emit) => {
        const state = store && openState(scope, store);
        return {
          next(record) {
            const { key, value: change } = record;
            const now = of(key, change.new);
            const old = state ? (state.latest(key)?.value ?? null) : of(key, change.old);
            if (now === null && old === null && !forwardsNothing && !from.isVersioned) return;
            if (state) keep(state, withValue(record, now), { scope, emit });
            else emit(withValue(record, { old, new: now, isLatest: change.isLatest }));
          },
        };
      }),
    );
    const unstored = {
      stores: from.stores,
      isVersioned: from.isVersioned,
      key: from.key,
      value: value(from),
    };
    const open = (lookup: Lookup<K, V>): Lookup<K, R> => ({
      latest: key => timed(lookup.latest(key), before => of(key, before)),
      asOf: (key, timeMs) => timed(lookup.asOf(key, timeMs), before => of(key, before)),
    });
    return asTable(
      changes,
      store ? storedTable(store) : { ...unstored, open: scope => open(from.open(scope)) },
    );
  };
}

function timed<V, R>(before: Timed<V> | null, derive: (value: V) => R | null): Timed<R> | null {
  const value = before && derive(before.value);
  return before === null || value === null ? null : { value, timestampMs: before.timestampMs };
}
