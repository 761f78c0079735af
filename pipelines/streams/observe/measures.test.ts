import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Latency, latencyBoundsMs } from './latency.ts';
import { Recent } from './recent.ts';

describe('recent figures', () => {
  it('are of the last half minute to minute', () => {
    const recent = new Recent();
    expect(recent.figures(0)).toEqual({ perSecond: 0, averageMs: 0, maxMs: 0 });
    recent.add(1_000, 100, 50);
    recent.add(11_000, 300, 30);
    const early = recent.figures(11_000);
    expect(early.perSecond).toBeCloseTo(400 / 10.05);
    expect(early).toMatchObject({ averageMs: 0.2, maxMs: 0.5 });
    recent.add(35_000, 100, 10);
    expect(recent.figures(35_000).maxMs).toBe(0.5);
    recent.add(66_000, 100, 10);
    // What was before the last two samples is over.
    expect(recent.figures(66_000)).toMatchObject({ maxMs: 0.1, averageMs: 0.1 });
  });

  it('fade when nothing is done any more', () => {
    const recent = new Recent();
    recent.add(1_000, 100, 50);
    expect(recent.figures(21_000).perSecond).toBeCloseTo(100 / 20.05);
    expect(recent.figures(70_000)).toEqual({ perSecond: 0, averageMs: 0, maxMs: 0 });
  });

  it('do not take what has just begun for a rate', () => {
    const recent = new Recent();
    recent.add(1, 500, 1);
    expect(recent.figures(1).perSecond).toBe(500);
  });
});

describe('latencies', () => {
  it('are in the first bucket whose bound they do not exceed', () => {
    fc.assert(
      fc.property(fc.double({ min: -10, max: 2 ** 40, noNaN: true }), ms => {
        const latency = new Latency();
        latency.add(ms);
        const { buckets, count } = latency.figures();
        const expected = latencyBoundsMs.findIndex(bound => ms <= bound);
        expect(count).toBe(1);
        expect(buckets.indexOf(1)).toBe(expected === -1 ? latencyBoundsMs.length : expected);
      }),
    );
  });

  it('at the bounds are within them', () => {
    for (const [at, bound] of latencyBoundsMs.entries()) {
      const latency = new Latency();
      latency.add(bound);
      latency.add(bound + 0.5);
      expect(latency.figures().buckets[at]).toBe(1);
      expect(latency.figures().buckets[at + 1]).toBe(1);
    }
  });

  it('below 0 count as none', () => {
    const latency = new Latency();
    latency.add(-5);
    latency.add(3);
    expect(latency.figures()).toMatchObject({ count: 2, sumMs: 3, maxMs: 3 });
  });
});
