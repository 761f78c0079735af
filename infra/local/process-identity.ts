/**
 * Which process a number meant.
 *
 * Invariant: a pid alone is never believed. It counts together with when that process started, so that a number the
 * system has given to another process since is not mistaken for ours.
 */

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

export interface ProcessIdentity {
  readonly pid: number;
  /** Opaque; equal for the same process only. */
  readonly startedAt: string;
}

const run = promisify(execFile);
const lookAgainMs = 50;

/** Undefined when no such process runs (a zombie does not run). */
export async function identify(pid: number): Promise<ProcessIdentity | undefined> {
  const startedAt = process.platform === 'linux' ? await startOnLinux(pid) : await startByPs(pid);
  return startedAt === undefined ? undefined : { pid, startedAt };
}

export async function identifySelf(): Promise<ProcessIdentity> {
  return (await identify(process.pid)) ?? { pid: process.pid, startedAt: 'unknown' };
}

export async function isRunning(identity: ProcessIdentity): Promise<boolean> {
  return (await identify(identity.pid))?.startedAt === identity.startedAt;
}

/**
 * Asks the process to end, and ends it by force when it has not after the limit. Resolves when it is gone; at once when
 * it is gone already or the number means another process by now.
 */
export async function endProcess(
  identity: ProcessIdentity,
  graceMs: number,
): Promise<'ended' | 'killed' | 'gone'> {
  if (!(await signal(identity, 'SIGTERM'))) return 'gone';
  if (await isGoneWithin(identity, graceMs)) return 'ended';
  await signal(identity, 'SIGKILL');
  while (!(await isGoneWithin(identity, 1_000)));
  return 'killed';
}

async function signal(identity: ProcessIdentity, name: 'SIGTERM' | 'SIGKILL'): Promise<boolean> {
  if (!(await isRunning(identity))) return false;
  try {
    return process.kill(identity.pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

async function isGoneWithin(identity: ProcessIdentity, limitMs: number): Promise<boolean> {
  const deadline = performance.now() + limitMs;
  while (await isRunning(identity)) {
    if (performance.now() > deadline) return false;
    await sleep(lookAgainMs);
  }
  return true;
}

/** Clock ticks since boot, with the boot they count from. */
async function startOnLinux(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  if (stat === undefined) return undefined;
  // The second field is the program's name in parentheses and may hold anything, spaces and parentheses too.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, ticks] = [fields[0], fields[19]];
  if (state === 'Z' || state === 'X') return undefined;
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  return `${boot.trim()}/${ticks}`;
}

async function startByPs(pid: number): Promise<string | undefined> {
  try {
    const { stdout } = await run('ps', ['-o', 'stat=,lstart=', '-p', String(pid)]);
    const text = stdout.trim();
    return text === '' || text.startsWith('Z') ? undefined : text.replace(/^\S+\s+/, '');
  } catch {
    return undefined;
  }
}
