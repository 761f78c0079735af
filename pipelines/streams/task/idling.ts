import type { Clock } from '../clock.ts';
import type { Input } from './inputs.ts';

export interface IdlingOptions {
  /**
   * How long a task with records of one topic waits for those of another that has none: 0, only for what the broker is known to
   * have; -1, not even for that.
   */
  readonly maxTaskIdleMs: number;
  readonly clock: Pick<Clock, 'now'>;
}

/**
 * What the broker is known to have is fetched at once, unless nobody can read it: the end of a transaction counts as a record, and
 * an open one hides what follows. Not for ever, therefore.
 */
const fetchPatienceMs = 1_000;

/** Whether a task may process what it has although some of its inputs have nothing: it may then see records out of order. */
export class Idling {
  /** Whether it was told to wait when it asked last. */
  isWaiting = false;
  readonly #inputs: readonly Input[];
  readonly #options: IdlingOptions;
  readonly #emptySinceMs = new Map<Input, number>();

  constructor(inputs: readonly Input[], options: IdlingOptions) {
    this.#inputs = inputs;
    this.#options = options;
  }

  mayProceed(): boolean {
    const { maxTaskIdleMs, clock } = this.#options;
    this.isWaiting = false;
    if (maxTaskIdleMs < 0) return true;
    for (const input of this.#inputs) {
      if (!input.isEmpty) {
        this.#emptySinceMs.delete(input);
      } else if (input.isAssigned && (maxTaskIdleMs > 0 || input.isBehind)) {
        const now = clock.now();
        const sinceMs = this.#emptySinceMs.get(input) ?? now;
        this.#emptySinceMs.set(input, sinceMs);
        const limitMs = input.isBehind ? Math.max(maxTaskIdleMs, fetchPatienceMs) : maxTaskIdleMs;
        if (now - sinceMs < limitMs) this.isWaiting = true;
      }
    }
    return !this.isWaiting;
  }
}
