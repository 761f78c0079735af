import type { Headers, LogBatch, LogRecord, TopicPartition } from './port.ts';

/** One producer's transaction as partitions see it. */
export interface TransactionMark {
  state: 'open' | 'committed' | 'aborted';
}

/** What `append` takes; buffers are copied by the caller. */
export interface Appended {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Headers;
  readonly timestampMs: number;
}

interface Slice extends LogBatch {
  /** Past the records and past what was left out between and after them. */
  readonly nextOffset: number;
}

const recordOverheadBytes = 16;

/**
 * One partition: an array whose index is the offset.
 *
 * Invariants: an entry never changes until it is deleted; the end of a transaction takes one offset of its own, as in Kafka; nothing at or
 * after the first record of an open transaction is readable.
 */
export class MemoryPartition implements TopicPartition {
  readonly topic: string;
  readonly partition: number;
  /** Called when something may have become readable. */
  readonly listeners = new Set<() => void>();
  /** null marks the end of a transaction, or what was deleted. */
  readonly #entries: (LogRecord | null)[] = [];
  readonly #marks = new Map<number, TransactionMark>();
  /** First offset of each open transaction, in the order they began. */
  readonly #open = new Map<TransactionMark, number>();

  constructor(topic: string, partition: number) {
    this.topic = topic;
    this.partition = partition;
  }

  /** First offset that may be there. */
  earliest = 0;

  /** One past the last record. */
  get end(): number {
    return this.#entries.length;
  }

  /** One past the last record that may be handed out now. */
  get readableEnd(): number {
    const [first] = this.#open.values();
    return first ?? this.end;
  }

  append({ key, value, headers, timestampMs }: Appended, mark?: TransactionMark): number {
    const { topic, partition, end: offset } = this;
    this.#entries.push({ topic, partition, offset, key, value, headers, timestampMs });
    if (mark) {
      this.#marks.set(offset, mark);
      if (!this.#open.has(mark)) this.#open.set(mark, offset);
    }
    return offset;
  }

  /** Called once for a transaction that appended here, after its mark was settled. */
  endTransaction(mark: TransactionMark): void {
    this.#open.delete(mark);
    this.#entries.push(null);
  }

  /** Up to the end; what is before the earliest is gone already. */
  deleteBefore(offset: number): void {
    if (offset <= this.earliest) return;
    this.#entries.fill(null, this.earliest, offset);
    for (let at = this.earliest; at < offset; at += 1) this.#marks.delete(at);
    this.earliest = offset;
  }

  notify(): void {
    for (const listener of this.listeners) listener();
  }

  /** Records from the offset on, about `maxBytes` of them and at least one where there is one. */
  slice(from: number, maxBytes: number, to = Number.POSITIVE_INFINITY): Slice {
    const end = Math.min(this.readableEnd, to);
    const records: LogRecord[] = [];
    let sizeBytes = 0;
    let nextOffset = Math.max(this.earliest, Math.min(from, end));
    while (nextOffset < end && sizeBytes < maxBytes) {
      const entry = this.#entries[nextOffset]!;
      if (entry && this.#marks.get(nextOffset)?.state !== 'aborted') {
        records.push(entry);
        sizeBytes += recordOverheadBytes + (entry.key?.length ?? 0) + (entry.value?.length ?? 0);
      }
      nextOffset += 1;
    }
    const { topic, partition } = this;
    return { topic, partition, records, highWatermark: this.end, nextOffset };
  }

  /** First offset made at or after the time, the end where there is none. */
  offsetAt(timestampMs: number): number {
    const found = this.#entries.findIndex(entry => entry !== null && entry.timestampMs >= timestampMs);
    return found < 0 ? this.end : found;
  }
}
