import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { textSerde } from '#schemas';
import {
  joinForeignKey,
  keyValueStore,
  mapTable,
  type TableOptions,
  testDriver,
  to,
  topology,
  toStream,
  versionedStore,
} from '../index.ts';
import { batchesOf, runBatches, type Step, smoothly } from '../table/crash.ts';

const text = { key: textSerde, value: textSerde };
type Kind = 'inner' | 'left';
type Row = readonly [topic: 'orders' | 'customers', key: string, value: string | null, timestampMs?: number];

const join = (order: string, customer: string | null) => `${order}+${customer}`;
/** An order is `customer/what`; without a customer nobody's. */
const select = (order: string) => order.split('/')[0] || null;
const options = () => ({ name: 'placed', select, store: keyValueStore({ name: 'both', ...text }), join });

const joined = (kind: Kind, orders: Partial<TableOptions<string, string>> = {}) =>
  topology('t', b => {
    b.table('orders', { ...text, ...orders }).pipe(
      joinForeignKey(b.table('customers', text), { ...options(), kind: kind as 'left' }),
      toStream(),
      to('out', text),
    );
  });

function pipesInto(t: ReturnType<typeof topology>, partitions: Readonly<Record<string, number>> = {}) {
  const driver = testDriver(t, { partitions });
  const pipe = ([topic, key, value, timestampMs = 0]: Row) => {
    driver.pipe(topic, { key, value, timestampMs });
    const out = driver.read<string, string>('out');
    return out.map(each => `${each.key} ${each.value} @${each.timestampMs}`).join(', ');
  };
  return { driver, pipe };
}

const rows: readonly (readonly [Row, inner: string, left: string])[] = [
  // An order of somebody unknown; then he is known, changes, is unknown again.
  [['orders', '1', 'ann/pen', 1], '', '1 ann/pen+null @1'],
  [['customers', 'ann', 'Ann', 2], '1 ann/pen+Ann @2', '1 ann/pen+Ann @2'],
  [['customers', 'ann', 'Anna', 1], '1 ann/pen+Anna @1', '1 ann/pen+Anna @1'],
  [['customers', 'ann', null, 4], '1 null @4', '1 ann/pen+null @4'],
  [['customers', 'bob', 'Bob', 5], '', ''],
  [['customers', 'ann', 'Ann', 6], '1 ann/pen+Ann @6', '1 ann/pen+Ann @6'],
  // Another order of the same, and both change with her.
  [['orders', '2', 'ann/ink', 5], '2 ann/ink+Ann @6', '2 ann/ink+Ann @6'],
  [
    ['customers', 'ann', 'Anna', 7],
    '1 ann/pen+Anna @7, 2 ann/ink+Anna @7',
    '1 ann/pen+Anna @7, 2 ann/ink+Anna @7',
  ],
  // What is ordered changes; then who ordered it; then by somebody unknown; by nobody.
  [['orders', '1', 'ann/cup', 8], '1 ann/cup+Anna @8', '1 ann/cup+Anna @8'],
  [['orders', '1', 'bob/cup', 9], '1 bob/cup+Bob @9', '1 bob/cup+Bob @9'],
  [['customers', 'ann', 'Ann', 10], '2 ann/ink+Ann @10', '2 ann/ink+Ann @10'],
  [['orders', '1', 'cid/cup', 11], '1 null @11', '1 cid/cup+null @11'],
  [['orders', '1', '/cup', 12], '1 null @12', '1 /cup+null @12'],
  [['orders', '1', '/cap', 13], '', '1 /cap+null @13'],
  [['customers', 'cid', 'Cid', 14], '', ''],
  [['orders', '1', 'cid/cap', 15], '1 cid/cap+Cid @15', '1 cid/cap+Cid @15'],
  // Orders that are deleted, one twice, one that never was.
  [['orders', '1', null, 16], '1 null @16', '1 null @16'],
  [['customers', 'cid', 'Cyd', 17], '', ''],
  [['orders', '1', null, 18], '', ''],
  [['orders', '3', null, 19], '', ''],
];

describe('a join of two tables by foreign key', () => {
  it.each(['inner', 'left'] as const)(
    '%s: changes with the row that refers and with the one referred to',
    kind => {
      for (const partitions of [
        { orders: 1, customers: 1 },
        { orders: 3, customers: 2 },
      ]) {
        const { driver, pipe } = pipesInto(joined(kind, {}), partitions);
        rows.forEach(([row, inner, left], at) => {
          expect(pipe(row), `row ${at + 1}`).toBe(kind === 'inner' ? inner : left);
        });
        expect(driver.counters.get('records.dropped.null-foreign-key')).toBe(kind === 'inner' ? 2 : 0);
      }
    },
  );

  it('leaves out answers for a row as it was', () => {
    const { driver } = pipesInto(joined('left'));
    driver.pipe('customers', [
      { key: 'ann', value: 'Ann' },
      { key: 'bob', value: 'Bob' },
    ]);
    driver.autoCommit = false;
    for (const value of ['ann/pen', 'bob/pen', 'ann/cup']) driver.pipe('orders', { key: '1', value });
    driver.commit();
    driver.commit();
    driver.commit();
    expect(driver.read<string, string>('out').map(({ value }) => value)).toEqual(['ann/cup+Ann']);
    expect(driver.counters.get('records.dropped.stale-answer')).toBe(2);
  });

  it.each([
    ['/pen', null],
    ['/pen', '/cup'],
    ['cid/pen', 'cid/cup'],
    ['/pen', 'cid/cup'],
    [null, '/pen'],
  ])(
    'inner: has no result any more when a row changes to %s and then %s, before it is answered',
    (...values) => {
      const { driver, pipe } = pipesInto(joined('inner'));
      pipe(['customers', 'bob', 'Bob']);
      expect(pipe(['orders', '1', 'bob/pen'])).toBe('1 bob/pen+Bob @0');
      driver.autoCommit = false;
      for (const value of values) driver.pipe('orders', { key: '1', value });
      for (let i = 0; i < 3; i += 1) driver.commit();
      expect(driver.read<string, string>('out').map(({ value }) => value)).toEqual([null]);
      expect(driver.store('both').size).toBe(0);
    },
  );

  it('joins a table with itself', () => {
    const driver = testDriver(
      topology('t', b => {
        const people = b.table('people', text);
        const boss = (person: string) => person.split('<')[1] ?? null;
        const join = (person: string, of: string | null) => `${person}+${of?.split('<')[0]}`;
        people.pipe(
          joinForeignKey(people, { ...options(), select: boss, kind: 'left', join }),
          toStream(),
          to('out', text),
        );
      }),
      { partitions: 2 },
    );
    driver.pipe('people', [
      { key: '1', value: 'Ann<2' },
      { key: '2', value: 'Bob' },
      { key: '2', value: 'Rob<1' },
    ]);
    expect([0, 1].flatMap(partition => [...driver.store('both', partition).all()]).sort()).toEqual([
      ['1', 'Ann<2+Rob'],
      ['2', 'Rob<1+Ann'],
    ]);
  });

  it('counts of a versioned table only what is latest', () => {
    const store = versionedStore({ name: 'versions', ...text, historyMs: 100 });
    const { driver, pipe } = pipesInto(joined('left', { store }));
    expect(pipe(['orders', '1', 'ann/pen', 20])).toBe('1 ann/pen+null @20');
    expect(pipe(['orders', '1', 'bob/pen', 10])).toBe('');
    expect(driver.counters.get('records.dropped.out-of-order')).toBe(1);
  });

  it('asks for a store where it would not know how to send rows', () => {
    expect(() =>
      topology('t', b => {
        const orders = b.table('orders', text).pipe(mapTable(value => value));
        orders.pipe(joinForeignKey(b.table('customers', text), options() as never));
      }),
    ).toThrow(/give the mapTable\(\) or joinTables\(\) before it a store/);
  });

  it('shows the topics through which its tasks speak', async () => {
    await expect(joined('left').describe()).toMatchFileSnapshot('golden/join-foreign-key.txt');
  });

  const steps: fc.Arbitrary<readonly Step[]> = fc.array(
    fc.oneof(
      fc.record({
        topic: fc.constant('orders'),
        key: fc.constantFrom('1', '2', '3'),
        value: fc.option(fc.constantFrom('ann/pen', 'ann/cup', 'bob/pen', '/pen'), { freq: 4 }),
        timestampMs: fc.nat({ max: 20 }),
      }),
      fc.record({
        topic: fc.constant('customers'),
        key: fc.constantFrom('ann', 'bob'),
        value: fc.option(fc.constantFrom('A', 'B'), { freq: 2 }),
        timestampMs: fc.nat({ max: 20 }),
      }),
    ),
    { maxLength: 10 },
  );

  it.each(['inner', 'left'] as const)('%s: holds the join of both as they are, after any crashes', kind => {
    fc.assert(
      fc.property(batchesOf(steps), batches => {
        for (const driver of [
          runBatches(joined(kind), smoothly(batches), 2),
          runBatches(joined(kind), batches, 2),
        ]) {
          driver.commit();
          driver.commit();
          const all = (name: string) =>
            [0, 1].flatMap(partition => [...driver.store<string, string>(name, partition).all()]);
          const customers = new Map(all('customers'));
          const expected = all('orders').flatMap(([key, order]) => {
            const customer = customers.get(select(order) ?? '') ?? null;
            return customer === null && kind === 'inner' ? [] : [[key, join(order, customer)]];
          });
          expect(all('both')).toEqual(expected);
        }
      }),
      { numRuns: 200 },
    );
  });
});
