/**
 * Reads a compacted topic from its beginning, says when it has caught up, and follows it.
 *
 * Owns: positions, retry, what becomes of a record that cannot be read. Does not own: what the records mean.
 * Delivery: at least once, in partition order. Belongs to no group, so every node sees everything.
 */

import { classify, type SluiceError } from '#errors';
import type { LogBatch, LogClient, LogRecord } from '#kafka';
import type { RecordTopicName, Serdes, TopicRecord } from '#schemas';

export interface TopicFollowerOptions<T extends RecordTopicName> {
  readonly client: LogClient;
  readonly serdes: Serdes;
  readonly name: T;
  /** As the broker names it. */
  readonly topic: string;
  /** A null value is a tombstone. */
  readonly onRecord: (key: string, value: TopicRecord<T> | null, record: LogRecord) => void;
  /** After each batch that held a record. */
  readonly onBatchEnd: () => void;
  /** Once: everything that was there at the start has been handed over. */
  readonly onCaughtUp: () => void;
  /** A record that cannot be read; the rest flows. */
  readonly onBadRecord: (record: LogRecord, error: SluiceError) => void;
  /** The topic could not be read; it is tried again. */
  readonly onRetry: (error: SluiceError) => void;
}

const backOffMs = { first: 200, most: 5000 };

export class TopicFollower<T extends RecordTopicName> {
  readonly #options: TopicFollowerOptions<T>;
  readonly #ended = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(options: TopicFollowerOptions<T>) {
    this.#options = options;
  }

  start(): void {
    this.#running = this.#run();
  }

  async close(): Promise<void> {
    this.#ended.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const ranges = await this.#persist(() => this.#ranges());
    if (!ranges) return;
    let behind = ranges.length;
    await Promise.all(
      ranges.map(async ({ partition, earliest, latest }) => {
        const end = { position: earliest };
        await this.#read(partition, end, latest);
        behind -= 1;
        if (behind === 0 && !this.#ended.signal.aborted) this.#options.onCaughtUp();
        await this.#read(partition, end, Number.MAX_SAFE_INTEGER);
      }),
    );
  }

  async #ranges() {
    const admin = await this.#options.client.admin();
    try {
      return await admin.offsets(this.#options.topic);
    } finally {
      await admin.close();
    }
  }

  async #read(partition: number, end: { position: number }, to: number): Promise<void> {
    const { client, topic } = this.#options;
    const { signal } = this.#ended;
    await this.#persist(async () => {
      while (end.position < to && !signal.aborted) {
        const onBatch = async (batch: LogBatch) => {
          await this.#options.serdes.prepareFor(batch.records.map(record => record.value));
          for (const record of batch.records) {
            this.#take(record);
            end.position = record.offset + 1;
          }
          this.#options.onBatchEnd();
        };
        end.position = await client.read({ topic, partition, from: end.position, to, onBatch, signal });
      }
    });
  }

  #take(record: LogRecord): void {
    const { serdes, name, onRecord, onBadRecord } = this.#options;
    let value: TopicRecord<T> | null;
    try {
      value = record.value === null ? null : serdes.of(name).deserialize(record.value);
    } catch (error) {
      onBadRecord(record, classify(error));
      return;
    }
    onRecord(record.key?.toString('utf8') ?? '', value, record);
  }

  /** Tries until it succeeds or the follower is closed: what is in force does not depend on the broker being there. */
  async #persist<R>(work: () => Promise<R>): Promise<R | undefined> {
    const { signal } = this.#ended;
    for (let waitMs = backOffMs.first; !signal.aborted; waitMs = Math.min(backOffMs.most, waitMs * 2)) {
      try {
        return await work();
      } catch (error) {
        if (signal.aborted) return undefined;
        this.#options.onRetry(classify(error));
        await pause(waitMs, signal);
      }
    }
    return undefined;
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}
