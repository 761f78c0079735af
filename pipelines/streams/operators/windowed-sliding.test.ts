import { describe, expect, it } from 'vitest';
import { jsonSerde } from '#schemas';
import { slidingWindows, testDriver, to, topology, windowedAggregate, windowStore } from '../index.ts';
import { driverOf, late, records, results, resultsOf, text, windowedText } from './windows-under-test.ts';

const sliding = (graceMs: number) => slidingWindows({ differenceMs: 10, graceMs });

describe('sliding windows', () => {
  it.each([
    ['of one record is the one that ends with it', 'a x@20', ['a 10-20 x@20']],
    [
      'hold both their ends: a record as far away as the difference is in the same',
      'a x@20, a y@30',
      ['a 10-20 x@20', 'a 21-31 y@30', 'a 20-30 xy@30'],
    ],
    ['do not reach further', 'a x@20, a y@31', ['a 10-20 x@20', 'a 21-31 y@31']],
    [
      'of a record in between: into what is over it, then what is missing',
      'a x@20, a z@28, a y@24',
      [
        'a 10-20 x@20',
        'a 21-31 z@28',
        'a 18-28 xz@28',
        'a 21-31 zy@28',
        'a 18-28 xzy@28',
        'a 14-24 xy@24',
        'a 25-35 z@28',
      ],
    ],
    [
      'of a record before all others get those as its right one',
      'a y@20, a x@15',
      ['a 10-20 y@20', 'a 10-20 yx@20', 'a 5-15 x@15', 'a 16-26 y@20'],
    ],
    ['of records of one time are the same', 'a x@20, a y@20', ['a 10-20 x@20', 'a 10-20 xy@20']],
    ['are one for each key', 'a x@20, b y@21', ['a 10-20 x@20', 'b 11-21 y@21']],
    [
      'that would begin before 0 begin there, all the same one',
      'a x@3, a y@7',
      ['a 0-10 x@3', 'a 4-14 y@7', 'a 0-10 xy@7'],
    ],
    ['before the first whole one: out of order', 'a y@7, a x@3', ['a 0-10 y@7', 'a 4-14 y@7', 'a 0-10 yx@7']],
    ['at the very first whole one', 'a x@10, a y@9', ['a 0-10 x@10', 'a 10-20 x@10', 'a 0-10 xy@10']],
  ])('%s', (_, input, expected) => {
    expect(resultsOf({ windows: sliding(100) }, input)).toEqual(expected);
  });

  it.each([
    [0, 'a x@20, b -@20, a y@20', 'a 10-20 xy@20'],
    [0, 'a x@20, b -@21, a y@20', undefined],
    [5, 'a x@20, b -@25, a y@20', 'a 10-20 xy@20'],
    [5, 'a x@20, b -@26, a y@20', undefined],
  ])('with %i ms of grace, to the millisecond: %s', (graceMs, input, expected) => {
    const driver = driverOf({ windows: sliding(graceMs) });
    driver.pipe('in', records(input));
    expect(results(driver)[2]).toBe(expected);
    expect(late(driver)).toBe(expected ? 0 : 1);
  });

  it('count a record once that all its windows are closed for, and each closed window of another', () => {
    const driver = driverOf({ windows: sliding(0) });
    driver.pipe('in', records('a x@20, b -@31, a y@20'));
    expect(late(driver)).toBe(1);
    // 15-25 and 10-20 are closed; what begins after the record is not.
    driver.pipe('in', records('a z@25'));
    expect(results(driver).slice(2)).toEqual(['a 21-31 z@25']);
    expect(late(driver)).toBe(2);
  });

  it('drop records without key, value or time, and count them', () => {
    const driver = driverOf({ windows: sliding(0) });
    driver.pipe('in', records('null x@20, a null@20, a x@-1'));
    expect(results(driver)).toEqual([]);
    expect(driver.counters.snapshot()).toMatchObject({
      'records.dropped.null-key': 1,
      'records.dropped.null-value': 1,
      'records.dropped.no-time': 1,
    });
  });

  it('do not share what an aggregate changes in place', () => {
    const lists = { key: windowedText.key, value: jsonSerde<string[]>() };
    const t = topology('lists', b => {
      b.source('in', text).pipe(
        windowedAggregate<string, string, string[]>({
          windows: sliding(100),
          store: windowStore({ name: 'store', key: text.key, value: lists.value }),
          initial: () => [],
          add: (list, { value }) => {
            list.push(value);
            return list;
          },
        }),
        to('out', lists),
      );
    });
    const driver = testDriver(t);
    driver.pipe('in', records('a x@20, a z@28, a y@24, a w@22, a v@30, a u@3, a t@5'));
    const windows = [...driver.timeline<string, string[]>('store').between('a', 0, 100)];
    const input = { x: 20, z: 28, y: 24, w: 22, v: 30, u: 3, t: 5 };
    for (const { timeMs, value } of windows) {
      const inside = Object.entries(input).filter(([, at]) => at >= timeMs && at <= timeMs + 10);
      expect([...value].sort(), `from ${timeMs}`).toEqual(inside.map(([name]) => name).sort());
    }
  });
});
