import type { OperatorFunction } from 'rxjs';
import type { StreamRecord } from '../record.ts';
import type { Change } from '../table/change.ts';
import type { Regrouped } from '../table/regrouped.ts';
import type { TableStore } from '../table/table-store.ts';
import { aggregateTable } from './aggregate-table.ts';

/** How many members each group of a table has; as `aggregateTable` otherwise. A group that had some stays, with 0. */
export function countTable<K, V>(options: {
  readonly store: TableStore<K, number>;
}): OperatorFunction<StreamRecord<K, Regrouped<V>>, StreamRecord<K, Change<number>>> {
  return aggregateTable<K, V, number>({
    ...options,
    name: 'countTable',
    initial: () => 0,
    add: value => value + 1,
    subtract: value => value - 1,
  });
}
