/** Topics into a capture file. */

import { SluiceError } from '#errors';
import type { LogClient, LogRecord } from '#kafka';
import {
  type CapturedRecord,
  type CapturedTopic,
  capturedTopics,
  type Serdes,
  topicName,
  withDefaults,
  wrapCaptured,
  writeCapture,
} from '#schemas';

export interface Captured {
  readonly records: number;
  /** One line for each that could not be read: its place, and why. */
  readonly bad: readonly string[];
}

export interface RecordOptions {
  readonly client: LogClient;
  readonly serdes: Serdes;
  readonly tenant: string;
  readonly path: string;
  onProgress?(records: number): void;
}

/**
 * Writes all that the capturable topics hold, up to their ends as of the call, ordered by time, then topic, partition
 * and offset; so entities stand before the events that need them. Records that cannot be read are left out, and told: a capture
 * holds values, not bytes. All is in memory until it is sorted.
 */
export async function recordCapture(options: RecordOptions): Promise<Captured> {
  const { client, serdes, tenant, path, onProgress } = options;
  const admin = await client.admin();
  const records: CapturedRecord[] = [];
  const bad: string[] = [];
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
          for (const record of batch.records) {
            const captured = capture(topic, record, bytes => serde.deserialize(bytes));
            if (typeof captured === 'string') bad.push(captured);
            else records.push(captured);
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
  const written = writeCapture(path);
  for (const record of records) written.append(record);
  written.close();
  return { records: records.length, bad };
}

/** Text: why it cannot be. */
function capture<T extends CapturedTopic>(
  topic: T,
  { topic: from, partition, offset, timestampMs, key, value }: LogRecord,
  deserialize: (bytes: Buffer) => Parameters<typeof wrapCaptured<T>>[1],
): CapturedRecord | string {
  try {
    return withDefaults('CapturedRecord', {
      ...{ topic, partition, offset, timestamp: timestampMs, key: key?.toString() ?? null },
      value: value === null ? null : wrapCaptured(topic, deserialize(value)),
    });
  } catch (error) {
    if (!(error instanceof SluiceError) || error.reaction !== 'dead-letter') throw error;
    return `${from}/${partition}@${offset}: ${error.code}: ${error.message}`;
  }
}
