import type { Message } from 'kafkajs';
import { SluiceError } from '#errors';
import type { KafkajsLink } from './kafkajs-link.ts';
import { partitionOf } from './murmur2.ts';
import type { OutgoingRecord } from './port.ts';

/** A record checked and placed. */
export interface Prepared {
  readonly topic: string;
  readonly message: Message;
  readonly sizeBytes: number;
}

/** Below a broker's default message.max.bytes (1,048,588), which holds for a batch with its header. */
export const maxRequestBytes = 1_000_000;
const maxRequestRecords = 20_000;
const recordOverheadBytes = 32;
/** How kafkajs sorts times to find the earliest and the latest: as text. */
const timestampDigits = 16;

/** Places records on partitions. */
export class RecordRouter {
  readonly #link: KafkajsLink;
  readonly #turns = new Map<string, number>();

  constructor(link: KafkajsLink) {
    this.#link = link;
  }

  /** Rejects with TOPIC_UNKNOWN or VALUE_INVALID when one of them cannot be sent. */
  async prepare(records: readonly OutgoingRecord[]): Promise<readonly Prepared[]> {
    const partitions = new Map<string, readonly number[]>();
    for (const { topic } of records) {
      if (!partitions.has(topic)) partitions.set(topic, await this.#link.partitions(topic));
    }
    const now = Date.now();
    return records.map(record => {
      const sizeBytes = sizeOf(record);
      if (sizeBytes > maxRequestBytes) {
        throw new SluiceError(
          'VALUE_INVALID',
          `A record for ${record.topic} has ${sizeBytes} bytes; at most ${maxRequestBytes} fit: send it in parts`,
        );
      }
      const message: Message = {
        key: record.key,
        value: record.value,
        partition: this.#place(record, partitions.get(record.topic)!.length),
        timestamp: `${record.timestampMs ?? now}`.padStart(timestampDigits, '0'),
      };
      if (record.headers) message.headers = record.headers as Record<string, Buffer>;
      return { topic: record.topic, message, sizeBytes };
    });
  }

  #place({ topic, partition, key }: OutgoingRecord, count: number): number {
    if (partition !== undefined) {
      if (partition >= 0 && partition < count) return partition;
      throw new SluiceError('TOPIC_UNKNOWN', `Topic ${topic} has no partition ${partition}: it has ${count}`);
    }
    if (key) return partitionOf(key, count);
    const turn = ((this.#turns.get(topic) ?? -1) + 1) % count;
    this.#turns.set(topic, turn);
    return turn;
  }
}

function sizeOf({ key, value, headers }: OutgoingRecord): number {
  let sizeBytes = recordOverheadBytes + (key?.length ?? 0) + (value?.length ?? 0);
  for (const name in headers) sizeBytes += 10 + name.length * 3 + headers[name]!.length;
  return sizeBytes;
}

/** How many from the front fit into one request; at least one. */
export function chunked<T>(queue: readonly T[], sizeBytesOf: (entry: T) => number): number {
  let sizeBytes = 0;
  for (let count = 0; count < queue.length; count += 1) {
    sizeBytes += sizeBytesOf(queue[count]!);
    if (sizeBytes > maxRequestBytes || count === maxRequestRecords) return Math.max(1, count);
  }
  return queue.length;
}
