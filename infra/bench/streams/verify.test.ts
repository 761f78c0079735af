import { expect, test } from 'vitest';
import { countSerde, writeWindowedKey } from './count-bytes.ts';
import { differenceOf, placeOf, Tally } from './verify.ts';
import { truthOf, type Workload, windowMs } from './workload.ts';

const workload: Workload = {
  records: 150_000,
  keys: 3,
  partitions: 4,
  valueBytes: 200,
  startMs: 1_764_000_000_000,
};
const keyBytes = (key: string, startMs: number) => writeWindowedKey({ key, startMs });
const output = (key: string, window: number, count: number) => ({
  key: keyBytes(key, workload.startMs + window * windowMs),
  value: countSerde.serialize(count),
});

test('finds the place of a key and window, and of nothing else', () => {
  const { startMs } = workload;
  expect(placeOf(keyBytes('key-2', startMs + windowMs), workload)).toBe(5);
  for (const key of ['key-3', 'key-x', 'key-', 'key-01', 'yek-1', ''])
    expect(placeOf(keyBytes(key, startMs), workload), key).toBe(-1);
  for (const ms of [startMs + 1, startMs - windowMs])
    expect(placeOf(keyBytes('key-1', ms), workload)).toBe(-1);
  for (const bytes of [null, Buffer.from('key-1')]) expect(placeOf(bytes, workload)).toBe(-1);
});

test('the last count of a key and window is the one that counts', () => {
  const tally = new Tally(workload);
  for (const count of [1, 2, 5, 4]) tally.add(output('key-1', 1, count));
  expect([...tally.last]).toEqual([0, 0, 0, 0, 4, 0]);
  expect(tally).toMatchObject({ records: 4, repeated: 1 });
  expect(() => tally.add({ key: Buffer.from('else'), value: countSerde.serialize(1) })).toThrow(/no count/);
  expect(() => tally.add(output('key-1', 2, 1))).toThrow(/no count/);
});

test('one count too few or too many is found', () => {
  const truth = truthOf(workload);
  expect(differenceOf(truth, truth)).toBeUndefined();
  for (const by of [-1, 1]) {
    const wrong = truth.slice();
    wrong[4]! += by;
    expect(differenceOf(wrong, truth)).toMatch(/entry 4/);
  }
});

test('of a part, what was committed must be there, and no more than the whole', () => {
  const part = truthOf(workload, [100, 100, 100, 100]);
  const whole = truthOf(workload);
  expect(differenceOf(part, part, whole)).toBeUndefined();
  expect(differenceOf(whole, part, whole)).toBeUndefined();
  const short = part.slice();
  short[0]! -= 1;
  expect(differenceOf(short, part, whole)).toMatch(/entry 0/);
});

test('counts are eight bytes, as Long of the JVM', () => {
  for (const count of [0, 1, 255, 2 ** 32 + 7, Number.MAX_SAFE_INTEGER]) {
    const bytes = countSerde.serialize(count);
    expect(bytes.readBigInt64BE()).toBe(BigInt(count));
    expect(countSerde.deserialize(bytes)).toBe(count);
  }
});
