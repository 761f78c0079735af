import type { OperatorFunction } from 'rxjs';
import type { StreamRecord } from '../record.ts';
import type { Change } from '../table/change.ts';
import { asTable } from '../table/table.ts';
import { asStore, keep, openState, storedTable, type TableStore } from '../table/table-store.ts';
import { isKeyed } from './aggregate.ts';
import { keyedStep } from './keyed-step.ts';
import { type Repartition, repartitionBy } from './repartition.ts';

export interface ToTableOptions<K, V> {
  readonly store: TableStore<K, V>;
  /** As with `aggregate`. */
  readonly repartition?: Repartition<K, V>;
}

/**
 * Takes a stream's records as the values of a table: the last of each key counts, null deletes.
 *
 * State: the store. A record without key is dropped and counted (`null-key`); with a versioned store, one from before its
 * history as well (`too-old`).
 */
export function toTable<K, V>({
  store,
  repartition,
}: ToTableOptions<K, V>): OperatorFunction<StreamRecord<K, V | null>, StreamRecord<K, Change<V>>> {
  const step = keyedStep<StreamRecord<K, V | null>, StreamRecord<K, Change<V>>>(
    { label: 'toTable', stores: [asStore(store)], repartition: repartitionBy(store, repartition) },
    (scope, emit, node) => {
      const state = openState(scope, store);
      return {
        next(record) {
          if (isKeyed(record, scope, node)) keep(state, record, { scope, emit });
        },
      };
    },
  );
  return source => asTable(step(source), storedTable(store));
}
