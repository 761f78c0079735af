import type { OperatorFunction } from 'rxjs';
import type { StreamRecord } from '../record.ts';
import type { GlobalTable } from '../store/global.ts';
import { step } from './step.ts';

/**
 * Another value, made with what a global table holds now. Time: the table is as of processing, not of the record; a view that
 * keeps history can answer as of the record's time.
 */
export function withGlobal<K, V, W, R>(
  table: GlobalTable<W>,
  join: (record: StreamRecord<K, V>, view: W) => StreamRecord<K, R>,
): OperatorFunction<StreamRecord<K, V>, StreamRecord<K, R>> {
  return step({ label: `with global ${table.topic}` }, (scope, emit) => {
    const view = scope.global(table);
    return { next: record => emit(join(record, view)) };
  });
}
