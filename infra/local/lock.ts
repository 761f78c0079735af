import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SluiceError } from '#errors';
import { identifySelf, isRunning, type ProcessIdentity } from './process-identity.ts';

export interface LockOptions {
  /** Path of the lock file; its folder is made. */
  readonly path: string;
  readonly waitMs: number;
  /** Called once when another process holds it. */
  readonly onWait?: (holderPid: number) => void;
}

const lookAgainMs = 100;

/**
 * Runs the work while no other process that asks for the same path runs its own. The lock of a process that died is taken over.
 * Errors: TIMEOUT when the holder does not let go in time; those of the work.
 */
export async function withLock<T>({ path, waitMs, onWait }: LockOptions, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  const deadline = performance.now() + waitMs;
  let told = false;
  while (!(await take(path))) {
    const holder = await holderOf(path);
    if (holder !== undefined && !(await isRunning(holder))) {
      await breakLock(path, holder);
      continue;
    }
    if (holder !== undefined && !told) {
      told = true;
      onWait?.(holder.pid);
    }
    if (performance.now() > deadline) {
      throw new SluiceError(
        'TIMEOUT',
        `Another process (pid ${holder?.pid ?? 'unknown'}) has held ${path} for ${waitMs / 1000} s; wait for it, or end it and try again`,
      );
    }
    await sleep(lookAgainMs);
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

/** Written elsewhere and then linked, so that whoever sees the lock sees its holder too. */
async function take(path: string): Promise<boolean> {
  const draft = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  await writeFile(draft, JSON.stringify(await identifySelf()));
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

async function holderOf(path: string): Promise<ProcessIdentity | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Two may find the same dead holder at once: what was moved away is put back when it is no longer the dead one's. */
async function breakLock(path: string, dead: ProcessIdentity): Promise<void> {
  const aside = `${path}.${process.pid}.broken`;
  try {
    await rename(path, aside);
    const moved = await holderOf(aside);
    if (moved?.pid !== dead.pid || moved.startedAt !== dead.startedAt)
      await link(aside, path).catch(() => {});
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  } finally {
    await rm(aside, { force: true });
  }
}
