import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as path } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { textSerde } from '#schemas';
import {
  filterTable,
  joinGlobal,
  joinStream,
  joinTable,
  keyValueStore,
  mapTable,
  type Stream,
  selectKey,
  type TableOptions,
  testDriver,
  to,
  topology,
  versionedStore,
} from '../index.ts';
import { batchesOf, runBatches, type Step, smoothly } from '../table/crash.ts';

const text = { key: textSerde, value: textSerde };
type Kind = 'inner' | 'left';
type Row = readonly [
  topic: 'stream' | 'table',
  key: string | null,
  value: string | null,
  timestampMs?: number,
];

const join = (value: string, held: string | null) => `${value}+${held}`;
const versions = () => versionedStore({ name: 'versions', ...text, historyMs: 50 });
const wait = (graceMs: number) => ({ graceMs, name: 'waiting', ...text });

function joined(
  kind: Kind,
  { table = {}, graceMs }: { table?: Partial<TableOptions<string, string>>; graceMs?: number } = {},
) {
  return topology('t', b => {
    const stream = b.source('stream', { ...text, nulls: 'keep' }) as unknown as Stream<string, string>;
    const options = { kind: kind as 'left', join, ...(graceMs !== undefined && { wait: wait(graceMs) }) };
    stream.pipe(joinTable(b.table('table', { ...text, ...table }), options), to('out', text));
  });
}

function pipesInto(t: ReturnType<typeof topology>) {
  const driver = testDriver(t);
  const pipe = ([topic, key, value, timestampMs = 0]: Row) => {
    driver.pipe(topic, { key, value, timestampMs });
    const out = driver.read<string, string>('out');
    return out.map(each => `${each.key} ${each.value} @${each.timestampMs}`).join(', ');
  };
  return { driver, pipe };
}

/** The table of Kafka Streams' documentation: the stream's record, or the table's. */
const documented: readonly (readonly [Row[0], string | null, inner: string, left: string])[] = [
  ['stream', null, '', ''],
  ['table', null, '', ''],
  ['stream', 'A', '', 'A+null'],
  ['table', 'a', '', ''],
  ['stream', 'B', 'B+a', 'B+a'],
  ['table', 'b', '', ''],
  ['stream', null, '', ''],
  ['table', null, '', ''],
  ['stream', 'C', '', 'C+null'],
  ['table', 'c', '', ''],
  ['table', null, '', ''],
  ['stream', null, '', ''],
  ['table', null, '', ''],
  ['table', 'd', '', ''],
  ['stream', 'D', 'D+d', 'D+d'],
];

describe('a join of a stream with a table', () => {
  it.each(['inner', 'left'] as const)('%s: gives each record what the table holds then', kind => {
    const { driver, pipe } = pipesInto(joined(kind));
    documented.forEach(([topic, value, inner, left], at) => {
      const expected = kind === 'inner' ? inner : left;
      expect(pipe([topic, 'k', value, at]), `row ${at + 1}`).toBe(expected && `k ${expected} @${at}`);
    });
    expect(driver.counters.get('records.dropped.null-value')).toBe(3);
  });

  it('sends a record without key when all are kept, else drops and counts it', () => {
    const left = pipesInto(joined('left'));
    expect(left.pipe(['stream', null, 'A'])).toBe('null A+null @0');
    const inner = pipesInto(joined('inner'));
    expect(inner.pipe(['stream', null, 'A'])).toBe('');
    expect(inner.driver.counters.get('records.dropped.null-key')).toBe(1);
  });

  it('sees what processing has reached, whatever the times', () => {
    const { pipe } = pipesInto(joined('inner'));
    pipe(['table', 'k', 'later', 100]);
    expect(pipe(['stream', 'k', 'A', 1])).toBe('k A+later @1');
  });

  it('reads through what the table was made of', () => {
    const { pipe } = pipesInto(
      topology('t', b => {
        const table = b.table('table', text).pipe(
          filterTable(value => value !== 'hidden'),
          mapTable((value, key) => `${key}:${value}`),
        );
        b.source('stream', text).pipe(joinTable(table, { join }), to('out', text));
      }),
    );
    pipe(['table', 'k', 'a', 1]);
    expect(pipe(['stream', 'k', 'A', 5])).toBe('k A+k:a @5');
    pipe(['table', 'k', 'hidden', 2]);
    expect(pipe(['stream', 'k', 'A', 5])).toBe('');
  });

  it('repartitions the stream to where the table is when its key changed, as it is told to', () => {
    const build = (given: object) =>
      topology('t', b => {
        const stream = b.source('stream', text).pipe(selectKey(({ value }) => value));
        stream.pipe(joinTable(b.table('table', text), { join, ...given }), to('out', text));
      });
    expect(() => build({})).toThrow(/before joinTable inner: give it `repartition`/);
    const driver = testDriver(build({ repartition: { name: 'moved', ...text } }), {
      partitions: { stream: 2, table: 3 },
    });
    for (const key of 'abcdefgh') driver.pipe('table', { key, value: key });
    for (const value of 'abcdefgh') driver.pipe('stream', { key: 'any', value });
    const got = driver.read<string, string>('out').map(({ key, value }) => `${key} ${value}`);
    expect(got.toSorted()).toEqual([...'abcdefgh'].map(key => `${key} ${key}+${key}`));
    const ill = joined('inner');
    expect(() => testDriver(ill, { partitions: { stream: 2, table: 3 } })).toThrow(/stream 2, table 3/);
  });
});

describe('a join of a stream with a versioned table', () => {
  it('gives each record what the table held at its time', () => {
    const { pipe } = pipesInto(joined('left', { table: { store: versions() } }));
    pipe(['table', 'k', 'a', 10]);
    pipe(['table', 'k', 'b', 20]);
    pipe(['table', 'k', null, 30]);
    const at = (timeMs: number) => pipe(['stream', 'k', 'A', timeMs]);
    expect([9, 10, 19, 20, 29, 30].map(at)).toEqual(
      ['null', 'a', 'a', 'b', 'b', 'null'].map((held, i) => `k A+${held} @${[9, 10, 19, 20, 29, 30][i]}`),
    );
    pipe(['table', 'k', 'between', 15]);
    expect([14, 15].map(at)).toEqual(['k A+a @14', 'k A+between @15']);
  });

  it('lets records wait for versions that come late; the oldest first, then by key', () => {
    const { pipe } = pipesInto(joined('left', { table: { store: versions() }, graceMs: 10 }));
    expect(pipe(['stream', 'q', 'B', 20])).toBe('');
    expect(pipe(['stream', 'p', 'A', 20])).toBe('');
    expect(pipe(['stream', 'q', 'C', 20])).toBe('');
    expect(pipe(['stream', 'p', 'D', 15])).toBe('');
    pipe(['table', 'p', 'a', 18]);
    pipe(['table', 'q', 'b', 25]);
    expect(pipe(['stream', 'z', 'E', 29])).toBe('p D+null @15');
    pipe(['table', 'q', 'c', 19]);
    expect(pipe(['stream', 'z', 'E', 30])).toBe('p A+a @20, q B+c @20, q C+c @20');
    expect(pipe(['stream', 'p', 'late', 19])).toBe('p late+a @19');
  });

  it('gives a record that waited its own headers and origin, also after a restart', () => {
    const origins: unknown[] = [];
    const t = topology('t', b => {
      const table = b.table('table', { ...text, store: versions() });
      const stream = b.source('stream', text).pipe(joinTable(table, { kind: 'left', join, wait: wait(5) }));
      stream.pipe(to('out', { ...text, partition: ({ origin }) => origins.push(origin) * 0 }));
    });
    const driver = testDriver(t);
    driver.pipe('stream', { key: 'k', value: 'A', timestampMs: 1, headers: { h: Buffer.from([0, 255]) } });
    driver.crash();
    driver.recover();
    driver.pipe('stream', { key: 'z', value: 'B', timestampMs: 6 });
    expect(driver.read('out')).toMatchObject([{ key: 'k', headers: { h: Buffer.from([0, 255]) } }]);
    expect(origins).toEqual([{ topic: 'stream', partition: 0, offset: 0 }]);
  });

  it('needs the versions to wait for', () => {
    const rows = keyValueStore({ name: 'rows', ...text });
    expect(() => joined('left', { table: { store: rows }, graceMs: 10 })).toThrow(
      /give the table a versionedStore/,
    );
  });

  const steps: fc.Arbitrary<readonly Step[]> = fc.array(
    fc
      .record({
        topic: fc.constantFrom('stream', 'table'),
        key: fc.constantFrom('p', 'q'),
        value: fc.constantFrom('a', 'b', 'c'),
        timestampMs: fc.integer({ min: 0, max: 40 }),
        isNull: fc.boolean(),
      })
      .map(({ isNull, ...step }) => ({
        ...step,
        value: isNull && step.topic === 'table' ? null : step.value,
      })),
    { maxLength: 12 },
  );

  it('gives the same after any crashes in any checkpoints, and so do the records after that', () => {
    const t = () => joined('left', { table: { store: versions() }, graceMs: 8 });
    const out = (driver: ReturnType<typeof testDriver>) =>
      driver.read<string, string>('out').map(each => `${each.key} ${each.value} @${each.timestampMs}`);
    fc.assert(
      fc.property(batchesOf(steps), steps, (batches, more) => {
        const smooth = runBatches(t(), smoothly(batches));
        const torn = runBatches(t(), batches);
        expect(new Set(out(torn))).toEqual(new Set(out(smooth)));
        torn.crash();
        torn.recover();
        for (const { topic, ...record } of more)
          for (const driver of [smooth, torn]) driver.pipe(topic, record);
        expect(out(torn)).toEqual(out(smooth));
      }),
      { numRuns: 150 },
    );
  });
});

describe('a join of a stream with a global table', () => {
  const global = (kind: Kind) =>
    topology('t', b => {
      const stream = b.source('stream', { ...text, nulls: 'keep' }) as unknown as Stream<string, string>;
      const table = b.globalTable('table', text);
      const select = ({ value }: { readonly value: string }) => (value === 'none' ? null : value);
      stream.pipe(joinGlobal(table, { select, kind: kind as 'left', join }), to('out', text));
    });

  it.each<readonly [Kind, readonly string[]]>([
    ['inner', ['', '', 'k a+A @3', '', '', 'null a+A @6']],
    ['left', ['k a+null @1', '', 'k a+A @3', 'k none+null @4', '', 'null a+A @6']],
  ])('%s: gives each record what is held under the key it chooses', (kind, expected) => {
    const { driver, pipe } = pipesInto(global(kind));
    const rows: readonly Row[] = [
      ['stream', 'k', 'a', 1],
      ['table', 'a', 'A', 2],
      ['stream', 'k', 'a', 3],
      ['stream', 'k', 'none', 4],
      ['stream', 'k', null, 5],
      ['stream', null, 'a', 6],
    ];
    expect(rows.map(pipe)).toEqual(expected);
    expect(driver.counters.get('records.dropped.null-value')).toBe(1);
    expect(driver.counters.get('records.dropped.null-key')).toBe(kind === 'inner' ? 1 : 0);
  });

  it('does not care for partitions', () => {
    const driver = testDriver(global('inner'), { partitions: { stream: 2, table: 3 } });
    driver.pipe(
      'table',
      [...'abc'].map(key => ({ key, value: key.toUpperCase() })),
    );
    driver.pipe(
      'stream',
      [...'abc'].map(value => ({ key: value, value })),
    );
    expect(
      driver
        .read<string, string>('out')
        .map(({ value }) => value)
        .toSorted(),
    ).toEqual(['a+A', 'b+B', 'c+C']);
  });
});

describe('joins with state on disk', () => {
  const root = mkdtempSync(path(tmpdir(), 'sluice-joins-'));
  afterAll(() => rmSync(root, { recursive: true }));

  /** All is written to the files with every checkpoint. */
  const kept = { engine: 'disk', memory: { cacheBytes: 100, bufferBytes: 100 } } as const;
  const onDisk = (engine: object) =>
    topology('t', b => {
      const store = versionedStore({ name: 'versions', ...text, historyMs: 15, ...engine });
      const stream = b.source('stream', text);
      stream.pipe(joinTable(b.table('table', { ...text, store }), { kind: 'left', join }), to('held', text));
      const span = { beforeMs: 5, afterMs: 5, graceMs: 5 };
      const serdes = { name: 'pairs', key: textSerde, left: textSerde, right: textSerde };
      const other = b.source('other', text);
      stream.pipe(joinStream(other, { ...span, ...serdes, ...engine, join }), to('pairs', text));
    });
  const steps: fc.Arbitrary<readonly Step[]> = fc.array(
    fc.record({
      topic: fc.constantFrom('stream', 'other', 'table'),
      key: fc.constantFrom('p', 'q'),
      value: fc.constantFrom('a', 'b'),
      timestampMs: fc.integer({ min: 0, max: 60 }),
    }),
    { minLength: 1, maxLength: 8 },
  );

  it('give what those in memory give, also after the process ended', () => {
    fc.assert(
      fc.property(fc.array(steps, { minLength: 1, maxLength: 4 }), rounds => {
        const inMemory = testDriver(onDisk({}));
        const disk = testDriver(onDisk(kept), { stateDir: mkdtempSync(path(root, 'state-')) });
        for (const round of rounds) {
          for (const driver of [inMemory, disk]) {
            for (const { topic, ...record } of round) driver.pipe(topic, record);
            driver.crash();
            driver.recover();
          }
          for (const topic of ['held', 'pairs']) expect(disk.read(topic)).toEqual(inMemory.read(topic));
        }
        disk.close();
      }),
      { numRuns: 20 },
    );
  });
});
