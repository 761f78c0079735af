import type { OperatorFunction } from 'rxjs';
import type { StreamRecord } from '../record.ts';
import type { Change } from '../table/change.ts';
import type { Regrouped } from '../table/regrouped.ts';
import type { TableStore } from '../table/table-store.ts';
import { foldGroups } from './aggregate-table.ts';

export interface ReduceTableOptions<K, V> {
  readonly store: TableStore<K, V>;
  /** Not called where a group has no value: then the member is the value. */
  readonly add: (value: V, member: V) => V;
  /** The value without a member it had. null: the group has no value any more. */
  readonly subtract: (value: V, member: V) => V | null;
}

/** A value per group of the same kind as its members; as `aggregateTable` otherwise. */
export function reduceTable<K, V>({
  store,
  add,
  subtract,
}: ReduceTableOptions<K, V>): OperatorFunction<StreamRecord<K, Regrouped<V>>, StreamRecord<K, Change<V>>> {
  return foldGroups({
    store,
    add: (value, member) => (value === null ? member : add(value, member)),
    subtract,
    name: 'reduceTable',
  });
}
