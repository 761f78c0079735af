import type { OutgoingRecord, TopicPartitionOffset } from '#kafka';
import type { Checkpoint, Outputs } from '../task/checkpoint.ts';
import type { Task } from '../task/task.ts';

export interface Part {
  readonly task: Task;
  readonly checkpoint: Checkpoint;
}

/** What a task gave out before its checkpoint. */
export interface Ahead {
  readonly task: Task;
  readonly outputs: Outputs;
}

/**
 * How outputs and checkpoints are made durable: one delivery guarantee each. When anything rejects, effects may have been
 * written in part: the tasks must be restored, and nothing more may be asked for them.
 */
export interface Committer {
  /** Whether all tasks share each checkpoint, or each makes its own. */
  readonly together: boolean;
  /** Tasks that are about to be restored; before their committed offsets are looked up. */
  open(tasks: readonly Task[]): Promise<void>;
  /** Writes outputs of the checkpoint to come. */
  sendAhead(parts: readonly Ahead[]): Promise<void>;
  /**
   * Makes checkpoints durable, and tells their tasks. `onWritten`: when outputs of the next ones may be sent ahead, where that
   * is before the end.
   */
  commit(parts: readonly Part[], onWritten: () => void): Promise<void>;
  /** Idempotent. */
  close(): Promise<void>;
}

export const offsetsOf = (parts: readonly Part[]): readonly TopicPartitionOffset[] =>
  parts.flatMap(({ checkpoint }) => checkpoint.offsets);

export const outputsOf = ({ outputs, causes }: Checkpoint): Outputs => ({ records: outputs, causes });

export function concat(all: readonly Outputs[]): Outputs {
  if (all.length === 1) return all[0]!;
  return { records: all.flatMap(({ records }) => records), causes: all.flatMap(({ causes }) => causes) };
}

/** Names whose records a send was of, for messages. */
export const topicsOf = (records: readonly OutgoingRecord[]): string =>
  [...new Set(records.map(({ topic }) => topic))].join(', ');

/** Resolves when all have, rejects with the first error only when none is under way any more. */
export async function allOf<T extends readonly unknown[]>(
  works: readonly [...{ [I in keyof T]: Promise<T[I]> }],
): Promise<T> {
  const settled = await Promise.allSettled(works);
  for (const each of settled) if (each.status === 'rejected') throw each.reason;
  return settled.map(each => (each as PromiseFulfilledResult<unknown>).value) as unknown as T;
}
