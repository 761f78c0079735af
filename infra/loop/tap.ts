/** Follows topics of the catalogue from their beginning and hands out what is in them, decoded. */

import type { LogClient } from '#kafka';
import { parseTopicName, type RecordTopicName, type Serdes, type TopicRecord, topicName } from '#schemas';

export interface Tapped<T extends RecordTopicName = RecordTopicName> {
  readonly topic: T;
  readonly partition: number;
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: string;
  /** null is a tombstone. */
  readonly value: TopicRecord<T> | null;
  /** When it came into our hands, by this machine's clock. */
  readonly arrivedMs: number;
}

export interface TapOptions {
  readonly client: LogClient;
  readonly serdes: Serdes;
  readonly tenant: string;
  readonly groupId: string;
  readonly topics: readonly RecordTopicName[];
  onRecord(record: Tapped): void;
  /** It ended by itself. */
  onFailed(error: Error): void;
}

/** Resolves once it follows; the function it resolves with ends it. A record that cannot be read ends it. */
export async function tap(options: TapOptions): Promise<() => Promise<void>> {
  const { client, serdes, tenant, groupId, topics, onRecord } = options;
  const consumer = client.consumer({
    groupId,
    topics: topics.map(topic => topicName(tenant, topic)),
    startFrom: 'earliest',
    maxWaitMs: 50,
  });
  await consumer.run({
    async onBatch(batch) {
      const topic = parseTopicName(batch.topic)!.name as RecordTopicName;
      const arrivedMs = Date.now();
      await serdes.prepareFor(batch.records.map(record => record.value));
      const serde = serdes.of(topic);
      for (const { partition, offset, timestampMs, key, value } of batch.records) {
        const decoded = value === null ? null : serde.deserialize(value);
        onRecord({
          topic,
          partition,
          offset,
          timestampMs,
          key: key?.toString() ?? '',
          value: decoded,
          arrivedMs,
        });
      }
    },
    onFailed: options.onFailed,
  });
  return () => consumer.close();
}
