import { describe, expect, it } from 'vitest';
import { hoppingWindows, tumblingWindows } from '../index.ts';
import { driverOf, late, records, results, resultsOf } from './windows-under-test.ts';

const tumbling = (graceMs: number) => tumblingWindows({ sizeMs: 10, graceMs });
const hopping = (graceMs: number) => hoppingWindows({ sizeMs: 10, advanceMs: 4, graceMs });

describe('tumbling windows', () => {
  it.each([
    [
      'take records by their own time, from the start on and up to the end',
      'a x@10, a y@19, a z@20',
      ['a 10-20 x@10', 'a 10-20 xy@19', 'a 20-30 z@20'],
    ],
    ['begin at 0', 'a x@0, a y@9', ['a 0-10 x@0', 'a 0-10 xy@9']],
    ['are one for each key', 'a x@1, b y@2, a z@3', ['a 0-10 x@1', 'b 0-10 y@2', 'a 0-10 xz@3']],
    ['have the latest time of their records', 'a x@7, a y@3', ['a 0-10 x@7', 'a 0-10 xy@7']],
    ['count records of one time each', 'a x@5, a y@5', ['a 0-10 x@5', 'a 0-10 xy@5']],
    ['take a record without value as any other, as Kafka Streams does', 'a null@5', ['a 0-10 null@5']],
  ])('%s', (_, input, expected) => {
    expect(resultsOf({ windows: tumbling(100) }, input)).toEqual(expected);
  });

  it.each([
    // [0, 10) is open until stream time is 10 + grace.
    [0, 'a x@9, b -@10, a y@9', ['a 0-10 x@9', 'b 10-20 -@10'], 1],
    [0, 'a x@9, b -@9, a y@9', ['a 0-10 x@9', 'b 0-10 -@9', 'a 0-10 xy@9'], 0],
    [5, 'a x@9, b -@14, a y@9', ['a 0-10 x@9', 'b 10-20 -@14', 'a 0-10 xy@9'], 0],
    [5, 'a x@9, b -@15, a y@9', ['a 0-10 x@9', 'b 10-20 -@15'], 1],
    // Whether there was anything in it does not matter.
    [5, 'b -@15, a y@9', ['b 10-20 -@15'], 1],
  ])('with %i ms of grace: %s', (graceMs, input, expected, lateRecords) => {
    const driver = driverOf({ windows: tumbling(graceMs) });
    driver.pipe('in', records(input));
    expect(results(driver)).toEqual(expected);
    expect(late(driver)).toBe(lateRecords);
  });

  it('do not see records without key or time, and count them', () => {
    const driver = driverOf({ windows: tumbling(0) });
    driver.pipe('in', records('null x@5, a y@-1, a z@6'));
    expect(results(driver)).toEqual(['a 0-10 z@6']);
    expect(driver.counters.snapshot()).toMatchObject({
      'records.dropped.null-key': 1,
      'records.dropped.no-time': 1,
    });
  });

  it('go by the stream time of their step, which records that it does not take leave as it is', () => {
    const driver = driverOf({ windows: tumbling(0) });
    driver.pipe('in', records('null x@10, a y@9'));
    expect(results(driver)).toEqual(['a 0-10 y@9']);
    expect(late(driver)).toBe(0);
  });

  it('go out of the store when no record can change them, and out of the changelog', () => {
    const driver = driverOf({ windows: tumbling(5) });
    driver.pipe('in', records('a x@9, b y@14'));
    expect([...driver.timeline('store').all()].map(([key]) => key)).toEqual(['a', 'b']);
    driver.pipe('in', records('b z@15'));
    expect([...driver.timeline('store').all()].map(([key]) => key)).toEqual(['b']);
    expect(driver.timeline('store').size).toBe(1);
    const changes = driver.records('windows-store-changelog');
    const last = new Map(changes.map(({ key, value }) => [key!.toString('latin1'), value]));
    expect([...last.values()].filter(value => value !== null)).toHaveLength(1);
  });
});

describe('hopping windows', () => {
  it.each([
    ['overlap: a record is in each that holds its time', 'a x@9', ['a 0-10 x@9', 'a 4-14 x@9', 'a 8-18 x@9']],
    ['do not begin before 0', 'a x@3, a y@5', ['a 0-10 x@3', 'a 0-10 xy@5', 'a 4-14 y@5']],
    ['begin where the last of them would', 'a x@14', ['a 8-18 x@14', 'a 12-22 x@14']],
  ])('%s', (_, input, expected) => {
    expect(resultsOf({ windows: hopping(100) }, input)).toEqual(expected);
  });

  it('that are closed miss the record that the others still take, and count it', () => {
    const driver = driverOf({ windows: hopping(0) });
    driver.pipe('in', records('b -@14, a x@9'));
    // 0-10 and 4-14 are closed.
    expect(results(driver).slice(2)).toEqual(['a 8-18 x@9']);
    expect(late(driver)).toBe(2);
  });
});
