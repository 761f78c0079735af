import type { OperatorFunction } from 'rxjs';
import type { StreamRecord } from '../record.ts';
import type { Windowed } from '../windows/windowed.ts';
import type { SlidingWindows, TimeWindows } from '../windows/windows.ts';
import { type WindowedAggregateOptions, windowedAggregate } from './windowed-aggregate.ts';

export type WindowedCountOptions<K, V> = Omit<
  WindowedAggregateOptions<K, V, number>,
  'initial' | 'add' | 'merge'
>;

type Counting<K, V, N> = OperatorFunction<StreamRecord<K, V>, StreamRecord<Windowed<K>, N>>;

/** How many records each key had in each window; as `windowedAggregate` otherwise. */
export function windowedCount<K, V>(
  options: WindowedCountOptions<K, V> & { readonly windows: TimeWindows | SlidingWindows },
): Counting<K, V, number>;
export function windowedCount<K, V>(
  options: WindowedCountOptions<K, V> & { readonly emit: 'final' },
): Counting<K, V, number>;
export function windowedCount<K, V>(options: WindowedCountOptions<K, V>): Counting<K, V, number | null>;
export function windowedCount<K, V>(options: WindowedCountOptions<K, V>): Counting<K, V, number | null> {
  const all: WindowedAggregateOptions<K, V, number> = {
    name: 'windowedCount',
    ...options,
    initial: () => 0,
    add: value => value + 1,
    merge: (value, next) => value + next,
  };
  return windowedAggregate(all);
}
