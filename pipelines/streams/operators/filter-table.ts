import type { OperatorFunction } from 'rxjs';
import type { StreamRecord } from '../record.ts';
import type { Change } from '../table/change.ts';
import type { TableStore } from '../table/table-store.ts';
import { derivedTable } from './derived-table.ts';

/**
 * The keys whose value passes. One that does not pass any more is deleted; what never passed is not spoken of.
 *
 * State: none, unless it is given a store.
 */
export function filterTable<K, V>(
  passes: (value: V, key: K) => boolean,
  { store }: { readonly store?: TableStore<K, V> } = {},
): OperatorFunction<StreamRecord<K, Change<V>>, StreamRecord<K, Change<V>>> {
  return derivedTable<K, V, V>({
    label: 'filterTable',
    derive: (value, key) => (passes(value, key) ? value : null),
    store,
    forwardsNothing: false,
    value: from => from.value,
  });
}
