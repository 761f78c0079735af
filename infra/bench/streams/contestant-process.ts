/**
 * A contestant while it runs.
 *
 * Owns: the child, the lines it says, what it has used. Invariant: it ends with the bench, however the bench ends.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { SluiceError } from '#errors';
import type { Watchdog } from '../../local/watchdog.ts';
import type { Contestant } from './contestants.ts';
import { cpuSecondsOf, peakBytesOf } from './process-use.ts';
import { type ContestantEvent, type ContestantSetup, parseEvent } from './setup.ts';

export interface Usage {
  readonly peakRssBytes: number;
  readonly cpuSeconds: number;
}

const shownLines = 15;
const endsWithinMs = 20_000;

export class ContestantProcess {
  readonly startedMs: number;
  readonly #name: string;
  readonly #child: ChildProcess;
  readonly #said: string[] = [];
  readonly #ended: Promise<string>;
  readonly #events = {
    running: Promise.withResolvers<number>(),
    first: Promise.withResolvers<number>(),
  } satisfies Record<ContestantEvent['event'], PromiseWithResolvers<number>>;

  constructor(contestant: Contestant, setup: ContestantSetup, watchdog: Pick<Watchdog, 'watch' | 'forget'>) {
    const { file, args } = contestant.command(setup);
    this.#name = contestant.name;
    this.startedMs = Date.now();
    this.#child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    const { pid, stdin, stdout, stderr } = this.#child;
    if (pid !== undefined) watchdog.watch(pid);
    // Writing the end to one that has died already is no trouble.
    stdin!.on('error', () => {});
    createInterface({ input: stdout! }).on('line', line => this.#hear(line));
    createInterface({ input: stderr! }).on('line', line => void this.#said.push(line));
    this.#ended = new Promise(resolve => {
      this.#child.once('error', error => resolve(error.message));
      this.#child.once('close', (code, signal) => {
        if (pid !== undefined) watchdog.forget(pid);
        resolve(`exit ${code ?? signal}`);
      });
    });
    for (const event of Object.values(this.#events)) event.promise.catch(() => {});
    void this.#ended.then(how => {
      for (const event of Object.values(this.#events)) event.reject(this.#died(how));
    });
  }

  /** Resolves with its own time of the event. Errors: UNREACHABLE with what it said, when it ends before; TIMEOUT. */
  async heard(event: ContestantEvent['event'], withinMs: number): Promise<number> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () =>
          reject(
            new SluiceError(
              'TIMEOUT',
              `${this.#name} did not say "${event}" in ${withinMs / 1000} s. ${this.#tail()}`,
            ),
          ),
        withinMs,
      );
    });
    try {
      return await Promise.race([this.#events[event].promise, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Errors: UNREACHABLE with what it said, when it has ended. */
  requireAlive(): void {
    const { exitCode, signalCode, pid } = this.#child;
    if (pid === undefined || exitCode !== null || signalCode !== null)
      throw this.#died(`exit ${exitCode ?? signalCode}`);
  }

  /** So far. Errors: UNREACHABLE when it has ended. */
  async usage(): Promise<Usage> {
    this.requireAlive();
    const pid = this.#child.pid!;
    return { peakRssBytes: await peakBytesOf(pid), cpuSeconds: await cpuSecondsOf(pid) };
  }

  /** Lets it close in order; kills it when it takes long. Resolves when it is gone. */
  async dismiss(): Promise<void> {
    this.#child.stdin?.end();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), endsWithinMs);
    await this.#ended;
    clearTimeout(timer);
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  #hear(line: string): void {
    const event = parseEvent(line);
    if (event) this.#events[event.event]?.resolve(event.atMs);
    else this.#said.push(line);
  }

  #died(how: string): SluiceError {
    return new SluiceError('UNREACHABLE', `${this.#name} ended by itself (${how}). ${this.#tail()}`);
  }

  #tail(): string {
    return this.#said.length === 0
      ? 'It said nothing'
      : `It said:\n${this.#said.slice(-shownLines).join('\n')}`;
  }
}
