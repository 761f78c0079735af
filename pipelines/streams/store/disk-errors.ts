import { SluiceError } from '#errors';

/** What SQLite throws. */
interface SqliteError extends Error {
  /** https://sqlite.org/rescode.html; extended codes have the primary one in their low byte. */
  readonly errcode: number;
}

const busy = 5;
/** Of the machine, not of the files: permission, no memory, read-only, I/O, full, cannot open. */
const unusable: ReadonlySet<number> = new Set([3, 7, 8, 10, 13, 14]);

export const isSqlite = (error: unknown): error is SqliteError =>
  error instanceof Error && typeof (error as Partial<SqliteError>).errcode === 'number';

export const isBusy = (error: unknown): boolean => isSqlite(error) && (error.errcode & 0xff) === busy;

/** Files that say what cannot be: they are thrown away. */
export function corruptFiles(directory: string, why: string, cause?: unknown): SluiceError {
  return new SluiceError(
    'STORE_CORRUPT',
    `${directory} is corrupt (${why}); it is deleted, and rebuilt from the changelog`,
    { cause },
  );
}

/**
 * An error of the catalogue for what went wrong with the files: what is neither the machine's fault nor the database's own error is
 * a row that cannot be, since a damaged one may hold anything.
 */
export function diskError(directory: string, error: unknown): SluiceError {
  if (error instanceof SluiceError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const isOfSystem = error instanceof Error && 'syscall' in error;
  const isOfMachine = isSqlite(error) ? unusable.has(error.errcode & 0xff) : isOfSystem;
  if (!isOfMachine) return corruptFiles(directory, message, error);
  return new SluiceError(
    'STORE_UNUSABLE',
    `${directory} cannot be read or written (${message}): give the process a state directory on a disk that has room and lets it write`,
    { cause: error },
  );
}
