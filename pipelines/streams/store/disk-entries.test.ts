import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { textSerde } from '#schemas';
import { keyValueStore } from './key-value-store.ts';

const root = mkdtempSync(join(tmpdir(), 'sluice-entries-'));
afterAll(() => rmSync(root, { recursive: true }));

function opened(memory: { cacheBytes: number; bufferBytes: number }) {
  const directory = mkdtempSync(join(root, 'store-'));
  const place = { directory, identity: 'app/0_0/s', owner: {}, nowMs: () => 0, warn() {} };
  const spec = keyValueStore({ name: 's', key: textSerde, value: textSerde, engine: 'disk', memory });
  const { store, changelog, disk, metrics } = spec.open({ streamTimeMs: () => -1, disk: place });
  for (const _ of disk!.recover({ id: null, earliest: 0, end: 0 }));
  disk!.begin('history');
  let end = 0;
  const freeze = () => {
    end += changelog!.drain('log', 0, 0).length;
    return { number: disk!.freeze(), end };
  };
  const settle = (frozen: { number: number; end: number }) => disk!.settle(frozen.number, frozen.end);
  const figures = () => metrics!() as Readonly<Record<string, number>>;
  return { store, disk: disk!, freeze, settle, figures };
}

const keys = Array.from({ length: 50 }, (_, i) => `k${i}`);
/** What an entry of this test takes, and a little more. */
const entryBytes = 320;

describe('what a store on disk keeps in memory', () => {
  it('is what was used last, as much as it may, and that is not read again', () => {
    const { store, disk, freeze, settle, figures } = opened({
      cacheBytes: 10 * entryBytes,
      bufferBytes: 100,
    });
    for (const key of keys) store.put(key, 'v');
    settle(freeze());
    expect(figures().memoryBytes).toBeLessThanOrEqual(10 * entryBytes);
    for (const key of keys.slice(0, 10)) store.get(key);
    const before = figures();
    for (const key of keys.slice(0, 9)) expect(store.get(key)).toBe('v');
    store.get('k20');
    // k9 was used the longest ago, hence k20 took its place.
    store.get('k0');
    store.get('k9');
    const after = figures();
    expect(after.cacheHits! - before.cacheHits!).toBe(10);
    expect(after.cacheMisses! - before.cacheMisses!).toBe(2);
    expect(after.memoryBytes).toBeLessThanOrEqual(10 * entryBytes);
    disk.close();
  });

  it('is all that does not count yet, however little room there is, until it does', () => {
    const { store, disk, freeze, settle, figures } = opened({ cacheBytes: 0, bufferBytes: 20 * entryBytes });
    for (const key of keys) store.put(key, 'first');
    expect([disk.isDue, disk.isFull]).toEqual([true, true]);
    const first = freeze();
    expect([disk.isDue, disk.isFull]).toEqual([false, true]);
    for (const key of keys) store.put(key, 'second');
    settle(first);
    expect(keys.every(key => store.get(key) === 'second')).toBe(true);
    settle(freeze());
    expect([disk.isDue, disk.isFull]).toEqual([false, false]);
    const { cacheMisses, memoryBytes } = figures();
    expect(keys.every(key => store.get(key) === 'second')).toBe(true);
    expect(figures().cacheMisses).toBeGreaterThan(cacheMisses!);
    expect(memoryBytes).toBeLessThan(20 * entryBytes);
    disk.close();
  });

  it('counts what is done to a store, and weighs it', () => {
    const { store, disk, freeze, settle, figures } = opened({ cacheBytes: 10_000, bufferBytes: 100 });
    for (const key of keys.slice(0, 10)) store.put(key, '12345678');
    store.get('k1');
    store.has('k2');
    store.delete('k3');
    expect([...store.all()]).toHaveLength(9);
    settle(freeze());
    expect(figures()).toMatchObject({ gets: 2, puts: 10, deletes: 1, ranges: 1, bytes: 90 });
    expect(figures().fileBytes).toBeGreaterThan(4_096);
    disk.close();
  });
});
