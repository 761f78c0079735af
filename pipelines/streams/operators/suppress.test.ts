import { filter } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { SluiceError } from '#errors';
import {
  aggregate,
  bufferStore,
  hoppingWindows,
  keyValueStore,
  mapValues,
  type SuppressOptions,
  sessionWindows,
  slidingWindows,
  suppress,
  testDriver,
  to,
  topology,
  tumblingWindows,
  type Windowed,
  type Windows,
  windowedAggregate,
  windowStore,
} from '../index.ts';
import { records, results, text, windowedText } from './windows-under-test.ts';

type Limits = Omit<SuppressOptions<string, string>, 'until' | 'store' | 'name'>;

/** Letters of a key, one after the other; `stop` deletes it. */
const byTime = (timeLimitMs: number, limits: Limits = {}) =>
  topology('t', b => {
    const add = (sum: string, { value }: { readonly value: string }) =>
      value === 'stop' ? null : sum + value;
    b.source('in', text).pipe(
      aggregate<string, string, string>({
        store: keyValueStore({ name: 'sums', ...text }),
        initial: () => '',
        add,
      }),
      suppress({ until: { timeLimitMs }, store: bufferStore({ name: 'waiting', ...text }), ...limits }),
      to('out', text),
    );
  });

const byWindow = (windows: Windows, limits: Limits = {}) =>
  topology('t', b => {
    b.source('in', text).pipe(
      windowedAggregate<string, string, string>({
        windows,
        store: windowStore({ name: 'windows', ...text }),
        initial: () => '',
        add: (sum, { value }) => (value === 'stop' ? null : sum + value),
        merge: (a, c) => a + c,
      }),
      suppress<string, string>({
        until: 'window-closes',
        store: bufferStore({ name: 'waiting', ...windowedText }),
        ...limits,
      }),
      to('out', windowedText as never),
    );
  });

function pipe(driver: ReturnType<typeof testDriver>, line: string): string[] {
  driver.pipe('in', records(line));
  return driver.read('out').map(({ key, value, timestampMs }) => `${key} ${value}@${timestampMs}`);
}

describe('suppress until a time limit', () => {
  it('lets the last value of a key go when the first that waited is so old, to the millisecond', () => {
    const driver = testDriver(byTime(10));
    expect(pipe(driver, 'a x@5, a y@12, b -@14')).toEqual([]);
    expect(pipe(driver, 'b -@15')).toEqual(['a xy@12']);
    // Waiting begins anew with what comes next.
    expect(pipe(driver, 'a z@16, b -@23')).toEqual([]);
    expect(pipe(driver, 'b -@24')).toEqual(['b ----@24']);
    expect(pipe(driver, 'b -@26')).toEqual(['a xyz@16']);
  });

  it('goes in the order of time, then of keys', () => {
    const driver = testDriver(byTime(10));
    expect(pipe(driver, 'c x@7, b x@5, a x@7, d x@100')).toEqual(['b x@5', 'a x@7', 'c x@7']);
  });

  it('lets tombstones go as well', () => {
    const driver = testDriver(byTime(10));
    expect(pipe(driver, 'a x@5, a stop@6, b -@20')).toEqual(['a null@6']);
  });

  it('of nothing lets everything go at once', () => {
    expect(pipe(testDriver(byTime(0)), 'a x@5, b y@3')).toEqual(['a x@5', 'b y@3']);
  });

  it('keeps headers and origin of the last update, and the order over a restart', () => {
    const driver = testDriver(byTime(10));
    driver.pipe('in', {
      key: 'a',
      value: 'x',
      timestampMs: 5,
      headers: { h: Buffer.from('1'), e: Buffer.alloc(0) },
    });
    driver.pipe('in', { key: 'b', value: 'y', timestampMs: 3 });
    driver.crash();
    driver.recover();
    driver.pipe('in', { key: 'c', value: 'z', timestampMs: 50 });
    const [b, a] = driver.read('out');
    expect(b).toMatchObject({ key: 'b', value: 'y', timestampMs: 3, headers: {} });
    expect(a).toMatchObject({
      ...{ key: 'a', value: 'x', timestampMs: 5 },
      headers: { h: Buffer.from('1'), e: Buffer.alloc(0) },
    });
  });
});

describe('suppress, when what it lets go fails further down', () => {
  const failing = (limits: Limits, timeLimitMs: number) =>
    topology('t', b => {
      const input = b.source('in', text);
      input.pipe(
        suppress<string, string>({
          until: { timeLimitMs },
          store: bufferStore({ name: 'waiting', ...text }),
          ...limits,
        }),
        mapValues(value => {
          if (value === 'bad') throw new SluiceError('PROCESSING_FAILED', 'too bad');
          return value;
        }),
        to('out', text),
      );
      input.pipe(to('copy', text));
    });

  it.each([
    ['that were old', failing({}, 5), 'a bad@1, b y@2, c z@3, d w@100', ['b y@2', 'c z@3']],
    [
      'that had to go early',
      failing({ maxRecords: 2, whenFull: 'emit-early' }, 1_000),
      'a bad@1, b y@2, c z@3, d w@4',
      ['b y@2'],
    ],
  ])('puts that aside by itself: of records %s', (_, t, input, expected) => {
    const driver = testDriver(t, { autoCommit: false });
    driver.pipe('in', records(input));
    driver.commit();
    expect(driver.read('out').map(({ key, value, timestampMs }) => `${key} ${value}@${timestampMs}`)).toEqual(
      expected,
    );
    // It is the record that waited which is put aside, not the one that came last; and the other branch saw all.
    expect(driver.deadLetters()).toMatchObject([{ offset: 0 }]);
    expect(driver.read('copy')).toHaveLength(4);
  });
});

describe('suppress within bounds', () => {
  it('lets what waits longest go early when it is told to', () => {
    const driver = testDriver(byTime(100, { maxRecords: 2, whenFull: 'emit-early' }));
    expect(pipe(driver, 'b x@5, a x@5, c x@4')).toEqual(['c x@4']);
    expect(pipe(driver, 'a y@6')).toEqual([]);
    expect(pipe(driver, 'd x@7')).toEqual(['a xy@6']);
  });

  it('counts bytes of keys, values and headers', () => {
    const driver = testDriver(byTime(100, { maxBytes: 2 * 64 + 10, whenFull: 'emit-early' }));
    expect(pipe(driver, 'a xxxx@1, b yyyy@2')).toEqual([]);
    expect(pipe(driver, 'b y@3')).toEqual(['a xxxx@1']);
  });

  it('stops the application before the record it has no room for', () => {
    const driver = testDriver(byTime(100, { maxRecords: 2 }));
    expect(() => pipe(driver, 'a x@1, b x@2, c x@3')).toThrow(
      expect.objectContaining({ code: 'BUFFER_FULL', message: expect.stringMatching(/3 of 2 records/) }),
    );
    expect(driver.committed()).toEqual([]);
  });

  it('does not let a window go early', () => {
    expect(() => byWindow(tumblingWindows({ sizeMs: 10, graceMs: 0 }), { whenFull: 'emit-early' })).toThrow(
      /a window that goes early is not final/,
    );
  });

  it.each([
    [{ maxRecords: -1 }, /maxRecords is -1/],
    [{ maxBytes: 0.5 }, /maxBytes is 0.5/],
  ])('refuses bounds that make no sense: %o', (limits, message) => {
    expect(() => byTime(1, limits)).toThrow(message);
    expect(() => byTime(-1)).toThrow(/timeLimitMs is -1/);
  });
});

describe('suppress until windows close', () => {
  const outputs = (windows: Windows, line: string, limits: Limits = {}) => {
    const driver = testDriver(byWindow(windows, limits));
    driver.pipe('in', records(line));
    return results(driver);
  };

  it.each([
    [
      'tumbling',
      tumblingWindows({ sizeMs: 10, graceMs: 2 }),
      'a x@5, a y@6, b -@11',
      'b -@12',
      ['a 0-10 xy@6'],
    ],
    [
      'hopping',
      hoppingWindows({ sizeMs: 10, advanceMs: 5, graceMs: 2 }),
      'a x@12, b -@16',
      'b -@17',
      ['a 5-15 x@12'],
    ],
    // Kafka Streams lets these two go a millisecond earlier, and again when a record of that millisecond changes them.
    [
      'sliding',
      slidingWindows({ differenceMs: 10, graceMs: 2 }),
      'a x@20, a y@20, b -@22',
      'b -@23',
      ['a 10-20 xy@20'],
    ],
    [
      'session',
      sessionWindows({ gapMs: 5, graceMs: 2 }),
      'a x@20, a y@23, b -@30',
      'b -@31',
      ['a 20-23 xy@23'],
    ],
  ])(
    'gives each %s window once, when it is closed, to the millisecond',
    (_, windows, before, then, expected) => {
      expect(outputs(windows, before)).toEqual([]);
      expect(outputs(windows, `${before}, ${then}`)).toEqual(expected);
    },
  );

  it('leaves tombstones out: of sessions that grew, of windows that were deleted', () => {
    expect(outputs(sessionWindows({ gapMs: 5, graceMs: 0 }), 'a x@20, a y@23, b -@100')).toEqual([
      'a 20-23 xy@23',
    ]);
    expect(outputs(tumblingWindows({ sizeMs: 10, graceMs: 0 }), 'a x@1, a stop@2, b -@50')).toEqual([]);
  });

  it('goes by end, then by key', () => {
    expect(outputs(tumblingWindows({ sizeMs: 10, graceMs: 20 }), 'b x@11, a x@12, b x@1, c -@100')).toEqual([
      'b 0-10 x@1',
      'a 10-20 x@12',
      'b 10-20 x@11',
    ]);
  });

  it('knows of the windows however far before it they were made', () => {
    const t = topology('t', b => {
      b.source('in', text).pipe(
        windowedAggregate({
          windows: tumblingWindows({ sizeMs: 10, graceMs: 2 }),
          store: windowStore({ name: 'windows', ...text }),
          initial: () => '',
          add: (sum: string, { value }) => sum + value,
        }),
        filter(record => record.value !== 'hidden'),
        suppress({ until: 'window-closes', store: bufferStore({ name: 'waiting', ...windowedText }) }),
        to('out', windowedText),
      );
    });
    const driver = testDriver(t);
    driver.pipe('in', records('a x@1, b -@12'));
    expect(results(driver)).toEqual(['a 0-10 x@1']);
  });

  it('refuses a stream without windows', () => {
    const make = () =>
      topology('t', b => {
        const stream = b.source('in', { key: windowedText.key, value: text.value });
        stream.pipe(
          suppress<string, string>({
            until: 'window-closes',
            store: bufferStore({ name: 'waiting', ...windowedText }),
          }),
        );
      });
    expect(make).toThrow(/no step before it makes windows/);
  });

  it('may have a buffer without a changelog, which is empty after a crash', () => {
    const t = topology('t', b => {
      const store = bufferStore({ name: 'waiting', ...text, changelog: false });
      b.source('in', text).pipe(suppress({ until: { timeLimitMs: 5 }, store }), to('out', text));
    });
    const driver = testDriver(t);
    driver.pipe('in', records('a x@1'));
    expect(driver.store('waiting').size).toBe(1);
    driver.crash();
    driver.recover();
    expect(driver.store('waiting').size).toBe(0);
    expect(driver.records('t-waiting-changelog')).toEqual([]);
  });

  it('can be asked what waits', () => {
    const driver = testDriver(byWindow(tumblingWindows({ sizeMs: 10, graceMs: 0 })));
    driver.pipe('in', records('b x@1, a y@2, a stop@3'));
    const waiting = driver.store<Windowed<string>, string>('waiting');
    const [a, b] = ['a', 'b'].map(key => ({ key, startMs: 0, endMs: 10 })) as [
      Windowed<string>,
      Windowed<string>,
    ];
    expect([...waiting.all()]).toEqual([
      [a, null],
      [b, 'x'],
    ]);
    expect([...waiting.range({ from: b })]).toEqual([[b, 'x']]);
    expect([...waiting.range({ to: b })]).toEqual([[a, null]]);
    expect([waiting.get(b), waiting.timestampOf(b), waiting.has(b), waiting.size]).toEqual(['x', 1, true, 2]);
    expect(waiting).toMatchObject({ bytes: 2 * (64 + 1 + 16) + 1 });
    driver.pipe('in', records('c -@10'));
    expect([waiting.get(b), waiting.timestampOf(b), waiting.has(b), waiting.size]).toEqual([
      undefined,
      -1,
      false,
      1,
    ]);
  });
});
