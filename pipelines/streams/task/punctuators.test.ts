import { describe, expect, it } from 'vitest';
import { Punctuators } from './punctuators.ts';

describe('punctuators', () => {
  it('runs once for all the intervals that passed', () => {
    const seen: number[] = [];
    const punctuators = new Punctuators();
    punctuators.add('wall-clock', 0, { intervalMs: 10, run: timeMs => seen.push(timeMs) });
    for (const now of [9, 10, 11, 45, 49, 50]) punctuators.run('wall-clock', now);
    expect(seen).toEqual([10, 45, 50]);
  });

  it('counts stream time from the first record', () => {
    const seen: number[] = [];
    const punctuators = new Punctuators();
    punctuators.add('stream-time', -1, { intervalMs: 10, run: timeMs => seen.push(timeMs) });
    for (const time of [1_000, 1_009, 1_010, 1_011]) {
      if (punctuators.isStreamTimeDue(time)) punctuators.run('stream-time', time);
    }
    expect(seen).toEqual([1_010]);
  });

  it('can be cancelled and added while they run', () => {
    const seen: string[] = [];
    const punctuators = new Punctuators();
    const first = punctuators.add('wall-clock', 0, {
      intervalMs: 10,
      run: timeMs => {
        seen.push('first');
        first.cancel();
        punctuators.add('wall-clock', timeMs, { intervalMs: 5, run: () => seen.push('second') });
      },
    });
    for (const now of [10, 14, 15]) punctuators.run('wall-clock', now);
    expect(seen).toEqual(['first', 'second']);
    expect(punctuators.isWallClockDue(19)).toBe(false);
    expect(punctuators.isWallClockDue(20)).toBe(true);
  });
});
