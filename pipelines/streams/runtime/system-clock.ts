import type { Clock } from '../clock.ts';

/** The machine's clock: the only place in pipelines that asks for it. A sleep does not keep the process alive by itself. */
export const systemClock: Clock = Object.freeze({
  now: () => Date.now(),
  sleep(durationMs: number, signal?: AbortSignal) {
    return new Promise<void>(resolve => {
      if (signal?.aborted) return resolve();
      const done = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, durationMs);
      signal?.addEventListener('abort', done);
    });
  },
});
