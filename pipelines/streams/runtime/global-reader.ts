import { classify, type SluiceError } from '#errors';
import type { LogAdmin, LogBatch, LogClient, PartitionRange } from '#kafka';
import type { Clock } from '../clock.ts';
import type { Globals } from '../task/globals.ts';
import { backOffMs } from './back-off.ts';

export interface GlobalReaderOptions {
  readonly client: LogClient;
  readonly globals: Globals;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly spread: () => number;
  prepare(values: readonly (Buffer | null)[]): Promise<void> | undefined;
  /** After a batch was applied: what it left to be sent. */
  applied(): Promise<void>;
  onRetry(error: Error, waitMs: number): void;
  /** Following ended for good. */
  onFailed(error: SluiceError): void;
}

/** Fills global tables and keeps them filled. */
export class GlobalReader {
  readonly #options: GlobalReaderOptions;
  #following: Promise<void>[] = [];

  constructor(options: GlobalReaderOptions) {
    this.#options = options;
  }

  /** Resolves when every table holds its topic up to the end it had at the call. Errors: TOPIC_UNKNOWN, what halts. */
  async bootstrap(admin: LogAdmin): Promise<void> {
    const { client, globals, signal } = this.#options;
    const ranges = (await Promise.all(globals.topics.map(topic => this.#ranges(admin, topic)))).flat();
    const read = ranges.map(async ({ topic, partition, earliest, latest }) => {
      const position = { topic, partition, from: earliest };
      const from = await client.read({
        ...position,
        to: latest,
        signal,
        onBatch: batch => this.#apply(batch),
      });
      this.#following.push(this.#follow({ topic, partition, from }));
    });
    await Promise.all(read);
  }

  /** Resolves when nothing is read any more; the signal ends it. */
  async ended(): Promise<void> {
    await Promise.all(this.#following);
  }

  async #ranges(admin: LogAdmin, topic: string): Promise<readonly PartitionRange[]> {
    const { globals, clock } = this.#options;
    const ranges = await admin.offsets(topic);
    const lookBackMs = globals.lookBackMs(topic);
    if (lookBackMs === undefined) return ranges;
    const starts = await admin.offsetsForTime(topic, clock.now() - lookBackMs);
    const startOf = new Map(starts.map(({ partition, offset }) => [partition, offset]));
    return ranges.map(range => ({ ...range, earliest: startOf.get(range.partition) ?? range.earliest }));
  }

  async #follow({
    topic,
    partition,
    from,
  }: {
    topic: string;
    partition: number;
    from: number;
  }): Promise<void> {
    const { client, clock, signal, spread, onRetry, onFailed } = this.#options;
    let position = from;
    let failures = 0;
    const onBatch = async (batch: LogBatch) => {
      await this.#apply(batch);
      position = batch.records.at(-1)!.offset + 1;
      failures = 0;
    };
    while (!signal.aborted) {
      try {
        await client.read({ topic, partition, from: position, to: Number.MAX_SAFE_INTEGER, signal, onBatch });
      } catch (error) {
        const known = classify(error);
        if (signal.aborted) return;
        if (known.reaction !== 'retry') return onFailed(known);
        failures += 1;
        const waitMs = backOffMs(failures, spread);
        onRetry(known, waitMs);
        await clock.sleep(waitMs, signal);
      }
    }
  }

  async #apply({ records }: LogBatch): Promise<void> {
    const { globals, prepare, applied } = this.#options;
    await prepare(records.map(({ value }) => value));
    for (const record of records) globals.apply(record);
    await applied();
  }
}
