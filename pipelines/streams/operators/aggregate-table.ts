import type { OperatorFunction } from 'rxjs';
import { type StreamRecord, withValue } from '../record.ts';
import type { Change } from '../table/change.ts';
import type { Regrouped } from '../table/regrouped.ts';
import { asTable } from '../table/table.ts';
import { asStore, keep, openState, storedTable, type TableStore } from '../table/table-store.ts';
import { keyedStep } from './keyed-step.ts';

export interface AggregateTableOptions<K, V, A> {
  readonly store: TableStore<K, A>;
  /** The value of a group without one. */
  readonly initial: (key: K) => A;
  /** The value with another member. */
  readonly add: (value: A, member: V, key: K) => A;
  /** The value without a member it had. null: the group has no value any more. */
  readonly subtract: (value: A, member: V, key: K) => A | null;
  /** In `describe()`. Absent: aggregateTable. */
  readonly name?: string;
}

/**
 * A value per group of a table, folded from its present members: what a member was is subtracted before what it is is added.
 *
 * State: one entry a group. Time: of the value, the latest of what it was folded from.
 */
export function aggregateTable<K, V, A>({
  initial,
  add,
  name = 'aggregateTable',
  ...rest
}: AggregateTableOptions<K, V, A>): OperatorFunction<
  StreamRecord<K, Regrouped<V>>,
  StreamRecord<K, Change<A>>
> {
  return foldGroups<K, V, A>({
    ...rest,
    name,
    add: (value, member, key) => add(value ?? initial(key), member, key),
  });
}

interface Fold<K, V, A> {
  readonly store: TableStore<K, A>;
  readonly add: (value: A | null, member: V, key: K) => A;
  readonly subtract: (value: A, member: V, key: K) => A | null;
  readonly name: string;
}

export function foldGroups<K, V, A>({
  store,
  add,
  subtract,
  name,
}: Fold<K, V, A>): OperatorFunction<StreamRecord<K, Regrouped<V>>, StreamRecord<K, Change<A>>> {
  const step = keyedStep<StreamRecord<K, Regrouped<V>>, StreamRecord<K, Change<A>>>(
    { label: name, stores: [asStore(store)], repartition: undefined },
    (scope, emit) => {
      const state = openState(scope, store);
      return {
        next(record) {
          const { key, value } = record;
          const before = state.latest(key);
          const less =
            before && value.subtract !== null
              ? subtract(before.value, value.subtract, key)
              : (before?.value ?? null);
          const now = value.add === null ? less : add(less, value.add, key);
          const timestampMs = Math.max(record.timestampMs, before?.timestampMs ?? -1);
          keep(state, { ...withValue(record, now), timestampMs }, { scope, emit });
        },
      };
    },
  );
  return source => asTable(step(source), storedTable(store));
}
