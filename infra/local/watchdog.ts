import { spawn } from 'node:child_process';
import { join } from 'node:path';

export interface Watchdog {
  /** From here on the process is killed when this one ends, also by SIGKILL. */
  watch(pid: number): void;
  /** The process has ended by itself: its number may soon mean another. */
  forget(pid: number): void;
  /** Kills what is watched and removes the folder, if it was given one. Resolves when that is done. */
  release(): Promise<void>;
}

/**
 * Ties processes, and a temporary folder, to the life of this process. No handler for exit, signals or exceptions is
 * needed, and none could do it: nothing runs in a process that is killed with SIGKILL.
 */
export function startWatchdog(folder?: string): Watchdog {
  const child = spawn('/bin/sh', [join(import.meta.dirname, 'watchdog.sh'), folder ?? ''], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  child.unref();
  // Writing to a watchdog that somebody killed must not take this process down.
  child.stdin.on('error', () => {});
  (child.stdin as unknown as { unref(): void }).unref();
  const ended = new Promise<void>(resolve => {
    child.once('close', () => resolve());
    child.once('error', () => resolve());
  });
  return {
    watch: pid => void child.stdin.write(`+${pid}\n`),
    forget: pid => void child.stdin.write(`-${pid}\n`),
    release() {
      child.ref();
      child.stdin.end();
      return ended;
    },
  };
}
