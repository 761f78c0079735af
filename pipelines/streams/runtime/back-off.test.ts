import { describe, expect, it } from 'vitest';
import { SluiceError } from '#errors';
import { manualClock } from '../index.ts';
import { backOffMs, retrying } from './back-off.ts';

const away = () => new SluiceError('BROKER_UNREACHABLE', 'away');

describe('trying again', () => {
  it('waits twice as long each time, up to ten seconds', () => {
    const waits = [1, 2, 3, 7, 8, 30].map(failures => backOffMs(failures, () => 1));
    expect(waits).toEqual([100, 200, 400, 6_400, 10_000, 10_000]);
  });

  it('waits no less than half of that, wherever in the other half', () => {
    expect(backOffMs(3, () => 0)).toBe(200);
    expect(backOffMs(3, () => 0.5)).toBe(300);
  });

  it('ends with success, with an error that time does not mend, or with patience', async () => {
    const clock = manualClock();
    const attempt = async (errors: readonly Error[], patienceMs = 1_000) => {
      const waits: number[] = [];
      let attempts = 0;
      const work = async () => {
        const error = errors[attempts];
        attempts += 1;
        if (error) throw error;
        return attempts;
      };
      const onRetry = (_: Error, waitMs: number) => {
        waits.push(waitMs);
        queueMicrotask(() => clock.advance(waitMs));
      };
      const { signal } = new AbortController();
      const result = await retrying(work, { clock, signal, patienceMs, spread: () => 1, onRetry }).catch(
        (error: SluiceError) => error.code,
      );
      return { result, waits };
    };
    expect(await attempt([away(), away()])).toEqual({ result: 3, waits: [100, 200] });
    expect(await attempt([away(), new Error('x')])).toEqual({ result: 'BUG', waits: [100] });
    expect(await attempt(Array.from({ length: 9 }, away), 350)).toEqual({
      result: 'BROKER_UNREACHABLE',
      waits: [100, 200],
    });
  });
});
