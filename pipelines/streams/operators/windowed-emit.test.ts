import { tap } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { SluiceError } from '#errors';
import { jsonSerde } from '#schemas';
import {
  hoppingWindows,
  mapValues,
  selectKey,
  sessionWindows,
  slidingWindows,
  testDriver,
  to,
  topology,
  tumblingWindows,
  windowedAggregate,
  windowedCount,
  windowedReduce,
  windowStore,
} from '../index.ts';
import { heldRecordBytes } from './held-back.ts';
import { driverOf, records, results, text, windowedText } from './windows-under-test.ts';

const tumbling = tumblingWindows({ sizeMs: 10, graceMs: 5 });
const sessions = sessionWindows({ gapMs: 5, graceMs: 5 });

describe('emitting at checkpoints', () => {
  const held = (rest: object = {}) =>
    driverOf({ windows: tumbling, emit: 'checkpoint', autoCommit: false, ...rest });

  it('gives the last value of each window that changed, in the order of their last changes', () => {
    const driver = held();
    driver.pipe('in', records('a x@1, b y@2, a z@11, a w@3'));
    expect(results(driver)).toEqual([]);
    driver.commit();
    expect(results(driver)).toEqual(['b 0-10 y@2', 'a 10-20 z@11', 'a 0-10 xw@3']);
    driver.pipe('in', records('a v@12'));
    driver.commit();
    expect(results(driver)).toEqual(['a 10-20 zv@12']);
    driver.commit();
    expect(results(driver)).toEqual([]);
  });

  it('leaves out a session that came and went in between, and takes back one that was emitted', () => {
    const driver = held({ windows: sessions });
    driver.pipe('in', records('a x@20, a y@23, a z@26'));
    driver.commit();
    expect(results(driver)).toEqual(['a 20-26 xyz@26']);
    driver.pipe('in', records('a w@29, a v@18'));
    driver.commit();
    expect(results(driver)).toEqual(['a 20-26 null@26', 'a 18-29 xyzwv@29']);
  });

  it('tells sessions apart that end at the same time', () => {
    const driver = held({ windows: sessions });
    driver.pipe('in', records('a x@20, a y@23'));
    driver.commit();
    results(driver);
    driver.pipe('in', records('a z@18'));
    driver.commit();
    expect(results(driver)).toEqual(['a 20-23 null@23', 'a 18-23 xyz@23']);
  });

  it('emits what waits longest at once when more is held than may be', () => {
    // Room for two records of four letters, with their keys.
    const driver = held({ cacheMaxBytes: 2 * (heldRecordBytes + 4) });
    driver.pipe('in', records('a x@1, b y@2'));
    driver.commit();
    expect(results(driver)).toHaveLength(2);
    driver.pipe('in', records('a x@1, b y@2, a z@3, c w@4'));
    expect(driver.records('out')).toHaveLength(2);
    driver.commit();
    // b went early, so it is before a, which changed later; nothing went twice.
    expect(results(driver)).toEqual(['b 0-10 yy@2', 'a 0-10 xxz@3', 'c 0-10 w@4']);
  });
});

describe('emitting final results', () => {
  const final = (rest: object = {}) => driverOf({ windows: tumbling, emit: 'final', ...rest });

  it('gives each window once, when it is closed, to the millisecond', () => {
    const driver = final();
    driver.pipe('in', records('a x@1, a y@2, a z@14'));
    expect(results(driver)).toEqual([]);
    driver.pipe('in', records('b -@15'));
    expect(results(driver)).toEqual(['a 0-10 xy@2']);
    driver.pipe('in', records('a late@3, b -@24'));
    expect(results(driver)).toEqual([]);
    driver.pipe('in', records('b -@25'));
    expect(results(driver)).toEqual(['a 10-20 z@14', 'b 10-20 -@15']);
  });

  it('goes on with the record that closes the window, and does not wait for a checkpoint', () => {
    const seen: string[] = [];
    const t = topology('t', b => {
      b.source('in', text).pipe(
        tap(({ timestampMs }) => seen.push(`${timestampMs}`)),
        windowedReduce({
          windows: tumbling,
          store: windowStore({ name: 'store', ...text }),
          add: (a, c) => a + c,
          emit: 'final',
        }),
        tap(({ key }) => seen.push(`${key.key} ${key.startMs}`)),
      );
    });
    testDriver(t, { autoCommit: false }).pipe('in', records('a x@1, a y@14, b -@15, b -@24, b -@25'));
    expect(seen).toEqual(['1', '14', '15', 'a 0', '24', '25', 'a 10', 'b 10']);
  });

  it('goes by time, then by key, however many windows close at once', () => {
    const driver = final();
    driver.pipe('in', records('b x@11, b y@1, a z@12, a w@2, c -@1000'));
    expect(results(driver)).toEqual(['a 0-10 w@2', 'b 0-10 y@1', 'a 10-20 z@12', 'b 10-20 x@11']);
  });

  it('is the same whether the record that closes it is one of its key or not, on time or not', () => {
    const driver = final();
    driver.pipe('in', records('a x@1, a y@15'));
    expect(results(driver)).toEqual(['a 0-10 x@1']);
  });

  it('has no headers: they would be those of whatever record came next', () => {
    const driver = final();
    driver.pipe('in', { key: 'a', value: 'x', timestampMs: 1, headers: { h: Buffer.from('1') } });
    driver.pipe('in', { key: 'b', value: 'x', timestampMs: 15, headers: { h: Buffer.from('2') } });
    expect(driver.read('out')).toMatchObject([{ headers: {} }]);
  });

  it.each([
    [
      'hopping',
      hoppingWindows({ sizeMs: 10, advanceMs: 5, graceMs: 2 }),
      'a x@7, b -@16',
      [],
      'b -@17',
      ['a 5-15 x@7'],
    ],
    // [10, 20] holds 20: it is closed when stream time is 23.
    [
      'sliding',
      slidingWindows({ differenceMs: 10, graceMs: 2 }),
      'a x@20, b -@22',
      [],
      'b -@23',
      ['a 10-20 x@20'],
    ],
    // A record at 27 could still extend it while stream time is 27.
    ['session', sessionWindows({ gapMs: 5, graceMs: 2 }), 'a x@20, b -@27', [], 'b -@28', ['a 20-20 x@20']],
  ])('closes %s windows to the millisecond', (_, windows, input, before, then, after) => {
    const driver = final({ windows });
    driver.pipe('in', records(input));
    expect(results(driver).filter(each => !each.includes('a 0-10'))).toEqual(before);
    driver.pipe('in', records(then));
    expect(results(driver)).toEqual(after);
  });

  it('sends no tombstone for a session that grew', () => {
    const driver = final({ windows: sessions });
    driver.pipe('in', records('a x@20, a y@23, a z@18, b -@100'));
    expect(results(driver)).toEqual(['a 18-23 xyz@23']);
  });

  it('comes at a checkpoint at the latest, where windows are so long that they are looked for in steps', () => {
    const driver = final({ windows: tumblingWindows({ sizeMs: 6_400, graceMs: 0 }), autoCommit: false });
    driver.pipe('in', records('a x@6350, b -@6400'));
    expect(driver.records('out')).toEqual([]);
    driver.commit();
    expect(results(driver)).toEqual(['a 0-6400 x@6350']);
  });

  it.each([
    ['as stream time goes on', false],
    ['at a checkpoint', true],
  ])('that fails further down is put aside by itself, %s', (_, atCheckpoint) => {
    const t = topology('t', b => {
      const letters = b.source('in', text);
      const store = windowStore({ name: 'store', ...text });
      const sizeMs = atCheckpoint ? 640_000 : 10;
      const windows = tumblingWindows({ sizeMs, graceMs: 0 });
      letters.pipe(
        windowedReduce({ windows, store, add: (a, c) => a + c, emit: 'final' }),
        mapValues(value => {
          if (value === 'bad') throw new SluiceError('PROCESSING_FAILED', 'too bad');
          return value;
        }),
        to('out', windowedText),
      );
      letters.pipe(to('copy', text));
    });
    const driver = testDriver(t, { autoCommit: false });
    driver.pipe('in', records(atCheckpoint ? 'a x@1, b bad@2, c y@3' : 'a x@1, b bad@2, c y@3, d -@10'));
    driver.commit();
    driver.pipe('in', records('d -@640000'));
    driver.commit();
    expect(
      results(driver)
        .slice(0, 2)
        .map(each => each.split(' ')[0]),
    ).toEqual(['a', 'c']);
    expect(driver.deadLetters().map(({ code }) => code)).toEqual(['PROCESSING_FAILED']);
    expect(driver.read('copy').length).toBe(atCheckpoint ? 4 : 5);
  });

  it.each([
    [undefined, []],
    [40, ['a', 'b']],
  ])('keeps a window for queries as long as retentionMs says (%s)', (retentionMs, kept) => {
    const driver = final(retentionMs === undefined ? {} : { retentionMs });
    driver.pipe('in', records('a x@1, b -@21'));
    expect(results(driver)).toEqual(['a 0-10 x@1']);
    const stored = [...driver.timeline<string, string>('store').all()].map(([key]) => key);
    expect(stored).toEqual(kept.length > 0 ? kept : ['b']);
    driver.pipe('in', records('b -@40'));
    expect(driver.timeline('store').get('a', 0)).toBeUndefined();
  });

  it('does not come again after a restart, also where nothing but stream time had changed', () => {
    const t = topology('t', b => {
      b.source('in', text).pipe(
        windowedAggregate<string, string, string>({
          windows: tumbling,
          store: windowStore({ name: 'store', ...text, retentionMs: 1_000 }),
          initial: () => '',
          // A window that is deleted before it is there: time goes by, and nothing else changes.
          add: (sum, { value }) => (value === 'stop' ? null : sum + value),
          emit: 'final',
        }),
        to('out', windowedText as never),
      );
    });
    const driver = testDriver(t);
    driver.pipe('in', records('a x@1'));
    driver.pipe('in', records('b stop@15'));
    expect(results(driver)).toEqual(['a 0-10 x@1']);
    driver.crash();
    driver.recover();
    driver.pipe('in', records('a late@2, c -@16'));
    expect(results(driver)).toEqual([]);
    expect(driver.counters.get('records.late')).toBe(1);
  });
});

describe('what is counted and reduced', () => {
  it('counts the records of each window', () => {
    const counts = { key: windowedText.key, value: jsonSerde<number>() };
    const t = topology('t', b => {
      const store = windowStore({ name: 'counts', key: text.key, value: counts.value });
      b.source('in', text).pipe(windowedCount({ windows: tumbling, store }), to('out', counts));
    });
    const driver = testDriver(t);
    driver.pipe('in', records('a x@1, a y@2, a z@11'));
    expect(driver.read('out').map(({ value }) => value)).toEqual([1, 2, 1]);
    expect(t.describe()).toContain('windowedCount [store counts, changelog]');
  });

  it.each([
    ['tumbling', tumbling, ['a 0-10 x@1', 'a 0-10 x+y@2']],
    ['session', sessions, ['a 1-1 x@1', 'a 1-1 null@1', 'a 1-2 x+y@2']],
  ])('reduces, beginning with the first record of a %s window', (_, windows, expected) => {
    const driver = testDriver(
      topology('t', b => {
        b.source('in', text).pipe(
          windowedReduce({
            windows,
            store: windowStore({ name: 'store', ...text }),
            add: (a, c) => `${a}+${c}`,
          }),
          to('out', windowedText as never),
        );
      }),
    );
    driver.pipe('in', records('a x@1, a y@2'));
    expect(results(driver)).toEqual(expected);
  });

  it('deletes a window whose value becomes null, with a tombstone', () => {
    const driver = testDriver(
      topology('t', b => {
        b.source('in', text).pipe(
          windowedAggregate<string, string, string>({
            windows: tumbling,
            store: windowStore({ name: 'store', ...text }),
            initial: () => '',
            add: (sum, { value }) => (value === 'stop' ? null : sum + value),
          }),
          to('out', windowedText as never),
        );
      }),
    );
    driver.pipe('in', records('a x@1, a stop@2, a y@3'));
    expect(results(driver)).toEqual(['a 0-10 x@1', 'a 0-10 null@2', 'a 0-10 y@3']);
  });
});

describe('windows in a topology', () => {
  const counts = { key: windowedText.key, value: jsonSerde<number>() };
  const store = () => windowStore({ name: 'counts', key: text.key, value: counts.value });

  it('have records of one new key meet first, where they are told how', () => {
    const make = (repartition?: { readonly value: typeof text.value }) =>
      topology('t', b => {
        b.source('in', text).pipe(
          selectKey(({ value }) => value),
          windowedCount({ windows: tumbling, store: store(), ...(repartition && { repartition }) }),
          to('out', counts),
        );
      });
    expect(() => make()).toThrow(/the key may have changed before windowedCount/);
    const driver = testDriver(make({ value: text.value }), { partitions: 3 });
    driver.pipe('in', records('a x@1, b x@2, c x@3, d x@4, e x@5'));
    expect(driver.read('out').map(({ value }) => value)).toEqual([1, 2, 3, 4, 5]);
  });

  it('of windows go by the time of what comes to them: nothing is late because it waited to be final', () => {
    const t = topology('t', b => {
      const sums = windowStore({ name: 'sums', key: text.key, value: counts.value });
      b.source('in', text).pipe(
        windowedCount({ windows: tumbling, store: store(), emit: 'final' }),
        selectKey(({ key }) => key.key, { partitioning: 'kept' }),
        windowedReduce({
          windows: tumblingWindows({ sizeMs: 100, graceMs: 0 }),
          store: sums,
          add: (a, c) => a + c,
          emit: 'final',
        }),
        to('out', counts),
      );
    });
    const driver = testDriver(t);
    driver.pipe('in', records('a x@1, a x@2, a x@55, a x@99, b x@1000, b x@1200, a x@2000'));
    const shown = driver.read<{ key: string; startMs: number }, number>('out');
    expect(shown.map(({ key: { key, startMs }, value }) => [key, startMs, value])).toEqual([
      ['a', 0, 4],
      ['b', 1_000, 1],
    ]);
    expect(driver.counters.get('records.late')).toBe(0);
  });

  it('may be kept without a changelog, and are gone after a crash', () => {
    const t = topology('t', b => {
      const unlogged = windowStore({ name: 'counts', key: text.key, value: counts.value, changelog: false });
      b.source('in', text).pipe(windowedCount({ windows: tumbling, store: unlogged }), to('out', counts));
    });
    const driver = testDriver(t);
    driver.pipe('in', records('a x@1'));
    driver.crash();
    driver.recover();
    driver.pipe('in', records('a x@2'));
    expect(driver.read('out').map(({ value }) => value)).toEqual([1, 1]);
  });
});

describe('the store of windows', () => {
  const make = (retentionMs: number) => () =>
    driverOf({ windows: tumblingWindows({ sizeMs: 10, graceMs: 5 }), retentionMs });

  it('must keep windows as long as they can change', () => {
    expect(make(14)).toThrow(/retentionMs is 14, and its windows can still change 15 ms/);
    expect(make(15)).not.toThrow();
  });

  it('is for one kind of windows only', () => {
    const shared = () =>
      topology('t', b => {
        const store = windowStore({ name: 'store', key: text.key, value: jsonSerde<number>() });
        const input = b.source('in', text);
        input.pipe(windowedCount({ windows: tumbling, store }));
        input.pipe(windowedCount({ windows: sessions, store }));
      });
    expect(shared).toThrow(/two steps keep different windows/);
  });
});
