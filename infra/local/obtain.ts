/**
 * Folders of the cache that every checkout shares.
 *
 * Invariant: such a folder is whole or absent: it is filled beside its place and then renamed into it.
 */

import { mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { withLock } from './lock.ts';

export interface Artifact {
  readonly folder: string;
  /** What it is, and where it comes from. */
  readonly says: string;
  readonly fill: (folder: string) => Promise<void>;
}

const anotherBringsMs = 1_800_000;

/** Fills the folder, unless it is there. Errors: those of `fill`, TIMEOUT when another process is at it for half an hour. */
export async function obtain(
  { folder, says, fill }: Artifact,
  report: (line: string) => void,
): Promise<void> {
  if (await isThere(folder)) return;
  const onWait = (pid: number) => report(`waiting for process ${pid}, which brings ${says}`);
  await withLock({ path: `${folder}.lock`, waitMs: anotherBringsMs, onWait }, async () => {
    if (await isThere(folder)) return;
    report(`bringing ${says}, once for all checkouts`);
    const started = performance.now();
    const draft = await mkdtemp(`${folder}.draft-`);
    try {
      await fill(draft);
      await rename(draft, folder);
    } finally {
      await rm(draft, { recursive: true, force: true });
    }
    report(`brought ${says} into ${folder} in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  });
}

async function isThere(folder: string): Promise<boolean> {
  return (await stat(folder).catch(() => undefined))?.isDirectory() === true;
}
