import type { OperatorFunction } from 'rxjs';
import { type StreamRecord, withValue } from '../record.ts';
import type { StoreSpec } from '../store/store.ts';
import { isKeyed } from './aggregate.ts';
import { step } from './step.ts';

export interface ReduceOptions<K, V> {
  readonly store: StoreSpec<K, V>;
  /** Only called from the second record of a key on; the first is the value. */
  readonly add: (value: V, next: V) => V;
}

/** A value per key of the same kind as the records'; as `aggregate` otherwise. */
export function reduce<K, V>({
  store: spec,
  add,
}: ReduceOptions<K, V>): OperatorFunction<StreamRecord<K, V>, StreamRecord<K, V>> {
  return step({ label: 'reduce', stores: [spec], needsKeys: true }, (scope, emit, node) => {
    const store = scope.store(spec);
    return {
      next(record) {
        if (!isKeyed(record, scope, node)) return;
        const before = store.get(record.key);
        const value = before === undefined ? record.value : add(before, record.value);
        store.put(record.key, value);
        emit(withValue(record, value));
      },
    };
  });
}
