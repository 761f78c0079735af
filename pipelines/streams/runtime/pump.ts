/**
 * Has tasks process what is buffered, and lets the event loop turn in between.
 *
 * Owns: whose turn it is, and how far reading may run ahead. Does not own: tasks; `take` says which there are.
 *
 * Invariants:
 * U1 A task is touched here by synchronous code only, and not at all once it was taken away.
 * U2 Reading waits while a batch is not half processed: at most one and a half of them are buffered per partition. It waits in the
 *    handler, unless the task needs records of another partition first: then that one must go on being read, and this one is
 *    held back instead.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { TopicPartition } from '#kafka';
import type { Clock } from '../clock.ts';
import type { Input } from '../task/inputs.ts';
import type { Task } from '../task/task.ts';
import type { Lane } from './lane.ts';

export interface PumpOptions {
  readonly clock: Pick<Clock, 'now'>;
  readonly signal: AbortSignal;
  onFailed(error: unknown): void;
  /** Nothing more of it is to be read, or again. */
  holdBack(partition: TopicPartition, isHeld: boolean): void;
}

interface Buffered {
  readonly task: Task;
  readonly input: Input;
  /** With so many records left there is room. */
  readonly limit: number;
}

interface Waiting extends Buffered {
  isStale(): boolean;
  proceed(): void;
}

/** Records of a task between two looks at the others, and at the event loop: so many, unless they take too long. */
const sliceRecords = 500;
const pieceRecords = 100;
const longestSliceMs = 10;

export class Pump {
  readonly #options: PumpOptions;
  #lanes: readonly Lane[] = [];
  #waiting: Waiting[] = [];
  /** Partitions that are not read until there is room. */
  #heldBack: Buffered[] = [];
  #isPaused = false;
  #wake = Promise.withResolvers<void>();
  #isAwake = false;

  constructor(options: PumpOptions) {
    this.#options = options;
    options.signal.addEventListener('abort', () => this.wake());
  }

  /** From now on it has these tasks, and no others. */
  take(lanes: readonly Lane[]): void {
    this.#lanes = lanes;
    for (const { task, input } of this.#heldBack.splice(0)) this.#holdBack(task, input, false);
    this.wake();
  }

  /** When the next checkpoint is due by time. */
  get nextDueMs(): number {
    return Math.min(...this.#lanes.map(({ dueMs }) => dueMs));
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Nothing is processed while it is paused; what was, is still committed. */
  set isPaused(isPaused: boolean) {
    this.#isPaused = isPaused;
    this.wake();
  }

  /** There may be something to do. */
  wake(): void {
    this.#isAwake = true;
    this.#wake.resolve();
  }

  /** Resolves when there is room for another batch like the one just buffered, or it is not wanted any more. */
  async room(task: Task, input: Input, batch: { readonly size: number; isStale(): boolean }): Promise<void> {
    this.wake();
    const limit = Math.floor(batch.size / 2);
    if (input.buffered <= limit) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push({ task, input, limit, isStale: () => batch.isStale(), proceed: resolve });
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
      for (const task of lane.tasks)
        if (!this.#isPaused && !lane.isFull && task.hasInput) done += this.#slice(task);
      lane.advance();
    }
    return done > 0;
  }

  #slice(task: Task): number {
    const { clock } = this.#options;
    const untilMs = clock.now() + longestSliceMs;
    let done = 0;
    while (done < sliceRecords) {
      const processed = task.process(pieceRecords);
      done += processed;
      if (processed < pieceRecords || task.disks.isFull || clock.now() >= untilMs) break;
    }
    return done;
  }

  #release(): void {
    if (this.#waiting.length > 0) this.#waiting = this.#waiting.filter(each => !this.#isReleased(each));
    if (this.#heldBack.length === 0) return;
    this.#heldBack = this.#heldBack.filter(({ task, input, limit }) => {
      if (input.buffered > limit) return true;
      this.#holdBack(task, input, false);
      return false;
    });
  }

  #isReleased(each: Waiting): boolean {
    const { task, input, limit } = each;
    if (input.buffered > limit && !each.isStale()) {
      if (!task.isWaiting && !this.#isPaused) return false;
      if (!this.#isPaused) {
        this.#heldBack.push({ task, input, limit });
        this.#holdBack(task, input, true);
      }
    }
    each.proceed();
    return true;
  }

  #holdBack({ partition }: Task, { topic }: Input, isHeld: boolean): void {
    this.#options.holdBack({ topic, partition }, isHeld);
  }
}
