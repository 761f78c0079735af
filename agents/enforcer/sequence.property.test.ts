import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Ranges } from './ranges.ts';
import { Arrivals, Watermark } from './sequence.ts';

const numbers = fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 80 });

describe('sequence numbers', () => {
  it('arrivals say of each number whether it is new, and keep exactly the holes', () => {
    fc.assert(
      fc.property(numbers, arriving => {
        const arrivals = new Arrivals();
        const seen = new Set<number>();
        for (const n of arriving) {
          expect(arrivals.add(n, 0)).toBe(!seen.has(n));
          seen.add(n);
        }
        const highest = Math.max(0, ...seen);
        const missing = Array.from({ length: highest }, (_, i) => i + 1).filter(n => !seen.has(n));
        const holes = arrivals.holes.flatMap(({ first, last }) =>
          Array.from({ length: last - first + 1 }, (_, i) => first + i),
        );
        expect(arrivals.highest).toBe(highest);
        expect(holes).toEqual(missing);
        expect(arrivals.missing).toBe(missing.length);
      }),
    );
  });

  it('the watermark stands before the first number that was not added', () => {
    const step = fc.oneof(
      fc.integer({ min: 1, max: 60 }).map(n => [n, n] as const),
      fc
        .tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 9 }))
        .map(([n, k]) => [n, n + k] as const),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), steps => {
        const watermark = new Watermark();
        const added = new Set<number>();
        for (const [first, last] of steps) {
          watermark.add(first, last);
          for (let n = first; n <= last; n++) added.add(n);
        }
        let expected = 0;
        while (added.has(expected + 1)) expected += 1;
        expect(watermark.value).toBe(expected);
        for (let n = 1; n <= 70; n++) expect(watermark.has(n)).toBe(added.has(n));
      }),
    );
  });

  it('the watermark goes past every run that an overlapping one reaches', () => {
    const watermark = new Watermark();
    for (const [first, last] of [
      [2, 2],
      [4, 4],
      [1, 3],
    ] as const)
      watermark.add(first, last);
    expect(watermark.value).toBe(4);
  });

  it('a hole is handed over once, when it is old enough', () => {
    const arrivals = new Arrivals(10);
    arrivals.add(13, 100);
    arrivals.extend(15, 200);
    expect(arrivals.takeHoles(99)).toEqual([]);
    expect(arrivals.takeHoles(150)).toEqual([{ first: 11, last: 12, sinceMs: 100 }]);
    expect(arrivals.holes).toEqual([{ first: 14, last: 15, sinceMs: 200 }]);
    expect(arrivals.add(11, 300)).toBe(false);
    expect(arrivals.add(14, 300)).toBe(true);
  });

  it('runs behave as a set of numbers', () => {
    const step = fc.record({
      add: fc.boolean(),
      first: fc.integer({ min: 1, max: 40 }),
      more: fc.integer({ min: 0, max: 9 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.integer({ min: 0, max: 55 }), (steps, bound) => {
        const ranges = new Ranges();
        const set = new Set<number>();
        for (const { add, first, more } of steps) {
          if (add) ranges.add(first, first + more);
          else ranges.delete(first, first + more);
          for (let n = first; n <= first + more; n++) add ? set.add(n) : set.delete(n);
        }
        for (let n = 0; n <= 60; n++) expect(ranges.has(n)).toBe(set.has(n));
        expect(ranges.size).toBe(set.size);
        expect(ranges.countAbove(bound)).toBe([...set].filter(n => n > bound).length);
        for (const [i, run] of ranges.runs.entries()) {
          expect(run.first).toBeLessThanOrEqual(run.last);
          if (i > 0) expect(run.first).toBeGreaterThan(ranges.runs[i - 1]!.last + 1);
        }
      }),
    );
  });
});
