import { expect, test } from 'vitest';
import { eventIdHash, largestEventIdHash } from './event-id.ts';

const origin = { cluster: 'c1', node: 'node-1', agent: 'enforcer', bootId: '6a5e8c1c-7f6b', sequence: 1 };
const hashes = Array.from({ length: 200_000 }, (_, sequence) => eventIdHash({ ...origin, sequence }));

test('the hash of an event never changes', () => {
  expect(eventIdHash(origin)).toBe(8_506_561_521_883_913);
  expect(eventIdHash({ ...origin, node: 'nöde-😀', sequence: 9_007_199_254_740_990 })).toBe(
    8_354_068_020_034_475,
  );
});

test('every part of the identity counts, and parts do not run into one another', () => {
  const others = [
    { ...origin, cluster: 'c2' },
    { ...origin, node: 'node-2' },
    { ...origin, agent: 'feeder/hubble' },
    { ...origin, bootId: '' },
    { ...origin, sequence: 2 },
    { ...origin, cluster: 'c1n', node: 'ode-1' },
  ];
  expect(new Set([origin, ...others].map(eventIdHash)).size).toBe(others.length + 1);
});

test('successive sequence numbers do not collide and fit a long', () => {
  expect(new Set(hashes).size).toBe(hashes.length);
  expect(hashes.every(hash => Number.isInteger(hash) && hash >= 0 && hash <= largestEventIdHash)).toBe(true);
});

test('hashes are evenly spread, in the top bits and in the low ones', () => {
  const cells = 256;
  // Chi-squared with 255 degrees of freedom exceeds 350 once in 15,000 for even spread.
  for (const cellOf of [(h: number) => Math.floor(h / 2 ** 45), (h: number) => h % cells]) {
    const counts = new Array<number>(cells).fill(0);
    for (const hash of hashes) counts[cellOf(hash)]!++;
    const expected = hashes.length / cells;
    const chiSquared = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    expect(chiSquared).toBeLessThan(350);
    expect(chiSquared).toBeGreaterThan(170);
  }
});

test('the smallest of k hashes estimate how many there were', () => {
  for (const count of [1_000, 20_000, 200_000]) {
    const smallest = hashes.slice(0, count).sort((a, b) => a - b)[31]!;
    const estimate = (31 * largestEventIdHash) / smallest;
    expect(Math.abs(estimate / count - 1)).toBeLessThan(0.6);
  }
});
