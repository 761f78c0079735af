import type { Clock } from '../clock.ts';

export interface ManualClock extends Clock {
  /** Moves time on and wakes whoever slept that long. */
  advance(durationMs: number): void;
}

/** A clock that stands still until it is moved. */
export function manualClock(startMs = 0): ManualClock {
  let nowMs = startMs;
  const sleeping = new Set<{ readonly untilMs: number; wake(): void }>();
  return {
    now: () => nowMs,
    sleep(durationMs, signal) {
      return new Promise(resolve => {
        const sleeper = {
          untilMs: nowMs + durationMs,
          wake() {
            sleeping.delete(sleeper);
            signal?.removeEventListener('abort', sleeper.wake);
            resolve();
          },
        };
        if (signal?.aborted) return resolve();
        sleeping.add(sleeper);
        signal?.addEventListener('abort', sleeper.wake);
      });
    },
    advance(durationMs) {
      nowMs += durationMs;
      for (const sleeper of [...sleeping]) if (sleeper.untilMs <= nowMs) sleeper.wake();
    },
  };
}
