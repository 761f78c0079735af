/** `stream-time`: driven by the records' time, hence repeatable. `wall-clock`: driven by `context.clock`. */
export type PunctuationType = 'stream-time' | 'wall-clock';

export interface Punctuation {
  cancel(): void;
}

interface Scheduled {
  readonly intervalMs: number;
  readonly run: (timeMs: number) => void;
  /** -1: not known before the first record. */
  dueMs: number;
}

/** What a task does at intervals. Intervals that passed unnoticed run once, not once each. */
export class Punctuators {
  readonly #scheduled: Readonly<Record<PunctuationType, Set<Scheduled>>> = {
    'stream-time': new Set(),
    'wall-clock': new Set(),
  };
  #nextStreamTimeMs = Number.POSITIVE_INFINITY;

  /** First due one interval after `timeMs`; -1 (no stream time yet): one interval after the first record. */
  add(
    type: PunctuationType,
    timeMs: number,
    { intervalMs, run }: Pick<Scheduled, 'intervalMs' | 'run'>,
  ): Punctuation {
    const entry: Scheduled = { intervalMs, run, dueMs: timeMs < 0 ? -1 : timeMs + intervalMs };
    this.#scheduled[type].add(entry);
    if (type === 'stream-time') this.#nextStreamTimeMs = Math.min(this.#nextStreamTimeMs, entry.dueMs);
    return { cancel: () => void this.#scheduled[type].delete(entry) };
  }

  isStreamTimeDue(timeMs: number): boolean {
    return timeMs >= this.#nextStreamTimeMs;
  }

  isWallClockDue(timeMs: number): boolean {
    for (const { dueMs } of this.#scheduled['wall-clock']) if (timeMs >= dueMs) return true;
    return false;
  }

  /** Runs what is due; in order of scheduling. */
  run(type: PunctuationType, timeMs: number): void {
    for (const entry of [...this.#scheduled[type]]) {
      if (entry.dueMs < 0) {
        entry.dueMs = timeMs + entry.intervalMs;
      } else if (timeMs >= entry.dueMs) {
        const missed = Math.floor((timeMs - entry.dueMs) / entry.intervalMs);
        entry.dueMs += (missed + 1) * entry.intervalMs;
        entry.run(timeMs);
      }
    }
    if (type !== 'stream-time') return;
    this.#nextStreamTimeMs = Number.POSITIVE_INFINITY;
    for (const { dueMs } of this.#scheduled[type])
      this.#nextStreamTimeMs = Math.min(this.#nextStreamTimeMs, dueMs);
  }
}
