import type { OperatorFunction } from 'rxjs';
import { counted } from '../counters.ts';
import { type StreamRecord, withValue } from '../record.ts';
import type { GlobalTable, TableView } from '../store/global.ts';
import { step } from './step.ts';

/**
 * Joins each record with what a global table holds now under a key of the record's choice; null: under none.
 *
 * `inner`: a record without a match goes nowhere. `left`: it is joined with null.
 * A record without value is dropped and counted (`null-value`), where `inner` also one that chooses no key (`null-key`).
 * Key, time: those of the record, whatever its partition.
 */
export function joinGlobal<K, V, TK, T, O>(
  table: GlobalTable<TableView<TK, T>>,
  options: {
    readonly select: (record: StreamRecord<K, V>) => TK | null;
    readonly kind?: 'inner';
    readonly join: (value: V, held: T, record: StreamRecord<K, V>) => O;
  },
): OperatorFunction<StreamRecord<K, V>, StreamRecord<K, O>>;
export function joinGlobal<K, V, TK, T, O>(
  table: GlobalTable<TableView<TK, T>>,
  options: {
    readonly select: (record: StreamRecord<K, V>) => TK | null;
    readonly kind: 'left';
    readonly join: (value: V, held: T | null, record: StreamRecord<K, V>) => O;
  },
): OperatorFunction<StreamRecord<K, V>, StreamRecord<K, O>>;
export function joinGlobal<K, V, TK, T, O>(
  table: GlobalTable<TableView<TK, T>>,
  options: {
    readonly select: (record: StreamRecord<K, V>) => TK | null;
    readonly kind?: 'inner' | 'left';
    readonly join: (value: V, held: T & null, record: StreamRecord<K, V>) => O;
  },
): OperatorFunction<StreamRecord<K, V>, StreamRecord<K, O>> {
  const { select, kind = 'inner' } = options;
  const join = options.join as (value: V, held: T | null, record: StreamRecord<K, V>) => O;
  return step({ label: `joinGlobal ${kind} ${table.topic}` }, (scope, emit) => {
    const view = scope.global(table);
    return {
      next(record) {
        const key = record.value === null ? null : select(record);
        if (record.value === null || (key === null && kind === 'inner')) {
          scope.count(counted.dropped(record.value === null ? 'null-value' : 'null-key'));
          return;
        }
        const held = key === null ? undefined : view.get(key);
        if (held !== undefined || kind === 'left')
          emit(withValue(record, join(record.value, held ?? null, record)));
      },
    };
  });
}
