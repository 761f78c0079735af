import type { Observable } from 'rxjs';
import type { Serde } from '#schemas';
import { counted } from '../counters.ts';
import { step } from '../operators/step.ts';
import type { StreamRecord } from '../record.ts';
import { keyValueStore } from '../store/key-value-store.ts';
import type { Change, Table } from './change.ts';
import { asTable } from './table.ts';
import { asStore, keep, openState, storedTable, type TableStore } from './table-store.ts';

export interface TableOptions<K, V> {
  readonly key: Serde<K>;
  readonly value: Serde<V>;
  /** Absent: a key-value store of the topic's name. */
  readonly store?: TableStore<K, V>;
  /** As with `source`. */
  readonly timestampMs?: (record: StreamRecord<K, V>) => number;
}

type Updates<K, V> = Observable<StreamRecord<K | null, V | null>>;

/** A topic's records as changes. One without key is dropped and counted (`null-key`). */
export function sourceTable<K, V>(
  records: Updates<K, V>,
  topic: string,
  { key, value, store = keyValueStore({ name: topic, key, value }) }: TableOptions<K, V>,
): Table<K, V> {
  const spec = { label: `table ${topic}`, stores: [asStore(store)] };
  const changes = records.pipe(
    step<StreamRecord<K | null, V | null>, StreamRecord<K, Change<V>>>(spec, (scope, emit) => {
      const state = openState(scope, store);
      return {
        next(record) {
          if (record.key === null) scope.count(counted.dropped('null-key'));
          else keep(state, record as StreamRecord<K, V | null>, { scope, emit });
        },
      };
    }),
  );
  return asTable(changes, storedTable(store));
}
