import type { TaskScope } from '../task/scope.ts';

/**
 * Runs when the record being processed is done, once; at once where none is.
 *
 * For what a record has an occasion for and no part in: results of other keys, records that waited. Emitted there, each of them
 * that fails further down is put aside by itself; emitted while the record is processed, it would take the record and all that
 * comes after it along.
 */
export function afterRecord(scope: TaskScope, run: () => void): void {
  if (scope.received === null) {
    run();
    return;
  }
  // Due at once: stream time is looked at when the record is done. Once: it has no next time.
  const punctuation = scope.schedule(0, 'stream-time', () => {
    punctuation.cancel();
    run();
  });
}
