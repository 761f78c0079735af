import type { OperatorFunction } from 'rxjs';
import { type StreamRecord, withValue } from '../record.ts';
import type { KeyValueSpec } from '../store/key-value.ts';
import { isWhole } from './aggregate.ts';
import { keyedStep } from './keyed-step.ts';
import { type Repartition, repartitionBy } from './repartition.ts';

export interface ReduceOptions<K, V> {
  readonly store: KeyValueSpec<K, V>;
  /** Only called from the second record of a key on; the first is the value. */
  readonly add: (value: V, next: V) => V;
  /** As with `aggregate`. */
  readonly repartition?: Repartition<K, V>;
}

/** A value per key of the same kind as the records'; as `aggregate` otherwise. */
export function reduce<K, V>({
  store: spec,
  add,
  repartition,
}: ReduceOptions<K, V>): OperatorFunction<StreamRecord<K, V>, StreamRecord<K, V>> {
  return keyedStep(
    { label: 'reduce', stores: [spec], repartition: repartitionBy(spec, repartition) },
    (scope, emit, node) => {
      const store = scope.store(spec);
      return {
        next(record) {
          if (!isWhole(record, scope, node)) return;
          const before = store.get(record.key);
          const timestampMs = Math.max(record.timestampMs, store.timestampOf(record.key));
          const value = before === undefined ? record.value : add(before, record.value);
          store.put(record.key, value, timestampMs);
          emit({ ...withValue(record, value), timestampMs });
        },
      };
    },
  );
}
