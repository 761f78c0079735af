import type { OperatorFunction } from 'rxjs';
import type { Serde } from '#schemas';
import { counted } from '../counters.ts';
import type { StreamRecord } from '../record.ts';
import type { TopicRef } from '../topology/topic-ref.ts';
import { type StepSpec, step } from './step.ts';

export interface SinkOptions<K, V> {
  readonly key: Serde<K>;
  readonly value: Serde<V>;
  /** Absent: by the key's bytes, as the Java client does. */
  readonly partition?: (record: StreamRecord<K | null, V | null>) => number;
}

/**
 * Writes each record to a topic, with its time and headers; a null value is a tombstone. Ends a pipe.
 *
 * Delivery: at least once, in the order of processing.
 * Errors: what the serdes throw is that record's failure.
 */
export function to<K, V>(
  topic: string,
  options: SinkOptions<K, V>,
): OperatorFunction<StreamRecord<K | null, V | null>, never> {
  return sink({ topic }, options);
}

export function sink<K, V>(
  topic: TopicRef,
  { key, value, partition, nullKeys }: SinkOptions<K, V> & { readonly nullKeys?: 'keep' },
): OperatorFunction<StreamRecord<K | null, V | null>, never> {
  const label = 'topic' in topic ? topic.topic : topic.repartition;
  const serdes = { key, value } as NonNullable<StepSpec['serdes']>;
  return step({ label, sink: topic, serdes }, scope => {
    const name = scope.topic(topic);
    const placed = key.partitionKey;
    const isKeyed = 'repartition' in topic && nullKeys !== 'keep';
    return {
      next(record) {
        if (isKeyed && record.key === null) {
          scope.count(counted.dropped('null-key'));
          return;
        }
        const { timestampMs, headers } = record;
        const bytesOfKey = record.key === null ? null : key.serialize(record.key);
        const bytes = {
          topic: name,
          key: bytesOfKey,
          value: record.value === null ? null : value.serialize(record.value),
          headers,
          timestampMs,
        };
        if (partition) scope.output({ ...bytes, partition: partition(record) }, record.origin);
        else if (placed && bytesOfKey)
          scope.output({ ...bytes, partitionKey: placed.call(key, bytesOfKey) }, record.origin);
        else scope.output(bytes, record.origin);
      },
    };
  });
}
