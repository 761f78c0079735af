import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Serde } from '#schemas';
import { textSerde } from '#schemas';
import { MemoryStore } from './memory-store.ts';

const pair: Serde<{ readonly a: string; readonly b: number }> = {
  serialize: ({ a, b }) => Buffer.from(`${a}/${b}`),
  deserialize: bytes => {
    const [a = '', b = ''] = bytes.toString().split('/');
    return { a, b: Number(b) };
  },
};

const change = fc.record({
  key: fc.string({ maxLength: 3, unit: 'binary' }),
  value: fc.option(fc.integer()),
});

describe('the memory store', () => {
  it('is a map in the order of the serialised keys, also while keys come and go', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(change, { maxLength: 8 }), { maxLength: 5 }),
        fc.string(),
        fc.string(),
        (rounds, from, to) => {
          const store = new MemoryStore<string, number>({ name: 's', key: textSerde });
          const model = new Map<string, number>();
          for (const round of rounds) {
            for (const { key, value } of round) {
              if (value === null) {
                store.delete(key);
                model.delete(key);
              } else {
                store.put(key, value);
                model.set(key, value);
              }
              expect(store.get(key)).toBe(model.get(key));
            }
            const bytes = (key: string) => textSerde.serialize(key);
            const sorted = [...model].sort(([a], [b]) => Buffer.compare(bytes(a), bytes(b)));
            expect([...store.all()]).toEqual(sorted);
            expect(store.size).toBe(model.size);
            const inRange = sorted.filter(
              ([key]) =>
                Buffer.compare(bytes(key), bytes(from)) >= 0 && Buffer.compare(bytes(key), bytes(to)) < 0,
            );
            expect([...store.range({ from, to })]).toEqual(inRange);
          }
        },
      ),
    );
  });

  it('takes objects as keys, by their bytes', () => {
    const store = new MemoryStore<{ a: string; b: number }, string>({ name: 's', key: pair });
    store.put({ a: 'x', b: 1 }, 'first');
    store.put({ a: 'x', b: 1 }, 'second');
    expect(store.get({ a: 'x', b: 1 })).toBe('second');
    expect(store.has({ a: 'x', b: 2 })).toBe(false);
    expect(store.size).toBe(1);
  });

  it('may be changed while it is iterated', () => {
    const store = new MemoryStore<string, number>({ name: 's', key: textSerde });
    for (const key of ['a', 'b', 'c']) store.put(key, 1);
    const seen: string[] = [];
    for (const [key] of store.all()) {
      seen.push(key);
      store.delete('b');
      store.put('d', 1);
    }
    expect(seen).toEqual(['a', 'c']);
    expect([...store.all()].map(([key]) => key)).toEqual(['a', 'c', 'd']);
  });
});
