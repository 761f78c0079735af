/**
 * Has tasks process what is buffered, and lets the event loop turn in between.
 *
 * Owns: whose turn it is, and how far reading may run ahead. Does not own: tasks; `take` says which there are.
 *
 * Invariants:
 * U1 A task is touched here by synchronous code only, and not at all once it was taken away.
 * U2 Reading waits while a batch is not half processed: at most one and a half of them are buffered per partition.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Input } from '../task/inputs.ts';
import type { Lane } from './lane.ts';

export interface PumpOptions {
  readonly signal: AbortSignal;
  onFailed(error: unknown): void;
}

interface Waiting {
  readonly input: Input;
  readonly limit: number;
  isStale(): boolean;
  proceed(): void;
}

/** Records of a task between two looks at the others, and at the event loop. */
const sliceRecords = 500;

export class Pump {
  readonly #options: PumpOptions;
  #lanes: readonly Lane[] = [];
  #waiting: Waiting[] = [];
  #wake = Promise.withResolvers<void>();
  #isAwake = false;

  constructor(options: PumpOptions) {
    this.#options = options;
    options.signal.addEventListener('abort', () => this.wake());
  }

  /** From now on it has these tasks, and no others. */
  take(lanes: readonly Lane[]): void {
    this.#lanes = lanes;
    this.wake();
  }

  /** There may be something to do. */
  wake(): void {
    this.#isAwake = true;
    this.#wake.resolve();
  }

  /** Resolves when there is room for another batch like the one just buffered, or it is not wanted any more. */
  async room(input: Input, batch: { readonly size: number; isStale(): boolean }): Promise<void> {
    this.wake();
    const limit = Math.floor(batch.size / 2);
    if (input.buffered <= limit) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push({ input, limit, isStale: () => batch.isStale(), proceed: resolve });
    await promise;
  }

  /** Runs until the signal. */
  async run(): Promise<void> {
    const { signal, onFailed } = this.#options;
    while (!signal.aborted) {
      this.#isAwake = false;
      let didSomething = false;
      try {
        didSomething = this.#turn();
      } catch (error) {
        onFailed(error);
      }
      this.#release();
      if (didSomething) {
        await nextTurn();
      } else if (!this.#isAwake) {
        this.#wake = Promise.withResolvers();
        await this.#wake.promise;
      }
    }
    for (const { proceed } of this.#waiting.splice(0)) proceed();
  }

  #turn(): boolean {
    let done = 0;
    for (const lane of this.#lanes) {
      for (const task of lane.tasks) if (!lane.isFull && task.hasInput) done += task.process(sliceRecords);
      lane.advance();
    }
    return done > 0;
  }

  #release(): void {
    if (this.#waiting.length === 0) return;
    const still: Waiting[] = [];
    for (const each of this.#waiting) {
      if (each.input.buffered <= each.limit || each.isStale()) each.proceed();
      else still.push(each);
    }
    this.#waiting = still;
  }
}
