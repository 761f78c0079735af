import { randomInt } from 'node:crypto';
import type { Clock } from '../clock.ts';

/** The machine's clock: this file is the only place in pipelines that asks for what differs from run to run. A sleep does not keep the process alive by itself. */
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

const parts = 1_000;

/** From 0 to below 1, another each time: how far apart processes try again that failed together. */
export const systemSpread = (): number => randomInt(parts) / parts;
