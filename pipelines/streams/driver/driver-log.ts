import { type LogRecord, type OutgoingRecord, partitionOf, type TopicPartitionOffset } from '#kafka';

/** Topics in memory, written and read at once. Survives what the driver calls a crash. */
export class DriverLog {
  readonly #topics = new Map<string, LogRecord[][]>();
  readonly #partitionsOf: (topic: string) => number;
  readonly #now: () => number;
  #turn = 0;

  constructor(partitionsOf: (topic: string) => number, now: () => number) {
    this.#partitionsOf = partitionsOf;
    this.#now = now;
  }

  append(records: readonly OutgoingRecord[]): readonly LogRecord[] {
    return records.map(record => {
      const { topic, key, value, headers = {}, timestampMs = this.#now() } = record;
      const partitions = this.#partitions(topic);
      const partition = record.partition ?? this.#partitionFor(record.partitionKey ?? key, partitions.length);
      const log = partitions[partition];
      if (!log) throw new RangeError(`${topic} has no partition ${partition}: it has ${partitions.length}`);
      const written = { topic, partition, offset: log.length, key, value, headers, timestampMs };
      log.push(written);
      return written;
    });
  }

  from({ topic, partition, offset }: TopicPartitionOffset): readonly LogRecord[] {
    return this.#partitions(topic)[partition]?.slice(Math.max(0, offset)) ?? [];
  }

  /** By partition and offset. */
  all(topic: string): readonly LogRecord[] {
    return this.#partitions(topic).flat();
  }

  #partitionFor(key: Buffer | null, partitions: number): number {
    if (key) return partitionOf(key, partitions);
    this.#turn += 1;
    return this.#turn % partitions;
  }

  #partitions(topic: string): LogRecord[][] {
    const known = this.#topics.get(topic);
    if (known) return known;
    const made = Array.from({ length: this.#partitionsOf(topic) }, () => []);
    this.#topics.set(topic, made);
    return made;
  }
}
