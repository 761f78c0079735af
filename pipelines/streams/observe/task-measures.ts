/**
 * What the tasks of one id have measured, one after the other: no total ever goes back because a task moved.
 *
 * Owns: totals and recent figures. Does not own: when they are taken, which is per slice and per checkpoint and never per
 * record, except for what came out of order.
 */

import type { OutgoingRecord } from '#kafka';
import { Latency, type LatencyFigures } from './latency.ts';
import { Recent, type RecentFigures } from './recent.ts';
import { stopwatchMs } from './stopwatch.ts';

export interface TaskFigures {
  readonly taskId: string;
  readonly records: number;
  readonly processMs: number;
  readonly recent: RecentFigures;
  /** Records that were older than stream time, and by how much. */
  readonly disordered: { readonly count: number; readonly sumMs: number; readonly maxMs: number };
  readonly punctuations: number;
  readonly punctuateMs: number;
  /** How old outputs are when they are handed over to be sent. */
  readonly endToEnd: LatencyFigures;
}

export class TaskMeasures {
  readonly taskId: string;
  readonly #recent = new Recent();
  readonly #endToEnd = new Latency();
  #records = 0;
  #processMs = 0;
  #punctuations = 0;
  #punctuateMs = 0;
  #disordered = 0;
  #disorderMs = 0;
  #mostDisorderMs = 0;

  constructor(taskId: string) {
    this.taskId = taskId;
  }

  /** So many records, since the stopwatch said so. */
  processed(count: number, sinceMs: number): void {
    if (count === 0) return;
    const nowMs = stopwatchMs();
    const tookMs = nowMs - sinceMs;
    this.#records += count;
    this.#processMs += tookMs;
    this.#recent.add(nowMs, count, tookMs);
  }

  punctuated(sinceMs: number): void {
    this.#punctuations += 1;
    this.#punctuateMs += stopwatchMs() - sinceMs;
  }

  /** A record was so much older than stream time. */
  disordered(ms: number): void {
    this.#disordered += 1;
    this.#disorderMs += ms;
    if (ms > this.#mostDisorderMs) this.#mostDisorderMs = ms;
  }

  /** Outputs were handed over at the time of `nowMs`. */
  emitted(outputs: readonly OutgoingRecord[], nowMs: number): void {
    for (const { timestampMs } of outputs)
      if (timestampMs !== undefined) this.#endToEnd.add(nowMs - timestampMs);
  }

  figures(): TaskFigures {
    return {
      taskId: this.taskId,
      records: this.#records,
      processMs: this.#processMs,
      recent: this.#recent.figures(stopwatchMs()),
      disordered: { count: this.#disordered, sumMs: this.#disorderMs, maxMs: this.#mostDisorderMs },
      punctuations: this.#punctuations,
      punctuateMs: this.#punctuateMs,
      endToEnd: this.#endToEnd.figures(),
    };
  }
}
