/**
 * The folder of one run: the same path on the host and in the guest.
 *
 * Owns: its layout, its name (owner's pid and start time), sweeping what dead owners left.
 * Invariant: a folder whose owner lives is never removed by another process.
 */

import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';

const prefix = 'sluice-guest-';

export interface RunFolder {
  readonly path: string;
  /** For the files of whoever uses the guest. */
  readonly shared: string;
  readonly jobs: string;
  /** Unix socket that QEMU connects to. */
  readonly socket: string;
  readonly console: string;
}

export async function makeRunFolder(parent: string = tmpdir()): Promise<RunFolder> {
  await sweep(parent);
  const owner = `${process.pid}-${await startTicks(process.pid)}`;
  const path = join(parent, `${prefix}${owner}-${randomBytes(3).toString('hex')}`);
  await mkdir(path, { mode: 0o700 });
  const folder = {
    path,
    shared: join(path, 'shared'),
    jobs: join(path, 'jobs'),
    socket: join(path, 'line'),
    console: join(path, 'console'),
  };
  await mkdir(folder.shared);
  await mkdir(folder.jobs);
  return folder;
}

/** Removes the folders of processes that ended without doing it (killed with -9). */
export async function sweep(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const owner = new RegExp(`^${prefix}(\\d+)-(\\d+)-`).exec(name);
    if (owner === null || (await startTicks(Number(owner[1]))) === owner[2]) continue;
    await rm(join(parent, name), { recursive: true, force: true });
  }
}

/** When a process started, in the kernel's ticks: with the pid it names the process for good. Undefined when it is gone. */
async function startTicks(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => undefined);
  // The program's name, in brackets, may hold spaces: fields count from the last bracket.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}
