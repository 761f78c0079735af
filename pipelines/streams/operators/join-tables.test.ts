import fc from 'fast-check';
import { map } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { textSerde } from '#schemas';
import {
  joinTable,
  joinTables,
  keyValueStore,
  type TableOptions,
  type TableStore,
  testDriver,
  to,
  topology,
  versionedStore,
} from '../index.ts';
import { batchesOf, runBatches, type Step, smoothly } from '../table/crash.ts';

const text = { key: textSerde, value: textSerde };
type Kind = 'inner' | 'left' | 'outer';
type Row = readonly [topic: 'left' | 'right', key: string, value: string | null, timestampMs?: number];

const join = (left: string | null, right: string | null) => `${left}+${right}`;

interface Given {
  readonly left?: Partial<TableOptions<string, string>>;
  readonly store?: TableStore<string, string>;
}

/** Changes as text, `old→new`. */
const joined = (kind: Kind, { left = {}, store }: Given = {}) =>
  topology('t', b => {
    const options = { kind: kind as 'outer', join, ...(store && { store }) };
    b.table('left', { ...text, ...left }).pipe(
      joinTables(b.table('right', text), options),
      map(record => ({ ...record, value: `${record.value.old ?? '-'}→${record.value.new ?? '-'}` })),
      to('out', text),
    );
  });

function pipesInto(t: ReturnType<typeof topology>) {
  const driver = testDriver(t);
  const pipe = ([topic, key, value, timestampMs = 0]: Row) => {
    driver.pipe(topic, { key, value, timestampMs });
    const out = driver.read<string, string>('out');
    return out.map(each => `${each.value} @${each.timestampMs}`).join(', ');
  };
  return { driver, pipe };
}

/** The table of Kafka Streams' documentation, with what was before. */
const documented: readonly (readonly [Row[0], string | null, inner: string, left: string, outer: string])[] =
  [
    ['left', null, '', '', ''],
    ['right', null, '', '', ''],
    ['left', 'A', '', '-→A+null', '-→A+null'],
    ['right', 'a', '-→A+a', 'A+null→A+a', 'A+null→A+a'],
    ['left', 'B', 'A+a→B+a', 'A+a→B+a', 'A+a→B+a'],
    ['right', 'b', 'B+a→B+b', 'B+a→B+b', 'B+a→B+b'],
    ['left', null, 'B+b→-', 'B+b→-', 'B+b→null+b'],
    ['right', null, '', '', 'null+b→-'],
    ['left', 'C', '', '-→C+null', '-→C+null'],
    ['right', 'c', '-→C+c', 'C+null→C+c', 'C+null→C+c'],
    ['right', null, 'C+c→-', 'C+c→C+null', 'C+c→C+null'],
    ['left', null, '', 'C+null→-', 'C+null→-'],
    ['right', null, '', '', ''],
    ['right', 'd', '', '', '-→null+d'],
    ['left', 'D', '-→D+d', '-→D+d', 'null+d→D+d'],
  ];

describe('a join of two tables', () => {
  it.each(['inner', 'left', 'outer'] as const)('%s: changes when either does', kind => {
    const { pipe } = pipesInto(joined(kind));
    documented.forEach(([topic, value, ...expected], at) => {
      const of = expected[['inner', 'left', 'outer'].indexOf(kind)]!;
      expect(pipe([topic, 'k', value, at]), `row ${at + 1}`).toBe(of && `${of} @${at}`);
    });
  });

  it('has of its two times the later', () => {
    const { pipe } = pipesInto(joined('outer'));
    const rows: readonly Row[] = [
      ['left', 'k', 'A', 10],
      ['right', 'k', 'a', 5],
      ['right', 'k', 'b', 20],
      ['left', 'k', 'B', 15],
      ['left', 'k', null, 12],
    ];
    expect(rows.map(pipe)).toEqual([
      '-→A+null @10',
      'A+null→A+a @10',
      'A+a→A+b @20',
      'A+b→B+b @20',
      'B+b→null+b @20',
    ]);
  });

  it('keeps its values in a store, where it is given one', () => {
    const { driver, pipe } = pipesInto(joined('left', { store: keyValueStore({ name: 'both', ...text }) }));
    pipe(['left', 'k', 'A', 1]);
    expect(pipe(['right', 'k', 'a', 3])).toBe('A+null→A+a @3');
    expect(driver.store('both').get('k')).toBe('A+a');
    expect(driver.store('both').timestampOf('k')).toBe(3);
    pipe(['left', 'k', null, 4]);
    expect(driver.store('both').size).toBe(0);
  });

  it('is read by others without one: worked out of both', () => {
    const { driver } = pipesInto(
      topology('t', b => {
        const both = b.table('left', text).pipe(joinTables(b.table('right', text), { kind: 'outer', join }));
        const options = { kind: 'left', join } as const;
        b.source('stream', text).pipe(
          joinTable<string, string, string, string>(both, options),
          to('out', text),
        );
      }),
    );
    const ask = () => {
      driver.pipe('stream', { key: 'k', value: 'S' });
      return driver.read<string, string>('out').map(({ value }) => value);
    };
    expect(ask()).toEqual(['S+null']);
    driver.pipe('right', { key: 'k', value: 'a' });
    expect(ask()).toEqual(['S+null+a']);
    driver.pipe('left', { key: 'k', value: 'A' });
    expect(ask()).toEqual(['S+A+a']);
  });

  it('counts of a versioned table only what is latest', () => {
    const store = versionedStore({ name: 'versions', ...text, historyMs: 100 });
    const { driver, pipe } = pipesInto(joined('left', { left: { store } }));
    expect(pipe(['left', 'k', 'B', 20])).toBe('-→B+null @20');
    expect(pipe(['left', 'k', 'A', 10])).toBe('');
    expect(driver.counters.get('records.dropped.out-of-order')).toBe(1);
    expect(pipe(['left', 'k', 'C', 30])).toBe('B+null→C+null @30');
  });

  it('needs as many partitions on both sides: said with both names', () => {
    expect(() => testDriver(joined('inner'), { partitions: { left: 1, right: 4 } })).toThrow(
      /left 1, right 4/,
    );
  });

  const steps: fc.Arbitrary<readonly Step[]> = fc.array(
    fc.record({
      topic: fc.constantFrom('left', 'right'),
      key: fc.constantFrom('p', 'q'),
      value: fc.option(fc.constantFrom('a', 'b'), { freq: 2 }),
      timestampMs: fc.nat({ max: 20 }),
    }),
    { maxLength: 10 },
  );

  it.each(['inner', 'left', 'outer'] as const)(
    '%s: holds the join of both as they are, after any crashes',
    kind => {
      const store = () => keyValueStore({ name: 'both', ...text });
      fc.assert(
        fc.property(batchesOf(steps), batches => {
          const smooth = runBatches(joined(kind, { store: store() }), smoothly(batches), 2);
          const torn = runBatches(joined(kind, { store: store() }), batches, 2);
          for (const partition of [0, 1]) {
            const [left, right] = ['left', 'right'].map(name => torn.store<string, string>(name, partition));
            const expected = ['p', 'q'].flatMap(key => {
              const [one, two] = [left!.get(key) ?? null, right!.get(key) ?? null];
              const isThere = { inner: one && two, left: one, outer: one ?? two }[kind];
              return isThere ? [[key, join(one, two)]] : [];
            });
            expect([...torn.store('both', partition).all()]).toEqual(expected);
            expect([...smooth.store('both', partition).all()]).toEqual(expected);
          }
        }),
        { numRuns: 150 },
      );
    },
  );
});
