import { expect, it } from 'vitest';
import { textSerde } from '#schemas';
import {
  count,
  keyValueStore,
  process,
  repartition,
  selectKey,
  timelineStore,
  topology,
  tumblingWindows,
  windowedCount,
  windowStore,
} from '../index.ts';
import { namedStores } from './named-store.ts';

const text = { key: textSerde, value: textSerde };
const numbers = { serialize: (n: number) => Buffer.from(String(n)), deserialize: (b: Buffer) => Number(b) };
const counts = (name: string) => keyValueStore({ name, key: textSerde, value: numbers });

it('stores are listed with what may be asked of them', () => {
  const { graph } = topology('t', b => {
    const words = b.source('words', text);
    words.pipe(count({ store: counts('counts') }));
    words.pipe(
      windowedCount({
        windows: tumblingWindows({ sizeMs: 1_000, graceMs: 0 }),
        store: windowStore({ name: 'windows', key: textSerde, value: numbers }),
      }),
    );
    words.pipe(
      process(() => ({ process() {} }), {
        stores: [timelineStore({ name: 'times', ...text, retentionMs: 1, changelog: false })],
      }),
    );
  });
  expect(namedStores(graph)).toMatchObject([
    { name: 'counts', kind: 'key-value', changelog: true, subTopology: 0 },
    { name: 'times', kind: 'timeline', changelog: false },
    { name: 'windows', kind: 'timeline', changelog: true },
  ]);
});

it('a key is placed where it is the one that led the record there', () => {
  const { graph } = topology('t', b => {
    const words = b.source('words', text);
    words.pipe(count({ store: counts('same') }));
    words.pipe(
      selectKey(({ value }) => value, { partitioning: 'kept' }),
      count({ store: counts('kept') }),
    );
    words.pipe(
      selectKey(({ value }) => value),
      repartition({ name: 'again', ...text }),
      count({ store: counts('repartitioned') }),
    );
    words.pipe(process(() => ({ process() {} }), { stores: [counts('by-hand')] }));
  });
  const placed = Object.fromEntries(namedStores(graph).map(({ name, isPlaced }) => [name, isPlaced]));
  expect(placed).toEqual({ 'by-hand': false, kept: false, repartitioned: true, same: true });
});

it('keys are in order on disk only', () => {
  const stores = (['memory', 'disk'] as const).map(engine =>
    keyValueStore({ name: engine, key: textSerde, value: numbers, engine }),
  );
  const { graph } = topology('t', b => {
    b.source('words', text).pipe(process(() => ({ process() {} }), { stores }));
  });
  expect(namedStores(graph)).toMatchObject([
    { name: 'disk', isOrdered: true },
    { name: 'memory', isOrdered: false },
  ]);
});
