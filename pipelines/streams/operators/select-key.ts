import type { OperatorFunction } from 'rxjs';
import { type StreamRecord, withKey } from '../record.ts';
import { step } from './step.ts';

export interface SelectKeyOptions {
  /**
   * `kept`: the caller vouches that records of one new key are always in one partition already (the new key contains the old
   * one), so that state may follow without a repartition.
   */
  readonly partitioning?: 'kept';
}

/** Gives records another key. State by the new key needs `repartition()` first, or `partitioning: 'kept'`. */
export function selectKey<K, V, R>(
  select: (record: StreamRecord<K, V>) => R,
  { partitioning }: SelectKeyOptions = {},
): OperatorFunction<StreamRecord<K, V>, StreamRecord<R, V>> {
  return step({ label: 'selectKey', keys: partitioning ?? 'changed' }, (_scope, emit) => ({
    next: record => emit(withKey(record, select(record))),
  }));
}
