import { keyOf } from './assignment.ts';
import type { FetchedPartition } from './fetch-response.ts';
import type { LogBatch, TopicPartition, TopicPartitionOffset } from './port.ts';

/** A partition held by this member, for one assignment. */
export interface Holding extends TopicPartition {
  /** Next to read; null until the committed offset was looked up. */
  position: number | null;
  /** Counts seeks: what was fetched or is handled from before one must not move the position. */
  seeks: number;
  /** The handler that runs, which the next fetch and a rebalance wait for. */
  running: Promise<void> | null;
}

/** What a consumer holds and where it stands. Pauses outlive assignments. */
export class Positions {
  readonly #paused = new Set<string>();
  #holdings = new Map<string, Holding>();

  get all(): readonly Holding[] {
    return [...this.#holdings.values()];
  }

  get partitions(): TopicPartition[] {
    return this.all.map(({ topic, partition }) => ({ topic, partition }));
  }

  take(partitions: readonly TopicPartition[]): void {
    this.#holdings = new Map(
      partitions.map(({ topic, partition }) => {
        const holding: Holding = { topic, partition, position: null, seeks: 0, running: null };
        return [keyOf(holding), holding];
      }),
    );
  }

  drop(): void {
    this.#holdings = new Map();
  }

  find(partition: TopicPartition): Holding | undefined {
    return this.#holdings.get(keyOf(partition));
  }

  holds(holding: Holding): boolean {
    return this.find(holding) === holding;
  }

  seek({ offset, ...partition }: TopicPartitionOffset): void {
    const holding = this.find(partition);
    if (!holding) return;
    holding.position = offset;
    holding.seeks += 1;
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#paused.add(keyOf(partition));
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#paused.delete(keyOf(partition));
  }

  isPaused(partition: TopicPartition): boolean {
    return this.#paused.has(keyOf(partition));
  }
}

/** A fetched partition in the shape that kafkajs' runner asks of a batch. */
export class FetchedBatch {
  readonly topic: string;
  readonly partition: number;
  readonly highWatermark: number;
  readonly messages: readonly { readonly offset: number }[];
  readonly fetched: FetchedPartition;
  readonly holding: Holding;
  readonly seeks: number;

  constructor(fetched: FetchedPartition, holding: Holding) {
    this.topic = fetched.topic;
    this.partition = fetched.partition;
    this.highWatermark = fetched.highWatermark;
    this.messages = fetched.records;
    this.fetched = fetched;
    this.holding = holding;
    this.seeks = holding.seeks;
  }

  toLogBatch(): LogBatch {
    const { topic, partition, highWatermark, records } = this.fetched;
    return { topic, partition, highWatermark, records };
  }

  // Asked by the runner before each batch. Positions are kept here and not there, so it learns nothing it would act upon.
  isEmpty = () => false;
  isEmptyDueToFiltering = () => false;
  firstOffset = () => '0';
  lastOffset = () => '0';
  offsetLag = () => '0';
  offsetLagLow = () => '0';
}
