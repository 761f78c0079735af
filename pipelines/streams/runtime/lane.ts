/**
 * Tasks whose checkpoints are made durable together, while they go on processing.
 *
 * Owns: when outputs and checkpoints go out. Does not own: how (committer.ts), what happens to a record (task/task.ts).
 *
 * Invariants:
 * L1 A checkpoint is taken when the one before is committed, never earlier: between two marks of a task there are the changes
 *    of one checkpoint.
 * L2 Outputs go out in the order of processing, one send at a time; a checkpoint's own after those sent ahead of it.
 * L3 After a failure nothing is taken from the tasks any more.
 */

import type { Clock } from '../clock.ts';
import type { Task } from '../task/task.ts';
import type { Ahead, Committer, Part } from './committer.ts';

export interface LaneOptions {
  readonly tasks: readonly Task[];
  readonly committer: Committer;
  readonly clock: Pick<Clock, 'now'>;
  readonly commitIntervalMs: number;
  readonly maxBufferedOutputs: number;
  /** Something under way ended: there may be room, or something due. */
  onProgress(): void;
  onCommitted(parts: readonly Part[], tookMs: number): void;
  /** Once at most. */
  onFailed(error: unknown): void;
}

/** Outputs that are worth a request of their own before the checkpoint. */
const worthSending = 1_000;

export class Lane {
  readonly tasks: readonly Task[];
  readonly #options: LaneOptions;
  #sending: Promise<void> | null = null;
  #committing: Promise<void> | null = null;
  /** The checkpoint under way has written its outputs. */
  #written = false;
  #failed = false;
  #failure: unknown = null;
  /** `finish` was called, and tells of a failure itself. */
  #finishing = false;
  #lastMs: number;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.tasks = options.tasks;
    this.#lastMs = options.clock.now();
  }

  /** Whether its tasks have given, or changed, more than may wait; they are to process no more until `onProgress`. */
  get isFull(): boolean {
    const isFull = this.#failed || this.#outputCount >= this.#options.maxBufferedOutputs;
    return isFull || this.tasks.some(task => task.disks.isFull);
  }

  /** When the next checkpoint is due by time; not before the one under way has ended. */
  get dueMs(): number {
    if (this.#committing || this.#failed) return Number.POSITIVE_INFINITY;
    return this.#lastMs + this.#options.commitIntervalMs;
  }

  /** Starts what is due, and waits for none of it. Throws what keeps a task from making its checkpoint. */
  advance(): void {
    if (this.#failed) return;
    const isDue = () => this.#options.clock.now() >= this.dueMs || this.tasks.some(task => task.disks.isDue);
    if (!this.#committing && isDue()) this.#checkpoint();
    const isFree = !this.#sending && (!this.#committing || this.#written);
    if (isFree && this.#outputCount >= Math.min(worthSending, this.#options.maxBufferedOutputs))
      this.#sendAhead();
  }

  /**
   * A last checkpoint, after what is under way. Rejects when either fails, or did: then the tasks' effects may have been written
   * in part.
   */
  async finish(): Promise<void> {
    this.#finishing = true;
    await this.#sending;
    await this.#committing;
    if (!this.#failed) this.#checkpoint();
    await this.#committing;
    if (this.#failed) throw this.#failure;
  }

  /** Takes nothing any more, and resolves when nothing is under way, however it ended; then files are let go. */
  async abandon(): Promise<void> {
    this.#failed = true;
    await this.#sending;
    await this.#committing;
    for (const task of this.tasks) task.abandon();
  }

  get #outputCount(): number {
    let count = 0;
    for (const task of this.tasks) count += task.outputCount;
    return count;
  }

  #checkpoint(): void {
    const { committer, clock } = this.#options;
    const startMs = clock.now();
    this.#lastMs = startMs;
    const parts: Part[] = [];
    for (const task of this.tasks) {
      const checkpoint = task.checkpoint();
      if (checkpoint) parts.push({ task, checkpoint });
    }
    if (parts.length === 0) return;
    this.#written = false;
    const commit = async () => {
      await this.#sending;
      if (this.#failed) return;
      await committer.commit(parts, () => {
        this.#written = true;
        this.#options.onProgress();
      });
      this.#options.onCommitted(parts, clock.now() - startMs);
    };
    this.#committing = this.#underWay(commit, () => {
      this.#committing = null;
    });
  }

  #sendAhead(): void {
    const parts: Ahead[] = [];
    for (const task of this.tasks)
      if (task.outputCount > 0) parts.push({ task, outputs: task.takeOutputs() });
    this.#sending = this.#underWay(
      () => this.#options.committer.sendAhead(parts),
      () => {
        this.#sending = null;
      },
    );
  }

  /** Never rejects. */
  async #underWay(work: () => Promise<void>, ended: () => void): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!this.#failed) {
        this.#failed = true;
        this.#failure = error;
        if (!this.#finishing) this.#options.onFailed(error);
      }
    }
    ended();
    this.#options.onProgress();
  }
}
