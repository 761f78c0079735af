import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import type { CountingArguments } from './counting.ts';

/** A process that counts. */
export interface Application {
  readonly child: ChildProcess;
  /** Resolves when records flow; never, when it ends before. */
  readonly started: Promise<void>;
  readonly ended: Promise<unknown>;
  /** The end of what it complained about. */
  complaint(): string;
  /** Ends it in order, and resolves with its counters. */
  close(): Promise<Readonly<Record<string, number>>>;
}

const program = fileURLToPath(new URL('./counting.ts', import.meta.url));
const keptBytes = 2_000;

export function launch(setup: CountingArguments): Application {
  const child = spawn(process.execPath, [program, JSON.stringify(setup)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { out: '', error: '' };
  const started = Promise.withResolvers<void>();
  child.stdout.on('data', (bytes: Buffer) => {
    said.out += bytes.toString();
    if (said.out.startsWith('started')) started.resolve();
  });
  child.stderr.on('data', (bytes: Buffer) => {
    said.error = (said.error + bytes.toString()).slice(-keptBytes);
  });
  const ended = once(child, 'close');
  return {
    child,
    started: started.promise,
    ended,
    complaint: () => said.error,
    async close() {
      child.kill('SIGTERM');
      await ended;
      const last = said.out.trim().split('\n').at(-1) ?? '';
      if (!last.startsWith('{')) throw new Error(`a process ended without a word: ${said.error}`);
      return JSON.parse(last);
    },
  };
}
