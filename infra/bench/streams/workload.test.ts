import { expect, test } from 'vitest';
import { partitionOf } from '#kafka';
import {
  keyIndexOf,
  keyOf,
  payloadOf,
  timeOf,
  truthOf,
  type Workload,
  windowMs,
  windowsOf,
} from './workload.ts';

const workload: Workload = {
  records: 250_000,
  keys: 7,
  partitions: 4,
  valueBytes: 200,
  startMs: 1_764_000_000_000,
};

/** By the definition, the slow way: a map by key and window. */
function countedOneByOne(records: readonly number[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const i of records) {
    const start = timeOf(workload, i) - (timeOf(workload, i) % windowMs);
    const name = `${keyOf(keyIndexOf(i, workload.keys))}@${start}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

const byName = (counts: Int32Array) =>
  new Map(
    [...counts].flatMap((count, at) => {
      const start = workload.startMs + Math.floor(at / workload.keys) * windowMs;
      return count === 0 ? [] : [[`${keyOf(at % workload.keys)}@${start}`, count] as const];
    }),
  );

test('a million records span 100 s, ten windows', () => {
  expect(timeOf({ ...workload, records: 1_000_000 }, 999_999) - workload.startMs).toBe(99_999);
  expect(windowsOf({ ...workload, records: 1_000_000 })).toBe(10);
  expect(windowsOf({ ...workload, records: 1_000_001 })).toBe(11);
});

test('the truth is the count of the records by key and window', () => {
  const truth = byName(truthOf(workload));
  expect(truth).toEqual(countedOneByOne(Array.from({ length: workload.records }, (_, i) => i)));
  expect([...truth.values()].reduce((sum, count) => sum + count)).toBe(workload.records);
});

test('the truth of a part is that of the first records of each partition', () => {
  const upTo = [0, 10, 1_000, 40_000];
  const passed = [0, 0, 0, 0];
  const first = Array.from({ length: workload.records }, (_, i) => i).filter(i => {
    const partition = partitionOf(Buffer.from(keyOf(keyIndexOf(i, workload.keys))), 4);
    passed[partition]! += 1;
    return passed[partition]! <= upTo[partition]!;
  });
  expect(byName(truthOf(workload, upTo))).toEqual(countedOneByOne(first));
});

test('values have their size, whatever is in them', () => {
  for (const i of [0, 9, 123_456, 249_999]) {
    const value = payloadOf({ ...workload, keys: 1_000_000 }, i);
    expect(Buffer.byteLength(value)).toBe(200);
    expect(JSON.parse(value)).toMatchObject({ seq: i });
  }
});
