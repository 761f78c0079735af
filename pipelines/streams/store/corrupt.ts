import { SluiceError } from '#errors';
import type { LogRecord } from '#kafka';
import { placeOf } from '../record.ts';

/** A record of a changelog that no store can be made of. */
export function corruptChange(store: string, record: LogRecord, why: string, cause?: unknown): SluiceError {
  return new SluiceError(
    'STORE_CORRUPT',
    `store ${store}: ${placeOf(record)} of its changelog cannot be restored (${why}); delete the application's changelog and checkpoint topics and read its input from the start`,
    { cause },
  );
}

/** What `read` gives. Errors: STORE_CORRUPT, where it throws. */
export function readChange<T>(store: string, record: LogRecord, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw corruptChange(store, record, error instanceof Error ? error.message : String(error), error);
  }
}
