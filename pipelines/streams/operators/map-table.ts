import type { OperatorFunction } from 'rxjs';
import type { StreamRecord } from '../record.ts';
import type { Change } from '../table/change.ts';
import type { TableStore } from '../table/table-store.ts';
import { derivedTable } from './derived-table.ts';

/**
 * Other values under the same keys. `change` must be a function of its arguments: it is also asked for what was, and, without a
 * store, at each read.
 *
 * State: none, unless it is given a store.
 */
export function mapTable<K, V, R>(
  change: (value: V, key: K) => R,
  { store }: { readonly store?: TableStore<K, R> } = {},
): OperatorFunction<StreamRecord<K, Change<V>>, StreamRecord<K, Change<R>>> {
  return derivedTable<K, V, R>({
    label: 'mapTable',
    derive: change,
    store,
    forwardsNothing: true,
    value: () => null,
  });
}
