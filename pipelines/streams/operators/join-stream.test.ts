import { map } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { textSerde } from '#schemas';
import { joinStream, type Stream, selectKey, testDriver, to, topology } from '../index.ts';

const text = { key: textSerde, value: textSerde };
type Kind = 'inner' | 'left' | 'outer';
type Side = 'left' | 'right';
type Row = readonly [side: Side, key: string | null, value: string | null, timestampMs: number];

const span = { beforeMs: 10, afterMs: 10, graceMs: 5 };
const serdes = { name: 'pairs', key: textSerde, left: textSerde, right: textSerde };
const join = (left: string | null, right: string | null) => `${left}+${right}`;

const joined = (kind: Kind, given = span) =>
  topology('t', b => {
    const [left, right] = ['left', 'right'].map(
      name => b.source(name, { ...text, nulls: 'keep' }) as unknown as Stream<string, string>,
    );
    left!.pipe(joinStream(right!, { ...serdes, ...given, kind: kind as 'outer', join }), to('out', text));
  });

const driverOf = (kind: Kind, given = span) => {
  const driver = testDriver(joined(kind, given));
  const out = () =>
    driver
      .read<string, string>('out')
      .map(({ key, value, timestampMs }) => `${key} ${value} @${timestampMs}`);
  const pipe = ([side, key, value, timestampMs]: Row) => {
    driver.pipe(side, { key, value, timestampMs });
    return out();
  };
  return { driver, out, pipe };
};

/** What comes out after each record. */
const outputs = (kind: Kind, rows: readonly Row[], given = span) => rows.map(driverOf(kind, given).pipe);

/** One key, everything within reach: the table of Kafka Streams' documentation. */
const documented: readonly (readonly [Side, string | null, readonly string[]])[] = [
  ['left', null, []],
  ['right', null, []],
  ['left', 'A', []],
  ['right', 'a', ['A+a']],
  ['left', 'B', ['B+a']],
  ['right', 'b', ['A+b', 'B+b']],
  ['left', null, []],
  ['right', null, []],
  ['left', 'C', ['C+a', 'C+b']],
  ['right', 'c', ['A+c', 'B+c', 'C+c']],
  ['right', null, []],
  ['left', null, []],
  ['right', null, []],
  ['right', 'd', ['A+d', 'B+d', 'C+d']],
  ['left', 'D', ['D+a', 'D+b', 'D+c', 'D+d']],
];

describe('a join of two streams', () => {
  it.each(['inner', 'left', 'outer'] as const)('%s: pairs each record with all of the other side', kind => {
    const { driver, pipe } = driverOf(kind, { beforeMs: 100, afterMs: 100, graceMs: 0 });
    documented.forEach(([side, value, pairs], at) => {
      const got = pipe([side, 'k', value, at + 1]);
      expect(got, `row ${at + 1}`).toEqual(pairs.map(pair => `k ${pair} @${at + 1}`));
    });
    expect(driver.counters.get('records.dropped.null-value')).toBe(7);
  });

  it('reaches to both ends of its span, forwards and back, and pairs carry the later time', () => {
    const rows: readonly Row[] = [
      ['left', 'k', 'a', 20],
      ['right', 'k', 'early', 9],
      ['right', 'k', 'first', 10],
      ['right', 'k', 'last', 30],
      ['right', 'k', 'late', 31],
      ['left', 'k', 'b', 21],
    ];
    expect(outputs('inner', rows)).toEqual([
      [],
      [],
      ['k a+first @20'],
      ['k a+last @30'],
      [],
      ['k b+last @30', 'k b+late @31'],
    ]);
  });

  it('may look to one side only, not even at the same time', () => {
    const rows: readonly Row[] = [
      ['right', 'k', 'same', 10],
      ['right', 'k', 'before', 7],
      ['left', 'k', 'a', 10],
      ['right', 'k', 'then', 6],
    ];
    const oneSided = { beforeMs: 4, afterMs: -2, graceMs: 20 };
    expect(outputs('inner', rows, oneSided)).toEqual([[], [], ['k a+before @10'], ['k a+then @10']]);
  });

  it('keeps records of one key and time apart, in the order they came', () => {
    const rows: readonly Row[] = [
      ['left', 'k', 'a', 1],
      ['left', 'k', 'b', 1],
      ['left', 'k', 'a', 1],
      ['right', 'k', 'x', 1],
    ];
    expect(outputs('inner', rows).flat()).toEqual(['k a+x @1', 'k b+x @1', 'k a+x @1']);
  });

  it('finds what came within the grace, and drops what is too old to be found', () => {
    const { driver, pipe } = driverOf('inner');
    pipe(['left', 'k', 'old', 0]);
    pipe(['left', 'k', 'new', 24]);
    expect(pipe(['right', 'k', 'x', 5])).toEqual(['k old+x @5']);
    pipe(['left', 'k', 'newer', 25]);
    expect(pipe(['right', 'k', 'y', 5])).toEqual([]);
    pipe(['left', 'k', 'too old', 0]);
    expect(driver.counters.get('records.dropped.too-old')).toBe(1);
    expect(pipe(['right', 'k', 'z', 5])).toEqual([]);
  });

  it('joins a stream with itself: each pair of records in both directions, none with itself twice', () => {
    const driver = testDriver(
      topology('t', b => {
        const input = b.source('in', text);
        input.pipe(joinStream(input, { ...serdes, ...span, join }), to('out', text));
      }),
    );
    driver.pipe('in', { key: 'k', value: 'a', timestampMs: 1 });
    driver.pipe('in', { key: 'k', value: 'b', timestampMs: 2 });
    expect(driver.read<string, string>('out').map(({ value }) => value)).toEqual([
      'a+a',
      'b+a',
      'a+b',
      'b+b',
    ]);
  });
});

describe('a record without a match', () => {
  const alone: readonly Row[] = [
    ['left', 'a', 'A', 0],
    ['right', 'c', 'C', 0],
    ['right', 'b', 'B', 1],
    ['left', 'd', 'D', 1],
    ['left', 'z', 'Z', 15],
    ['left', 'z', 'Z', 16],
    ['right', 'z', 'Z', 17],
    ['left', 'q', 'Q', 30],
    ['left', 'q', 'Q', 31],
  ];
  // When a and c go, z at 15 is the last one that was looked at.
  it.each<readonly [Kind, readonly string[], readonly string[]]>([
    ['inner', [], []],
    ['left', ['a A+null @0'], ['d D+null @1']],
    ['outer', ['c null+C @0', 'a A+null @0'], ['b null+B @1', 'd D+null @1']],
  ])('%s: goes when the last one looked at may; the oldest first, right before left', (kind, at16, at31) => {
    const pairs = ['z Z+Z @17', 'z Z+Z @17'];
    expect(outputs(kind, alone)).toEqual([[], [], [], [], [], at16, pairs, [], at31]);
  });

  it('goes at once where time is past its span already, and may still be found', () => {
    const rows: readonly Row[] = [
      ['left', 'z', 'Z', 20],
      ['left', 'k', 'A', 9],
      ['left', 'k', 'B', 10],
      ['right', 'k', 'x', 12],
    ];
    expect(outputs('left', rows)).toEqual([[], ['k A+null @9'], [], ['k A+x @12', 'k B+x @12']]);
  });

  it('is joined with null where it has no key, on a side that is kept', () => {
    const rows: readonly Row[] = [
      ['left', null, 'A', 1],
      ['right', null, 'B', 2],
      ['left', null, null, 3],
    ];
    expect(outputs('inner', rows)).toEqual([[], [], []]);
    expect(outputs('left', rows)).toEqual([['null A+null @1'], [], []]);
    expect(outputs('outer', rows)).toEqual([['null A+null @1'], ['null null+B @2'], []]);
    const { driver, pipe } = driverOf('left');
    for (const row of rows) pipe(row);
    const dropped = (why: string) => driver.counters.get(`records.dropped.${why}`);
    expect([dropped('null-key'), dropped('null-value')]).toEqual([2, 0]);
  });

  it('is so behind a repartition as well', () => {
    const driver = testDriver(
      topology('moved', b => {
        const [left, right] = (['left', 'right'] as const).map(
          name => b.source(name, { ...text, nulls: 'keep' }) as unknown as Stream<string, string>,
        );
        left!.pipe(
          selectKey(({ value }) => (value === 'none' ? null : value) as string),
          joinStream(right!, { ...serdes, ...span, kind: 'left', join: (a, b) => `${a}+${b}` }),
          to('out', text),
        );
      }),
    );
    driver.pipe('left', { key: 'k', value: 'none', timestampMs: 1 });
    expect(driver.read('out')).toMatchObject([{ key: null, value: 'none+null' }]);
  });

  it('waits over a restart, and so does the time of the join', () => {
    const { driver, out, pipe } = driverOf('outer');
    pipe(['left', 'a', 'A', 0]);
    pipe(['left', 'd', 'D', 0]);
    pipe(['right', 'a', null, 16]);
    driver.crash();
    driver.recover();
    expect(pipe(['right', 'a', 'x', 5])).toEqual(['a A+x @5']);
    expect(pipe(['right', 'b', 'y', 15])).toEqual([]);
    expect(pipe(['right', 'b', 'z', 16])).toEqual(['d D+null @0']);
    expect(out()).toEqual([]);
  });
});

describe('the sides of a join', () => {
  const byValue = (b: Parameters<Parameters<typeof topology>[1]>[0]) =>
    b.source('right', text).pipe(selectKey(({ value }) => value));

  it('are repartitioned where their key changed, to as many partitions as the other has', () => {
    const t = topology('t', b => {
      b.source('left', text).pipe(joinStream(byValue(b), { ...serdes, ...span, join }), to('out', text));
    });
    const driver = testDriver(t, { partitions: { left: 3, right: 2 } });
    const keys = [...'abcdefgh'];
    for (const key of keys) driver.pipe('left', { key, value: 'L', timestampMs: 1 });
    for (const value of keys) driver.pipe('right', { key: 'any', value, timestampMs: 2 });
    const got = driver.read<string, string>('out').map(({ key, value }) => `${key} ${value}`);
    expect(got.sort()).toEqual(keys.map(key => `${key} L+${key}`));
    expect(new Set(driver.records('t-pairs-right-repartition').map(({ partition }) => partition)).size).toBe(
      3,
    );
  });

  it('need as many partitions as each other: said with both names', () => {
    expect(() => testDriver(joined('inner'), { partitions: { left: 3, right: 2 } })).toThrow(
      /left 3, right 2.*repartition\(\) one/,
    );
  });

  it('keep their keys: one that RxJS changed is refused', () => {
    const driver = testDriver(
      topology('t', b => {
        const left = b.source('left', text).pipe(map(record => ({ ...record, key: 'other' })));
        left.pipe(joinStream(b.source('right', text), { ...serdes, ...span, join }));
      }),
    );
    expect(() => driver.pipe('left', { key: 'k', value: 'A' })).toThrow(/another key than it was read with/);
  });

  it('are of one topology, and their span does not end before it begins', () => {
    expect(() => joined('inner', { beforeMs: 1, afterMs: -2, graceMs: 0 })).toThrow(/ends before it begins/);
    expect(() =>
      topology('one', b => {
        const left = b.source('left', text);
        topology('two', other => {
          left.pipe(joinStream(other.source('right', text), { ...serdes, ...span, join }));
        });
      }),
    ).toThrow(/another topology/);
  });
});

it('a topology with a join shows both sides, their stores and where they meet', async () => {
  const t = topology('orders', b => {
    const payments = b.source('payments', text).pipe(selectKey(({ value }) => value));
    const options = { ...span, name: 'paid', key: textSerde, left: textSerde, right: textSerde };
    b.source('orders', text).pipe(joinStream(payments, { ...options, kind: 'left', join }), to('paid', text));
  });
  await expect(t.describe()).toMatchFileSnapshot('golden/join-stream.txt');
});
