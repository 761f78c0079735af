import type { OperatorFunction } from 'rxjs';
import { type StreamRecord, withValue } from '../record.ts';
import type { Change } from '../table/change.ts';
import { step } from './step.ts';

/** The new values of a table as a stream; null: deleted. */
export function toStream<K, V>(): OperatorFunction<StreamRecord<K, Change<V>>, StreamRecord<K, V | null>> {
  return step({ label: 'toStream' }, (_scope, emit) => ({
    next: record => emit(withValue(record, record.value.new)),
  }));
}
