/** State from a log: which changes count, and what becomes of those that do not. See docs/semantics.md, S27. */

import type { LogRecord, PartitionRange } from '#kafka';
import { type Counters, counted } from '../counters.ts';
import type { StoreDisk } from '../store/disk.ts';
import type { Changelog } from '../store/store.ts';
import type { Mark } from './checkpoint.ts';
import type { Task } from './task.ts';

/** Where the changes that count end: those after it belong to a checkpoint that was never completed. */
export function endOf(mark: Mark | null, changelog: string): number {
  if (!mark) return 0;
  return mark.changelogs === null ? Number.POSITIVE_INFINITY : (mark.changelogs[changelog] ?? 0);
}

/** A part of a store's changelog that is to be read. */
export interface RestorePlan {
  /** Of the first record that the store lacks. */
  readonly from: number;
  /** Where what counts ends. */
  readonly end: number;
}

/**
 * Opens what a store kept, and says what it lacks; each step is a slice of work. Errors: STORE_LOCKED, STORE_UNUSABLE.
 */
export function* planRestore(
  disk: StoreDisk | null,
  mark: Mark | null,
  { topic, earliest, latest }: Pick<PartitionRange, 'topic' | 'earliest' | 'latest'>,
): Generator<void, RestorePlan> {
  const end = Math.min(endOf(mark, topic), latest);
  if (!disk) return { from: earliest, end };
  const from = yield* disk.recover({ id: mark?.history ?? null, earliest, end });
  return { from: Math.max(from, earliest), end };
}

/** Opens the files of stores that have no changelog, and hence begin empty. */
export function* recoverUnlogged(task: Pick<Task, 'stores'>): Generator<void, void> {
  for (const { disk, changelog } of task.stores.values())
    if (disk && !changelog) yield* disk.recover({ id: null, earliest: 0, end: 0 });
}

/** Takes records of a changelog over, in order. */
export function restoreRecords(
  changelog: Changelog,
  records: readonly LogRecord[],
  { end, counters }: { readonly end: number; readonly counters: Counters },
): void {
  let restored = 0;
  for (const record of records) {
    if (record.offset < end) {
      changelog.restore(record);
      restored += 1;
    } else {
      changelog.rewrite(record);
    }
  }
  counters.add(counted.restored, restored);
  counters.add(counted.discarded, records.length - restored);
}
