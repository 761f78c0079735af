import type { Headers, LogRecord, TopicPartitionOffset } from '#kafka';

/** Where a record was read: for evidence and for dead letters. */
export type Origin = TopicPartitionOffset;

/**
 * What flows through a topology. Never change one: make another with `withValue` or `withKey`, or spread it.
 *
 * Time: `timestampMs` is event time, milliseconds since the epoch: the source's extractor, else the time in the log.
 * Origin: of the input record that caused this one, however many steps ago.
 */
export interface StreamRecord<K, V> {
  readonly key: K;
  readonly value: V;
  readonly timestampMs: number;
  readonly headers: Headers;
  readonly origin: Origin;
}

/** The same record with another value. */
export function withValue<K, V>(record: StreamRecord<K, unknown>, value: V): StreamRecord<K, V> {
  const { key, timestampMs, headers, origin } = record;
  return { key, value, timestampMs, headers, origin };
}

/** The same record under another key. */
export function withKey<K, V>(record: StreamRecord<unknown, V>, key: K): StreamRecord<K, V> {
  const { value, timestampMs, headers, origin } = record;
  return { key, value, timestampMs, headers, origin };
}

/** `topic/partition@offset`, as messages name a record. */
export function placeOf(record: Pick<LogRecord, 'topic' | 'partition' | 'offset'>): string {
  return `${record.topic}/${record.partition}@${record.offset}`;
}
