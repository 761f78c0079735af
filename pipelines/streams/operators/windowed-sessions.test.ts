import { describe, expect, it } from 'vitest';
import { SluiceError } from '#errors';
import { sessionWindows, testDriver, to, topology, windowedAggregate, windowStore } from '../index.ts';
import { driverOf, late, records, results, resultsOf, text, windowedText } from './windows-under-test.ts';

const sessions = (graceMs: number) => sessionWindows({ gapMs: 5, graceMs });

describe('sessions', () => {
  it.each([
    ['begin and end with a record', 'a x@20', ['a 20-20 x@20']],
    [
      'last while records are no further apart than the gap, and are taken back as they grow',
      'a x@20, a y@25',
      ['a 20-20 x@20', 'a 20-20 null@20', 'a 20-25 xy@25'],
    ],
    ['end where the gap is longer', 'a x@20, a y@26', ['a 20-20 x@20', 'a 26-26 y@26']],
    ['grow backwards', 'a x@20, a y@15', ['a 20-20 x@20', 'a 20-20 null@20', 'a 15-20 xy@20']],
    [
      'become one when a record comes between, the older value first',
      'a z@30, a x@20, a y@25',
      ['a 30-30 z@30', 'a 20-20 x@20', 'a 20-20 null@20', 'a 30-30 null@30', 'a 20-30 xzy@30'],
    ],
    [
      'are taken back also where only their value changes',
      'a x@20, a y@25, a z@22',
      ['a 20-20 x@20', 'a 20-20 null@20', 'a 20-25 xy@25', 'a 20-25 null@25', 'a 20-25 xyz@25'],
    ],
    ['are not taken back when they are one moment', 'a x@20, a y@20', ['a 20-20 x@20', 'a 20-20 xy@20']],
    ['are one for each key', 'a x@20, b y@21', ['a 20-20 x@20', 'b 21-21 y@21']],
    ['may begin at 0', 'a x@3, a y@0', ['a 3-3 x@3', 'a 3-3 null@3', 'a 0-3 xy@3']],
    ['take a record without value as any other, as Kafka Streams does', 'a null@5', ['a 5-5 null@5']],
  ])('%s', (_, input, expected) => {
    expect(resultsOf({ windows: sessions(100) }, input)).toEqual(expected);
  });

  it.each([
    // A session is closed when its end + gap + grace is before stream time.
    [0, 'b -@25, a x@20', ['b 25-25 -@25', 'a 20-20 x@20'], 0],
    [0, 'b -@26, a x@20', ['b 26-26 -@26'], 1],
    [3, 'b -@28, a x@20', ['b 28-28 -@28', 'a 20-20 x@20'], 0],
    [3, 'b -@29, a x@20', ['b 29-29 -@29'], 1],
    // Not late, where it joins one that is open.
    [0, 'a x@24, b -@28, a y@19', ['a 24-24 x@24', 'b 28-28 -@28', 'a 24-24 null@24', 'a 19-24 xy@24'], 0],
    // What is open at its last millisecond still grows.
    [0, 'a x@20, b -@25, a y@21', ['a 20-20 x@20', 'b 25-25 -@25', 'a 20-20 null@20', 'a 20-21 xy@21'], 0],
    // What is closed does not.
    [0, 'a x@20, b -@26, a y@21', ['a 20-20 x@20', 'b 26-26 -@26', 'a 21-21 y@21'], 0],
  ])('with %i ms of grace: %s', (graceMs, input, expected, lateRecords) => {
    const driver = driverOf({ windows: sessions(graceMs) });
    driver.pipe('in', records(input));
    expect(results(driver)).toEqual(expected);
    expect(late(driver)).toBe(lateRecords);
  });

  it('that are closed do not change, however long they are kept', () => {
    const driver = driverOf({ windows: sessions(0), retentionMs: 1_000 });
    driver.pipe('in', records('a x@20, b -@26, a y@21'));
    expect(results(driver)).toEqual(['a 20-20 x@20', 'b 26-26 -@26', 'a 21-21 y@21']);
    expect([...driver.timeline('store').between('a', 0, 100)]).toMatchObject([
      { timeMs: 20, value: { startMs: 20, value: 'x' } },
      { timeMs: 21, value: { startMs: 21, value: 'y' } },
    ]);
  });

  it('write a session that grew once per checkpoint, and a tombstone for what was there before', () => {
    const driver = driverOf({ windows: sessions(100), autoCommit: false });
    const written = () => driver.records('windows-store-changelog').map(({ value }) => value !== null);
    driver.pipe('in', records('a x@20, a y@22, a z@24'));
    driver.commit();
    expect(written()).toEqual([true]);
    driver.pipe('in', records('a x@26, a y@28'));
    driver.commit();
    expect(written()).toEqual([true, false, true]);
  });

  it('stay as they were when what a record adds fails', () => {
    const t = topology('t', b => {
      b.source('in', text).pipe(
        windowedAggregate<string, string, string>({
          windows: sessions(100),
          store: windowStore({ name: 'store', ...text }),
          initial: () => '',
          add: (sum, { value }) => {
            if (value === 'bad') throw new SluiceError('PROCESSING_FAILED', 'too bad');
            return sum + value;
          },
          merge: (one, other) => one + other,
        }),
        to('out', windowedText as never),
      );
    });
    const driver = testDriver(t);
    driver.pipe('in', records('a x@20, a y@24, a bad@28, a z@26'));
    expect(results(driver).slice(3)).toEqual(['a 20-24 null@24', 'a 20-26 xyz@26']);
    expect(driver.deadLetters()).toHaveLength(1);
  });

  it('need to know the value of two that become one', () => {
    const make = () =>
      topology('t', b => {
        b.source('in', text).pipe(
          windowedAggregate({
            windows: sessions(0),
            store: windowStore({ name: 'store', ...text }),
            initial: () => '',
            add: value => value,
          }),
        );
      });
    expect(make).toThrow(/sessions need `merge`/);
  });
});
