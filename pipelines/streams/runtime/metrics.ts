import type { TopicPartition } from '#kafka';
import { Recent, type RecentFigures } from '../observe/recent.ts';
import { stopwatchMs } from '../observe/stopwatch.ts';
import type { StoreMetrics } from '../observe/store-metrics.ts';
import type { TaskFigures } from '../observe/task-measures.ts';
import type { RestoreProgress } from './restore-task.ts';

/** Of a partition read by this process. */
export interface PartitionLag extends TopicPartition {
  /** Records between the position and the end that the broker last told. */
  readonly lag: number;
}

export interface CommitMetrics {
  readonly count: number;
  readonly lastMs: number;
  readonly maxMs: number;
  readonly totalMs: number;
  readonly recent: RecentFigures;
}

export interface StreamsMetrics {
  /** See `counted`, and what processors count themselves. */
  readonly counters: Readonly<Record<string, number>>;
  readonly commits: CommitMetrics;
  /** Times that tasks were rebuilt after a failure. */
  readonly restarts: number;
  readonly tasks: readonly string[];
  /** Tasks of others that a copy is kept of here. */
  readonly standbys: readonly string[];
  /** Sum over the partitions. */
  readonly lag: number;
  /** Of all tasks that ever were here, by id: their totals never go back. */
  readonly measured: readonly TaskFigures[];
  readonly stores: readonly StoreMetrics[];
  /** Stores that are being restored now. */
  readonly restoring: readonly RestoreProgress[];
}

export class CommitTimer {
  readonly #recent = new Recent();
  #metrics: Omit<CommitMetrics, 'recent'> = { count: 0, lastMs: 0, maxMs: 0, totalMs: 0 };

  add(ms: number): void {
    const { count, maxMs, totalMs } = this.#metrics;
    this.#metrics = { count: count + 1, lastMs: ms, maxMs: Math.max(maxMs, ms), totalMs: totalMs + ms };
    this.#recent.add(stopwatchMs(), 1, ms);
  }

  get metrics(): CommitMetrics {
    return { ...this.#metrics, recent: this.#recent.figures(stopwatchMs()) };
  }
}
