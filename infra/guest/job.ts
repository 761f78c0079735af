/**
 * One command in the guest, from the host's side.
 *
 * Invariant: `exited` settles exactly once: with the exit code, or with the error that ended the guest.
 */

import { join } from 'node:path';
import { Output } from './output.ts';

/** A command that runs on in the guest. */
export interface GuestProcess {
  /** The guest's pid of its shell; of the program itself when the command begins with `exec`. Also its process group. */
  readonly pid: number;
  /** The exit code, 128 + signal when a signal ended it. Rejects when the guest stops first. */
  readonly exited: Promise<number>;
  /** All it printed so far, standard output and error together. */
  output(): string;
  /** Sends a signal to the whole process group. */
  kill(signal?: 'TERM' | 'KILL' | 'INT' | 'HUP' | 'USR1'): void;
}

export class Job {
  readonly id: number;
  readonly output: Output;
  readonly started = Promise.withResolvers<number>();
  readonly exited = Promise.withResolvers<number>();

  constructor(id: number, folder: string, onOutput?: (text: string) => void) {
    this.id = id;
    this.output = new Output(join(folder, 'output'), onOutput);
    // Whoever asks gets the rejection; one that nobody asked for must not end the process.
    this.started.promise.catch(() => {});
    this.exited.promise.catch(() => {});
  }

  onStarted(pid: number): void {
    this.started.resolve(pid);
    this.output.follow();
  }

  async onExited(code: number): Promise<void> {
    await this.output.finish();
    this.exited.resolve(code);
  }

  async onGuestEnd(error: Error): Promise<void> {
    this.started.reject(error);
    await this.output.finish();
    this.exited.reject(error);
  }
}
