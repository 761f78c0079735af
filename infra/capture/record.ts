/** Topics into a capture file. */

import type { LogClient } from '#kafka';
import {
  type CapturedRecord,
  capturedTopics,
  type Serdes,
  topicName,
  withDefaults,
  wrapCaptured,
  writeCapture,
} from '#schemas';

export interface RecordOptions {
  readonly client: LogClient;
  readonly serdes: Serdes;
  readonly tenant: string;
  readonly path: string;
  onProgress?(records: number): void;
}

/**
 * Writes all that the capturable topics hold, up to their ends as of the call, ordered by time, then topic, partition
 * and offset; so entities stand before the events that need them. Resolves with how many records that were.
 */
export async function recordCapture(options: RecordOptions): Promise<number> {
  const { client, serdes, tenant, path, onProgress } = options;
  const admin = await client.admin();
  const records: CapturedRecord[] = [];
  for (const topic of capturedTopics) {
    const serde = serdes.of(topic);
    for (const { partition, earliest, latest } of await admin.offsets(topicName(tenant, topic))) {
      await client.read({
        topic: topicName(tenant, topic),
        partition,
        from: earliest,
        to: latest,
        async onBatch(batch) {
          await serdes.prepareFor(batch.records.map(record => record.value));
          for (const { offset, timestampMs, key, value } of batch.records) {
            records.push(
              withDefaults('CapturedRecord', {
                topic,
                partition,
                offset,
                timestamp: timestampMs,
                key: key?.toString() ?? null,
                value: value === null ? null : wrapCaptured(topic, serde.deserialize(value)),
              }),
            );
          }
          onProgress?.(records.length);
        },
      });
    }
  }
  await admin.close();
  records.sort(
    (a, b) =>
      a.timestamp - b.timestamp ||
      capturedTopics.indexOf(a.topic as never) - capturedTopics.indexOf(b.topic as never) ||
      a.partition - b.partition ||
      a.offset - b.offset,
  );
  const capture = writeCapture(path);
  for (const record of records) capture.append(record);
  capture.close();
  return records.length;
}
