import type { Serde } from '#schemas';
import type { StreamRecord } from '../record.ts';
import type { TopicRef } from './topic-ref.ts';

export interface SourceOptions<K, V> {
  readonly key: Serde<K>;
  readonly value: Serde<V>;
  /** Event time, milliseconds. Absent: the time the log has. It must not throw for a record that deserialises. */
  readonly timestampMs?: (record: StreamRecord<K, V>) => number;
  /**
   * What becomes of records without key or value (tombstones). Absent: they are dead letters, so that nothing downstream
   * meets a null it did not ask for.
   */
  readonly nulls?: 'keep';
}

export interface SourceSpec {
  readonly nodeId: number;
  readonly topic: TopicRef;
  readonly key: Serde<unknown>;
  readonly value: Serde<unknown>;
  readonly timestampMs?: (record: StreamRecord<unknown, unknown>) => number;
  readonly nulls?: 'keep';
}
