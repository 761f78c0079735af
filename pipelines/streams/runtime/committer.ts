import type { TopicPartitionOffset } from '#kafka';
import type { Checkpoint } from '../task/checkpoint.ts';
import type { Task } from '../task/task.ts';

export interface Part {
  readonly task: Task;
  readonly checkpoint: Checkpoint;
}

/** How checkpoints are made durable: one delivery guarantee each. */
export interface Committer {
  /** Tasks about to be restored; before their committed offsets are looked up. */
  open(tasks: readonly Task[]): Promise<void>;
  /**
   * Makes checkpoints durable, and tells their tasks. When it rejects, the tasks' effects may have been written in part: they
   * must be restored. `again` tries a step anew while that is no harm.
   */
  commit(parts: readonly Part[], again: <T>(step: () => Promise<T>) => Promise<T>): Promise<void>;
  /** Idempotent. */
  close(): Promise<void>;
}

export const offsetsOf = (parts: readonly Part[]): readonly TopicPartitionOffset[] =>
  parts.flatMap(({ checkpoint }) => checkpoint.offsets);
