import { SluiceError } from '#errors';
import { MemoryPartition, type TransactionMark } from './memory-partition.ts';
import { partitionOf } from './murmur2.ts';
import type { OutgoingRecord, TopicPartition, TopicPartitionOffset, TopicSpec } from './port.ts';

interface Topic {
  readonly partitions: readonly MemoryPartition[];
  /** Where the next record without a key goes. */
  turn: number;
}

/** As a broker's default: what is larger is refused. */
const maxRecordBytes = 1_048_576;

/** The topics of a log and writing to them. */
export class MemoryTopics {
  readonly #topics = new Map<string, Topic>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  get names(): string[] {
    return [...this.#topics.keys()].sort();
  }

  /** False when it is there already. */
  create({ topic, partitions }: TopicSpec): boolean {
    if (this.#topics.has(topic)) return false;
    if (!(partitions > 0))
      throw new SluiceError('BROKER_REFUSED', `Topic ${topic}: give it at least one partition`);
    const made = Array.from({ length: partitions }, (_, partition) => new MemoryPartition(topic, partition));
    this.#topics.set(topic, { partitions: made, turn: 0 });
    return true;
  }

  delete(topic: string): void {
    this.#topics.delete(topic);
  }

  count(topic: string): number {
    return this.#topics.get(topic)?.partitions.length ?? 0;
  }

  partitions(topic: string): readonly MemoryPartition[] {
    return this.#find(topic).partitions;
  }

  partition({ topic, partition }: TopicPartition): MemoryPartition {
    const found = this.#find(topic).partitions[partition];
    if (!found) throw new SluiceError('TOPIC_UNKNOWN', `Topic ${topic} has no partition ${partition}`);
    return found;
  }

  /** All or nothing: every record is checked before the first is appended. */
  append(records: readonly OutgoingRecord[], mark?: TransactionMark): TopicPartitionOffset[] {
    const targets = records.map(record => this.#target(record));
    const written = records.map((record, at) => {
      const target = targets[at]!;
      const headers = Object.entries(record.headers ?? {}).map(([name, value]) => [name, Buffer.from(value)]);
      const copy = {
        key: record.key && Buffer.from(record.key),
        value: record.value && Buffer.from(record.value),
        headers: Object.fromEntries(headers),
        timestampMs: record.timestampMs ?? this.#now(),
      };
      const { topic, partition } = target;
      return { topic, partition, offset: target.append(copy, mark) };
    });
    for (const target of new Set(targets)) target.notify();
    return written;
  }

  /** Rejects an offset past the end before anything of that partition is deleted. */
  deleteRecords(before: readonly TopicPartitionOffset[]): void {
    for (const position of before) this.partition(position);
    for (const position of before) {
      const log = this.partition(position);
      if (position.offset > log.end) {
        throw new SluiceError(
          'BROKER_REFUSED',
          `Deleting records of ${position.topic}/${position.partition} before ${position.offset}: the partition ends at ${log.end}; ask for no more than it holds`,
        );
      }
      log.deleteBefore(position.offset);
    }
  }

  #target({ topic: name, partition, key, value, partitionKey }: OutgoingRecord): MemoryPartition {
    const topic = this.#find(name);
    const sizeBytes = (key?.length ?? 0) + (value?.length ?? 0);
    if (sizeBytes > maxRecordBytes) {
      throw new SluiceError(
        'VALUE_INVALID',
        `A record for ${name} has ${sizeBytes} bytes; at most ${maxRecordBytes} fit`,
      );
    }
    if (partition !== undefined) return this.partition({ topic: name, partition });
    const placing = partitionKey ?? key;
    if (placing) return topic.partitions[partitionOf(placing, topic.partitions.length)]!;
    topic.turn = (topic.turn + 1) % topic.partitions.length;
    return topic.partitions[topic.turn]!;
  }

  #find(name: string): Topic {
    const topic = this.#topics.get(name);
    if (!topic) throw new SluiceError('TOPIC_UNKNOWN', `Topic ${name} is not there: create it first`);
    return topic;
  }
}
