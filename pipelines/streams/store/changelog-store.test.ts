import { describe, expect, it } from 'vitest';
import { textSerde } from '#schemas';
import { ChangelogStore } from './changelog-store.ts';
import { keyValueStore } from './key-value-store.ts';
import { MemoryStore } from './memory-store.ts';

const spec = keyValueStore({ name: 's', key: textSerde, value: textSerde });
const made = () => new ChangelogStore(new MemoryStore<string, string>(spec), spec);
const drained = (store: ReturnType<typeof made>) =>
  store
    .drain('log', 3, 77)
    .map(({ key, value, ...rest }) => ({ key: `${key}`, value: value && `${value}`, ...rest }));
const where = { topic: 'log', partition: 3, timestampMs: 77 };
const record = (key: string, value: string | null) => ({
  ...{ topic: 'log', partition: 3, offset: 9, timestampMs: 0, headers: {} },
  ...{ key: Buffer.from(key), value: value === null ? null : Buffer.from(value) },
});

describe('the changelog of a store', () => {
  it('writes each changed key once, as it last was', () => {
    const store = made();
    store.put('a', '1');
    store.put('b', '1');
    store.put('a', '2');
    store.delete('b');
    expect(drained(store)).toEqual([
      { ...where, key: 'a', value: '2' },
      { ...where, key: 'b', value: null },
    ]);
    expect(drained(store)).toEqual([]);
  });

  it('does not write what is restored, and writes again what does not count', () => {
    const store = made();
    store.restore(record('a', '1'));
    store.restore(record('b', '1'));
    store.restore(record('b', null));
    store.rewrite(record('a', 'torn'));
    store.rewrite(record('c', 'torn'));
    expect([...store.all()]).toEqual([['a', '1']]);
    expect(drained(store)).toEqual([
      { ...where, key: 'a', value: '1', timestampMs: 0 },
      { ...where, key: 'c', value: null },
    ]);
  });

  it('says which record cannot be restored, and what mends it', () => {
    const broken = {
      ...spec,
      value: {
        ...textSerde,
        deserialize: () => {
          throw new Error('bits');
        },
      },
    };
    const store = new ChangelogStore(new MemoryStore<string, string>(broken), broken);
    expect(() => store.restore(record('a', '1'))).toThrow(/store s: log\/3@9 .* \(bits\); delete/);
  });
});
