import { classify } from '#errors';
import type { Clock } from '../clock.ts';

const firstMs = 100;
const longestMs = 10_000;

/**
 * How long to wait before the attempt after `failures` failures in a row: half of it fixed, half by `spread` (0 to 1), so that
 * processes which failed together do not come back together.
 */
export function backOffMs(failures: number, spread: () => number): number {
  const longest = Math.min(longestMs, firstMs * 2 ** Math.max(0, failures - 1));
  return Math.ceil((longest * (1 + spread())) / 2);
}

export interface RetryOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** How long to go on trying. */
  readonly patienceMs: number;
  readonly spread: () => number;
  onRetry(error: Error, waitMs: number): void;
}

/** Tries again while the error says so and patience lasts; rejects with the last error. */
export async function retrying<T>(work: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { clock, signal, patienceMs, spread, onRetry } = options;
  const untilMs = clock.now() + patienceMs;
  for (let failures = 1; ; failures += 1) {
    try {
      return await work();
    } catch (error) {
      const waitMs = backOffMs(failures, spread);
      const known = classify(error);
      if (known.reaction !== 'retry' || signal.aborted || clock.now() + waitMs > untilMs) throw known;
      onRetry(known, waitMs);
      await clock.sleep(waitMs, signal);
    }
  }
}
