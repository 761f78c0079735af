import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Histogram, median } from './statistics.ts';

test('a percentile is the smallest latency that its share did not exceed', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(300), { minLength: 1 }),
      fc.constantFrom(0.5, 0.9, 0.99, 1),
      (latencies, share) => {
        const histogram = new Histogram(300);
        for (const ms of latencies) histogram.add(ms);
        const sorted = latencies.toSorted((a, b) => a - b);
        expect(histogram.percentile(share)).toBe(sorted[Math.ceil(share * sorted.length) - 1]);
      },
    ),
  );
});

test('what is beyond the range counts as its end, and is told', () => {
  const histogram = new Histogram(100);
  for (const ms of [1, 2, 5_000]) histogram.add(ms);
  expect(histogram.percentile(1)).toBe(100);
  expect(histogram.overflowed).toBe(1);
});

test('nothing has no percentile and no median', () => {
  expect(() => new Histogram(10).percentile(0.5)).toThrow(RangeError);
  expect(() => median([])).toThrow(RangeError);
});

test('the median of an even number is between the two in the middle', () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([9, 1, 5, 7])).toBe(6);
});
