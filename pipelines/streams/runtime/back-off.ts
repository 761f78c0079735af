import { classify } from '#errors';
import type { Clock } from '../clock.ts';

const firstMs = 100;
const longestMs = 10_000;

/** How long to wait before the attempt after `failures` failures in a row. */
export const backOffMs = (failures: number) => Math.min(longestMs, firstMs * 2 ** Math.max(0, failures - 1));

export interface RetryOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** How long to go on trying. */
  readonly patienceMs: number;
  onRetry(error: Error, waitMs: number): void;
}

/** Tries again while the error says so and patience lasts; rejects with the last error. */
export async function retrying<T>(work: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { clock, signal, patienceMs, onRetry } = options;
  const untilMs = clock.now() + patienceMs;
  for (let failures = 1; ; failures += 1) {
    try {
      return await work();
    } catch (error) {
      const waitMs = backOffMs(failures);
      const known = classify(error);
      if (known.reaction !== 'retry' || signal.aborted || clock.now() + waitMs > untilMs) throw known;
      onRetry(known, waitMs);
      await clock.sleep(waitMs, signal);
    }
  }
}
