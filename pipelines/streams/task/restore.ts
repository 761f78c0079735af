/** State from a log: which changes count, and what becomes of those that do not. See docs/semantics.md, S5. */

import type { LogRecord } from '#kafka';
import { type Counters, counted } from '../counters.ts';
import type { Changelog } from '../store/store.ts';
import type { Mark } from './checkpoint.ts';

/** Where the changes that count end: those after it belong to a checkpoint that was never completed. */
export function endOf(mark: Mark | null, changelog: string): number {
  if (!mark) return 0;
  return mark.changelogs === null ? Number.POSITIVE_INFINITY : (mark.changelogs[changelog] ?? 0);
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
