import type { OperatorFunction } from 'rxjs';
import type { StreamRecord } from '../record.ts';
import type { KeyValueSpec } from '../store/key-value.ts';
import { type AggregateOptions, aggregate } from './aggregate.ts';

/** How many records each key had; as `aggregate` otherwise. */
export function count<K, V>(
  options: { readonly store: KeyValueSpec<K, number> } & Pick<
    AggregateOptions<K, V, number>,
    'emit' | 'cacheMaxBytes' | 'repartition'
  >,
): OperatorFunction<StreamRecord<K, V>, StreamRecord<K, number>> {
  return aggregate<K, V, number>({
    ...options,
    name: 'count',
    initial: () => 0,
    add: value => value + 1,
  });
}
