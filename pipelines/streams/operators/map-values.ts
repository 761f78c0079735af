import { map, type OperatorFunction } from 'rxjs';
import { type StreamRecord, withValue } from '../record.ts';
import { named } from './named.ts';

/** Gives records another value; key, time, headers and origin stay. */
export function mapValues<K, V, R>(
  change: (value: V, record: StreamRecord<K, V>) => R,
): OperatorFunction<StreamRecord<K, V>, StreamRecord<K, R>> {
  return named(
    'mapValues',
    map((record: StreamRecord<K, V>) => withValue(record, change(record.value, record))),
  );
}
