import type { OperatorFunction } from 'rxjs';
import type { StreamRecord } from '../record.ts';
import type { Windowed } from '../windows/windowed.ts';
import type { SlidingWindows, TimeWindows } from '../windows/windows.ts';
import { type WindowedAggregateOptions, windowedAggregate } from './windowed-aggregate.ts';

export interface WindowedReduceOptions<K, V>
  extends Omit<WindowedAggregateOptions<K, V, V>, 'initial' | 'add' | 'merge'> {
  /** Only called from the second record of a window on; the first is the value. Also gives the value of two sessions. */
  readonly add: (value: V, next: V) => V;
}

type Reducing<K, V, R> = OperatorFunction<StreamRecord<K, V>, StreamRecord<Windowed<K>, R>>;

/** A value per key and window of the same kind as the records'; as `windowedAggregate` otherwise. */
export function windowedReduce<K, V>(
  options: WindowedReduceOptions<K, V> & { readonly windows: TimeWindows | SlidingWindows },
): Reducing<K, V, V>;
export function windowedReduce<K, V>(
  options: WindowedReduceOptions<K, V> & { readonly emit: 'final' },
): Reducing<K, V, V>;
export function windowedReduce<K, V>(options: WindowedReduceOptions<K, V>): Reducing<K, V, V | null>;
export function windowedReduce<K, V>({
  add,
  ...rest
}: WindowedReduceOptions<K, V>): Reducing<K, V, V | null> {
  const all: WindowedAggregateOptions<K, V | undefined, V | undefined> = {
    name: 'windowedReduce',
    ...(rest as object as Omit<WindowedAggregateOptions<K, V | undefined, V | undefined>, 'initial' | 'add'>),
    initial: () => undefined,
    add: (value, { value: next }) => (value === undefined ? next : add(value, next as V)),
    merge: (value, next) => (value === undefined ? next : add(value, next as V)),
  };
  return windowedAggregate(all) as Reducing<K, V, V | null>;
}
