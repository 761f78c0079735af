import { map } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { jsonSerde, textSerde } from '#schemas';
import {
  aggregateTable,
  type Builder,
  countTable,
  filterTable,
  groupTable,
  joinTable,
  keyValueStore,
  mapTable,
  reduceTable,
  type Stream,
  selectKey,
  type Table,
  testDriver,
  to,
  topology,
  toStream,
  toTable,
  versionedStore,
} from '../index.ts';

const text = { key: textSerde, value: textSerde };
const numberSerde = jsonSerde<number>();
const store = (name: string) => keyValueStore({ name, ...text });
const versions = (historyMs = 10) => versionedStore({ name: 'versions', ...text, historyMs });

type Row = readonly [key: string | null, value: string | null, timestampMs?: number];

/** Changes as text: `key old→new @time`, and whether it is of history. */
const changes = (table: Table<string, string>) =>
  table.pipe(
    map(record => {
      const { old, new: now, isLatest } = record.value;
      return { ...record, value: `${old ?? '-'}→${now ?? '-'}${isLatest ? '' : ' (history)'}` };
    }),
    to('out', text),
  );

function run(build: (b: Builder) => void, rows: readonly Row[]) {
  const driver = testDriver(topology('t', build));
  const out = rows.map(([key, value, timestampMs = 0]) => {
    driver.pipe('in', { key, value, timestampMs });
    return driver
      .read<string, string | null>('out')
      .map(each => `${each.key} ${each.value} @${each.timestampMs}`);
  });
  return { driver, out: out.map(each => each.join(', ')) };
}

describe('a table of a topic', () => {
  it('is the latest value of each key; null deletes', () => {
    const { driver, out } = run(
      b => changes(b.table('in', text)),
      [
        ['a', '1', 1],
        ['b', '1', 2],
        ['a', '2', 3],
        ['a', null, 4],
        ['a', null, 5],
      ],
    );
    expect(out).toEqual(['a -→1 @1', 'b -→1 @2', 'a 1→2 @3', 'a 2→- @4', 'a -→- @5']);
    expect([...driver.store('in').all()]).toEqual([['b', '1']]);
  });

  it('takes what comes out of order for what is latest, as its topic does, and drops what has no key', () => {
    const { driver, out } = run(
      b => changes(b.table('in', text)),
      [
        ['a', 'new', 10],
        ['a', 'old', 5],
        [null, 'x', 6],
      ],
    );
    expect(out).toEqual(['a -→new @10', 'a new→old @5', '']);
    expect(driver.store('in').timestampOf('a')).toBe(5);
    expect(driver.counters.get('records.dropped.null-key')).toBe(1);
  });

  it('has its store in a changelog of its own, and is there after a crash', () => {
    const { driver } = run(b => changes(b.table('in', { ...text, store: store('rows') })), [['a', '1', 1]]);
    driver.crash();
    driver.recover();
    driver.pipe('in', { key: 'a', value: '2', timestampMs: 2 });
    expect(driver.read<string, string>('out').map(({ value }) => value)).toEqual(['1→2']);
    expect(driver.records('t-rows-changelog').map(({ value }) => `${value}`)).toEqual(['1', '2']);
  });

  it('with versions: says what is of history, and drops and counts what is older', () => {
    const { driver, out } = run(
      b => changes(b.table('in', { ...text, store: versions() })),
      [
        ['a', 'c', 20],
        ['a', 'b', 15],
        ['a', 'x', 9],
        ['a', 'd', 21],
      ],
    );
    expect(out).toEqual(['a -→c @20', 'a c→b (history) @15', '', 'a c→d @21']);
    expect(driver.counters.get('records.dropped.too-old')).toBe(1);
  });
});

describe('a table of a stream', () => {
  const source = (b: Builder) =>
    b.source('in', { ...text, nulls: 'keep' }) as unknown as Stream<string, string>;

  it('is as one of a topic', () => {
    const rows: readonly Row[] = [
      ['a', '1', 1],
      ['a', '2', 2],
      [null, 'x', 3],
      ['a', null, 4],
    ];
    const { driver, out } = run(b => changes(source(b).pipe(toTable({ store: store('rows') }))), rows);
    expect(out).toEqual(['a -→1 @1', 'a 1→2 @2', '', 'a 2→- @4']);
    expect(driver.counters.get('records.dropped.null-key')).toBe(1);
  });

  it('is repartitioned where the key changed, and refused where it is not said how', () => {
    const moved = (b: Builder) => source(b).pipe(selectKey(({ value }) => value));
    expect(() => topology('t', b => moved(b).pipe(toTable({ store: store('rows') })))).toThrow(
      /before toTable: give it `repartition`/,
    );
    const repartition = { value: textSerde };
    const { driver, out } = run(
      b => changes(moved(b).pipe(toTable({ store: store('rows'), repartition }))),
      [['a', 'x', 1]],
    );
    expect(out).toEqual(['x -→x @1']);
    expect(driver.records('t-rows-repartition').length).toBe(1);
  });
});

describe('a table made of another', () => {
  const rows: readonly Row[] = [
    ['a', 'no', 1],
    ['a', 'yes', 2],
    ['a', 'yes!', 3],
    ['a', 'no', 4],
    ['a', null, 5],
    ['b', null, 6],
  ];

  it.each([undefined, store('kept')])('holds what passes, and speaks of nothing else (%#)', kept => {
    const passes = (value: string) => value.startsWith('yes');
    const options = kept ? { store: kept } : {};
    const { driver, out } = run(b => changes(b.table('in', text).pipe(filterTable(passes, options))), rows);
    expect(out).toEqual(['', 'a -→yes @2', 'a yes→yes! @3', 'a yes!→- @4', '', '']);
    if (kept) expect(driver.store('kept').size).toBe(0);
  });

  it.each([undefined, store('kept')])('holds other values under the same keys (%#)', kept => {
    const shout = (value: string, key: string) => `${key}:${value.toUpperCase()}`;
    const options = kept ? { store: kept } : {};
    const { driver, out } = run(
      b => changes(b.table('in', text).pipe(mapTable(shout, options))),
      rows.slice(0, 2),
    );
    expect(out).toEqual(['a -→a:NO @1', 'a a:NO→a:YES @2']);
    if (kept) expect(driver.store('kept').get('a')).toBe('a:YES');
  });

  it('is a stream of its new values', () => {
    const { out } = run(b => b.table('in', text).pipe(toStream(), to('out', text)), rows.slice(3));
    expect(out).toEqual(['a no @4', 'a null @5', 'b null @6']);
  });

  it('is no table after an RxJS operator: the next operator says so', () => {
    expect(() =>
      topology('t', b => {
        const rxjs = b.table('in', text).pipe(map(record => record));
        b.source('stream', text).pipe(joinTable(rxjs, { join: (a, c) => a + c }));
      }),
    ).toThrow(/joinTable was given #2 rxjs, which is a stream: make it a table with toTable\(\)/);
  });
});

describe('groups of a table', () => {
  /** `group:member`; no group: in none. */
  const grouped = (b: Builder, given: Partial<Parameters<Builder['table']>[1]> = {}) =>
    b.table<string, string>('in', { ...text, ...(given as object) }).pipe(
      groupTable(
        (_, value) => {
          const [group, member] = value.split(':');
          return [group || null, member ?? null] as const;
        },
        { name: 'groups', ...text },
      ),
    );
  const spelled = {
    store: store('spelled'),
    initial: () => '',
    add: (sum: string, member: string) => `${sum}+${member}`,
    subtract: (sum: string, member: string) => `${sum}-${member}`,
  };

  it('lose what a member was before they get what it is, the old group first', () => {
    const { out } = run(
      b => changes(grouped(b).pipe(aggregateTable(spelled))),
      [
        ['a', 'g:1', 1],
        ['b', 'g:2', 5],
        ['a', 'g:3', 3],
        ['a', 'h:3', 4],
        ['b', null, 9],
      ],
    );
    expect(out).toEqual([
      'g -→+1 @1',
      'g +1→+1+2 @5',
      'g +1+2→+1+2-1+3 @5',
      'g +1+2-1+3→+1+2-1+3-3 @5, h -→+3 @4',
      'g +1+2-1+3-3→+1+2-1+3-3-2 @9',
    ]);
  });

  it('leave out what has no group or no member', () => {
    const { out } = run(
      b => changes(grouped(b).pipe(aggregateTable(spelled))),
      [
        ['a', ':1', 1],
        ['a', 'g', 2],
        ['a', 'g:1', 3],
        ['a', ':1', 4],
      ],
    );
    expect(out).toEqual(['', '', 'g -→+1 @3', 'g +1→+1-1 @4']);
  });

  it('are counted, and reduced to a value of their members kind', () => {
    const counts = keyValueStore({ name: 'counts', key: textSerde, value: numberSerde });
    const longest = store('longest');
    const { driver } = run(
      b => {
        const groups = grouped(b);
        groups.pipe(countTable({ store: counts }));
        const add = (a: string, c: string) => a + c;
        const subtract = (a: string, c: string) => a.replace(c, '') || null;
        changes(groups.pipe(reduceTable({ store: longest, add, subtract })));
      },
      [
        ['a', 'g:1'],
        ['b', 'g:2'],
        ['c', 'h:3'],
        ['a', 'h:4'],
        ['b', null],
      ],
    );
    expect([...driver.store('counts').all()]).toEqual([
      ['g', 0],
      ['h', 2],
    ]);
    expect([...driver.store('longest').all()]).toEqual([['h', '34']]);
  });

  it('of a versioned table are made of what is latest only', () => {
    const given = { store: versions(100) };
    const { out } = run(
      b => changes(grouped(b, given).pipe(aggregateTable(spelled))),
      [
        ['a', 'g:1', 20],
        ['a', 'g:0', 10],
        ['a', 'g:2', 30],
      ],
    );
    expect(out).toEqual(['g -→+1 @20', '', 'g +1→+1-1+2 @30']);
  });
});
