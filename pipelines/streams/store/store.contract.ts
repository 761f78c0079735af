/** What every way of keeping a store is held to: each engine, bare and with a changelog. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonSerde, type Serde, textSerde } from '#schemas';
import type { KeyValueStore } from './key-value.ts';
import { keyValueStore } from './key-value-store.ts';
import type { OpenStore, StoreSpec } from './store.ts';

/** A store that can be used, and a checkpoint of it: what it was told is written, as far as that is necessary. */
export interface Bench<S> {
  readonly store: S;
  /** What the changelog holds after a checkpoint, compacted, by the text of the key. */
  readonly logged: ReadonlyMap<string, LogEntry>;
  checkpoint(): void;
  end(): void;
}

export interface StoreCase {
  readonly name: string;
  readonly changelog: boolean;
  readonly engine: 'memory' | 'disk';
  /** Of what may stay in memory; small, so that all of it has to be read and written. */
  readonly memory?: { readonly cacheBytes: number; readonly bufferBytes: number };
  open<S>(spec: StoreSpec<S>, environment: { streamTimeMs(): number }): Bench<S>;
}

export interface LogEntry {
  readonly key: Buffer;
  readonly value: string;
  readonly timestampMs: number;
}

interface Pair {
  readonly a: string;
  readonly b: number;
}

const pair: Serde<Pair> = {
  serialize: ({ a, b }) => Buffer.from(`${a}/${b}`),
  deserialize: bytes => {
    const [a = '', b = ''] = bytes.toString().split('/');
    return { a, b: Number(b) };
  },
};
export const numberSerde = jsonSerde<number>();

const text = fc.string({ maxLength: 3, unit: 'binary' });
type Change =
  | { readonly kind: 'put'; readonly key: string; readonly value: number; readonly timestampMs: number }
  | { readonly kind: 'delete'; readonly key: string }
  | { readonly kind: 'checkpoint' };
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({
    kind: fc.constant('put' as const),
    key: text,
    value: fc.integer(),
    timestampMs: fc.nat(),
  }),
  fc.record({ kind: fc.constant('delete' as const), key: text }),
  fc.record({ kind: fc.constant('checkpoint' as const) }),
);

export function keyValueContract(each: StoreCase): void {
  const { changelog, engine, memory } = each;
  const withBench = <K, V, T>(
    serdes: { readonly key: Serde<K>; readonly value: Serde<V> },
    work: (bench: Bench<KeyValueStore<K, V>>) => T,
  ): T => {
    const spec = keyValueStore({ name: 's', ...serdes, changelog, engine, ...(memory && { memory }) });
    const bench = each.open(spec, { streamTimeMs: () => -1 });
    try {
      return work(bench);
    } finally {
      bench.end();
    }
  };
  const numbers = { key: textSerde, value: numberSerde };

  describe(`a key-value store ${each.name}`, () => {
    it('is a map in the order of the serialised keys, whenever it is written', () => {
      fc.assert(
        fc.property(fc.array(change, { maxLength: 30 }), text, text, (changes, from, to) =>
          withBench(numbers, ({ store, checkpoint, logged }) => {
            const model = new Map<string, { value: number; timestampMs: number }>();
            for (const step of changes) {
              if (step.kind === 'checkpoint') {
                checkpoint();
              } else if (step.kind === 'delete') {
                store.delete(step.key);
                model.delete(step.key);
              } else {
                store.put(step.key, step.value, step.timestampMs);
                model.set(step.key, step);
              }
              if (step.kind === 'checkpoint') continue;
              expect(store.get(step.key)).toBe(model.get(step.key)?.value);
              expect(store.has(step.key)).toBe(model.has(step.key));
              expect(store.timestampOf(step.key)).toBe(model.get(step.key)?.timestampMs ?? -1);
            }
            const bytes = (key: string) => textSerde.serialize(key);
            const sorted = [...model]
              .map(([key, { value }]) => [key, value] as const)
              .sort(([a], [b]) => Buffer.compare(bytes(a), bytes(b)));
            expect([...store.all()]).toEqual(sorted);
            expect(store.size).toBe(model.size);
            const inRange = sorted.filter(
              ([key]) =>
                Buffer.compare(bytes(key), bytes(from)) >= 0 && Buffer.compare(bytes(key), bytes(to)) < 0,
            );
            expect([...store.range({ from, to })]).toEqual(inRange);
            checkpoint();
            for (const [key, { timestampMs }] of model) expect(store.timestampOf(key)).toBe(timestampMs);
            const values = new Map([...model].map(([key, { value }]) => [latin1(key), String(value)]));
            if (changelog)
              expect(new Map([...logged].map(([key, { value }]) => [key, value]))).toEqual(values);
          }),
        ),
        { numRuns: engine === 'disk' ? 40 : 200 },
      );
    });

    it('takes objects as keys, by their bytes', () => {
      withBench({ key: pair, value: textSerde }, ({ store, checkpoint }) => {
        store.put({ a: 'x', b: 1 }, 'first');
        checkpoint();
        store.put({ a: 'x', b: 1 }, 'second');
        expect(store.get({ a: 'x', b: 1 })).toBe('second');
        expect(store.has({ a: 'x', b: 2 })).toBe(false);
        expect(store.size).toBe(1);
        expect([...store.all()]).toEqual([[{ a: 'x', b: 1 }, 'second']]);
      });
    });

    it('has a time per value, which goes with it', () => {
      withBench(numbers, ({ store, checkpoint }) => {
        store.put('a', 1, 1_764_000_000_000);
        store.put('b', 1);
        checkpoint();
        expect([store.timestampOf('a'), store.timestampOf('b')]).toEqual([1_764_000_000_000, -1]);
        store.delete('a');
        expect(store.timestampOf('a')).toBe(-1);
      });
    });

    it('keeps what is put after a checkpoint took it, also what was changed in place', () => {
      const list = jsonSerde<number[]>();
      withBench({ key: textSerde, value: list }, ({ store, checkpoint }) => {
        store.put('a', [1]);
        for (const next of [2, 3, 4]) {
          checkpoint();
          const value = store.get('a')!;
          value.push(next);
          store.put('a', value);
        }
        checkpoint();
        expect(store.get('a')).toEqual([1, 2, 3, 4]);
      });
    });

    for (const written of [false, true]) {
      it(`may be changed while it is iterated, ${written ? 'when all is written' : 'when nothing is'}`, () => {
        withBench(numbers, ({ store, checkpoint }) => {
          for (const key of ['a', 'b', 'c']) store.put(key, 1);
          if (written) checkpoint();
          const seen: (readonly [string, number])[] = [];
          for (const entry of store.all()) {
            seen.push(entry);
            store.delete('b');
            store.put('c', 2);
            store.put('d', 1);
          }
          expect(seen).toEqual([
            ['a', 1],
            ['c', 2],
          ]);
          expect([...store.all()].map(([key]) => key)).toEqual(['a', 'c', 'd']);
        });
      });
    }

    it('iterates over more than it has in memory', () => {
      withBench(numbers, ({ store, checkpoint }) => {
        const keys = Array.from({ length: 1_500 }, (_, i) => `k${String(i).padStart(5, '0')}`);
        for (const [i, key] of keys.entries()) {
          store.put(key, i);
          if (i % 400 === 0) checkpoint();
        }
        for (const key of keys.filter((_, i) => i % 3 === 0)) store.delete(key);
        const left = keys.map((key, i) => [key, i] as const).filter((_, i) => i % 3 !== 0);
        expect([...store.all()]).toEqual(left);
        checkpoint();
        expect([...store.all()]).toEqual(left);
        expect(store.size).toBe(1_000);
      });
    });
  });
}

const latin1 = (key: string) => textSerde.serialize(key).toString('latin1');

/** What a task does with an opened store that is new. */
export function benchOf<S>({ store, disk, changelog, expire }: OpenStore<S>): Bench<S> {
  if (disk) for (const _ of disk.recover({ id: null, earliest: 0, end: 0 }));
  disk?.begin('history');
  let end = 0;
  const logged = new Map<string, LogEntry>();
  return {
    ...{ store, logged },
    checkpoint() {
      expire?.();
      const records = changelog?.drain('log', 0, 0) ?? [];
      for (const { key, value, timestampMs = -1 } of records) {
        const id = key!.toString('latin1');
        if (value) logged.set(id, { key: key!, value: value.toString(), timestampMs });
        else logged.delete(id);
      }
      end += records.length;
      if (disk) disk.settle(disk.freeze(), end);
    },
    end: () => disk?.close(),
  };
}
