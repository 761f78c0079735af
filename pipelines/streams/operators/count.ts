import type { OperatorFunction } from 'rxjs';
import type { StreamRecord } from '../record.ts';
import type { StoreSpec } from '../store/store.ts';
import { type AggregateOptions, aggregate } from './aggregate.ts';

/** How many records each key had; as `aggregate` otherwise. */
export function count<K>(
  options: { readonly store: StoreSpec<K, number> } & Pick<AggregateOptions<K, unknown, number>, 'emit'>,
): OperatorFunction<StreamRecord<K, unknown>, StreamRecord<K, number>> {
  return aggregate<K, unknown, number>({
    ...options,
    name: 'count',
    initial: () => 0,
    add: value => value + 1,
  });
}
