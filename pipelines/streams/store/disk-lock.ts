/**
 * Who may use a directory of a store: one owner of one process.
 *
 * The lock is the operating system's, on a file that stays empty: it ends with the process, however that ends.
 */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { SluiceError } from '#errors';
import { diskError, isBusy } from './disk-errors.ts';

interface Held {
  readonly owner: object;
  /** Called when the same owner takes the directory again. */
  readonly evict: () => void;
}

/** Directories of this process: two handles of one process would not keep each other out by themselves. */
const held = new Map<string, Held>();

/** Returns what lets go of it, once. Errors: STORE_LOCKED, STORE_UNUSABLE. */
export function lockDirectory(directory: string, owner: object, evict: () => void): () => void {
  const mine = held.get(directory);
  if (mine && mine.owner !== owner)
    throw lockedError(directory, 'another member of the group in this process');
  mine?.evict();
  const lock = tryLock(directory);
  if (!lock) throw lockedError(directory, 'another process');
  const entry: Held = { owner, evict };
  held.set(directory, entry);
  return () => {
    if (held.get(directory) !== entry) return;
    held.delete(directory);
    lock.close();
  };
}

/** Runs `work` while nobody else can use the directory; false when somebody does. */
export function whileUnused(directory: string, work: () => void): boolean {
  if (held.has(directory)) return false;
  const lock = tryLock(directory);
  if (!lock) return false;
  try {
    work();
  } finally {
    lock.close();
  }
  return true;
}

/** Closes what an owner left open, of directories that are not to be kept. */
export function evictOthers(owner: object, isKept: (directory: string) => boolean): void {
  for (const [directory, mine] of [...held]) if (mine.owner === owner && !isKept(directory)) mine.evict();
}

/** null: somebody has it. */
function tryLock(directory: string): DatabaseSync | null {
  let lock: DatabaseSync | null = null;
  try {
    mkdirSync(directory, { recursive: true });
    lock = new DatabaseSync(join(directory, 'lock'), { timeout: 0 });
    // In its rollback mode, a transaction that writes nothing leaves the file empty and locked.
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock?.close();
    if (isBusy(error)) return null;
    throw diskError(directory, error);
  }
}

function lockedError(directory: string, by: string): SluiceError {
  return new SluiceError(
    'STORE_LOCKED',
    `${directory} is in use by ${by}: end it, or give each member a stateDir of its own`,
  );
}
