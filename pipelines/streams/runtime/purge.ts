import { classify } from '#errors';
import type { LogAdmin, TopicPartitionOffset } from '#kafka';
import type { Clock } from '../clock.ts';
import type { StreamsLogger } from './streams-options.ts';

export interface PurgeOptions {
  readonly admin: Pick<LogAdmin, 'deleteRecords'>;
  /** The application's own topics between sub-topologies: nobody else reads them. */
  readonly topics: ReadonlySet<string>;
  readonly intervalMs: number;
  readonly clock: Pick<Clock, 'now'>;
  readonly logger: StreamsLogger;
}

/**
 * Deletes records of repartition topics once they were processed: these topics have no retention, so that no record is lost
 * while an application stands still.
 *
 * Guarantees: only what is before a committed offset is deleted. A failure loses nothing: the next round deletes more.
 */
export class Purge {
  readonly #options: PurgeOptions;
  readonly #before = new Map<string, TopicPartitionOffset>();
  #lastMs: number;
  #running: Promise<void> | null = null;

  constructor(options: PurgeOptions) {
    this.#options = options;
    this.#lastMs = options.clock.now();
  }

  /** These offsets are committed. */
  note(offsets: readonly TopicPartitionOffset[]): void {
    for (const at of offsets)
      if (this.#options.topics.has(at.topic)) this.#before.set(`${at.topic}/${at.partition}`, at);
  }

  /** Starts a round when it is time for one, and does not wait for it. */
  advance(): void {
    const { clock, intervalMs } = this.#options;
    if (this.#running || this.#before.size === 0 || clock.now() - this.#lastMs < intervalMs) return;
    this.#lastMs = clock.now();
    const before = [...this.#before.values()];
    this.#before.clear();
    this.#running = this.#delete(before).finally(() => {
      this.#running = null;
    });
  }

  /** Resolves when no round is under way. */
  async settled(): Promise<void> {
    await this.#running;
  }

  async #delete(before: readonly TopicPartitionOffset[]): Promise<void> {
    const { admin, logger } = this.#options;
    try {
      await admin.deleteRecords(before);
    } catch (error) {
      const { code, message } = classify(error);
      logger.warn({ code }, `Processed records of repartition topics were not deleted this time: ${message}`);
    }
  }
}
