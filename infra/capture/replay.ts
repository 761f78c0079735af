/** A capture file into topics. */

import type { LogClient, OutgoingRecord } from '#kafka';
import { isCapturedTopic, readCapture, type Serdes, topicName, unwrapCaptured } from '#schemas';

export interface ReplayOptions {
  readonly client: LogClient;
  readonly serdes: Serdes;
  readonly tenant: string;
  readonly path: string;
  onProgress?(records: number): void;
}

const batchRecords = 1000;

/**
 * Produces every record of a capture under its own key and topic, in the file's order. The records are written as of
 * now, because topics drop what is older than their retention; event time is in the values. Resolves with how many.
 */
export async function replayCapture(options: ReplayOptions): Promise<number> {
  const { client, serdes, tenant, path, onProgress } = options;
  const producer = await client.producer();
  let batch: OutgoingRecord[] = [];
  let sent = 0;
  const flush = async () => {
    await producer.send(batch);
    sent += batch.length;
    batch = [];
    onProgress?.(sent);
  };
  for await (const record of readCapture(path)) {
    if (!isCapturedTopic(record.topic)) continue;
    const value = unwrapCaptured(record.topic, record);
    batch.push({
      topic: topicName(tenant, record.topic),
      key: record.key === null ? null : Buffer.from(record.key),
      value: value === null ? null : serdes.of(record.topic).serialize(value as never),
    });
    if (batch.length === batchRecords) await flush();
  }
  if (batch.length > 0) await flush();
  await producer.close();
  return sent;
}
