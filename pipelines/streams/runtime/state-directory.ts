/**
 * What tasks left behind in the state directory: closed when the task is elsewhere, deleted when it stays away.
 *
 * Shape: `<path>/<application>/<task>/<store>/`.
 */

import { existsSync, readdirSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { classify } from '#errors';
import { evictOthers, whileUnused } from '../store/disk-lock.ts';
import { directoryOf } from '../task/disks.ts';
import type { StreamsLogger } from './streams-options.ts';

/** As long a task may be elsewhere, and find its files when it comes back. */
const staleAfterMs = 600_000;

export interface TidyOptions {
  readonly path: string;
  readonly applicationId: string;
  /** Whose files may be closed. */
  readonly owner: object;
  /** Ids of tasks of this process. */
  readonly held: ReadonlySet<string>;
  readonly nowMs: number;
  readonly logger: StreamsLogger;
}

/** Lets go of files that tasks which are not here any more left open, and deletes what was not used for ten minutes. */
export function tidyState({ path, applicationId, owner, held, nowMs, logger }: TidyOptions): void {
  const directory = directoryOf(path, applicationId);
  if (!existsSync(directory)) return;
  evictOthers(owner, store => held.has(taskOf(directory, store)));
  const found = foldersIn(directory).map(taskId => ({ taskId, usedAtMs: usedAtMs(join(directory, taskId)) }));
  for (const taskId of staleTasks(found, { held, nowMs })) {
    try {
      remove(join(directory, taskId));
    } catch (error) {
      const { message } = classify(error);
      logger.warn({ taskId }, `Files of task ${taskId}, which is elsewhere, were not deleted: ${message}`);
    }
  }
}

interface Left {
  readonly taskId: string;
  /** When its files changed last. */
  readonly usedAtMs: number;
}

/** Tasks whose files are to be deleted. */
export function staleTasks(
  left: readonly Left[],
  { held, nowMs }: Pick<TidyOptions, 'held' | 'nowMs'>,
): readonly string[] {
  return left
    .filter(({ taskId, usedAtMs }) => !held.has(taskId) && nowMs - usedAtMs >= staleAfterMs)
    .map(({ taskId }) => taskId);
}

/** What another process has open stays. */
function remove(directory: string): void {
  for (const store of foldersIn(directory)) {
    const path = join(directory, store);
    whileUnused(path, () => rmSync(path, { recursive: true }));
  }
  if (readdirSync(directory).length === 0) rmdirSync(directory);
}

/** The task that a store's directory is of. */
const taskOf = (directory: string, store: string): string =>
  store.startsWith(`${directory}/`) ? store.slice(directory.length + 1).split('/')[0]! : '';

function usedAtMs(directory: string): number {
  const files = foldersIn(directory).flatMap(store =>
    readdirSync(join(directory, store)).map(name => join(directory, store, name)),
  );
  const times = files.map(path => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0);
  return Math.max(statSync(directory).mtimeMs, ...times);
}

const foldersIn = (directory: string): readonly string[] =>
  readdirSync(directory, { withFileTypes: true })
    .filter(entry => entry.isDirectory())
    .map(({ name }) => name);
