import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { textSerde } from '#schemas';
import { keyValueStore } from './key-value-store.ts';

const root = mkdtempSync(join(tmpdir(), 'sluice-files-'));
afterAll(() => rmSync(root, { recursive: true }));

const keyOf = (i: number) => `key-${i}`;

function opened(directory: string) {
  const place = { directory, identity: 'app/0_0/s', owner: {}, nowMs: () => 0, warn() {} };
  const spec = keyValueStore({ name: 's', key: textSerde, value: textSerde, engine: 'disk' });
  const { store, disk, changelog } = spec.open({ streamTimeMs: () => -1, disk: place });
  const recovered = () => {
    const work = disk!.recover({ id: 'history', earliest: 0, end: 10_000 });
    let step = work.next();
    while (!step.done) step = work.next();
    return step.value;
  };
  return { store, disk: disk!, changelog: changelog!, recovered };
}

describe('files of a store that is restored', () => {
  it('are filled from a changelog, and read meanwhile, whatever is in them and in memory', () => {
    const directory = mkdtempSync(join(root, 'store-'));
    const { disk, store, changelog, recovered } = opened(directory);
    expect(recovered()).toBe(0);
    expect(store.get(keyOf(3))).toBeUndefined();
    // As many as are written at once, and one more.
    for (const [i, value] of [...Array(2_000).keys(), 3].entries()) {
      const record = { topic: 'log', partition: 0, offset: 100 + i, timestampMs: i, headers: {} };
      changelog.restore({ ...record, key: Buffer.from(keyOf(value)), value: Buffer.from(`new ${i}`) });
      if (i === 1_999) expect([store.size, store.get(keyOf(3))]).toEqual([2_000, 'new 3']);
    }
    expect([store.get(keyOf(3)), store.timestampOf(keyOf(3))]).toEqual(['new 2000', 2_000]);
    changelog.restore({
      ...{ topic: 'log', partition: 0, offset: 2_101, timestampMs: 0, headers: {} },
      ...{ key: Buffer.from(keyOf(3)), value: null },
    });
    disk.begin('history');
    expect([store.size, store.has(keyOf(3))]).toEqual([1_999, false]);
    disk.close();
    const again = opened(directory);
    expect([again.recovered(), again.store.size]).toEqual([2_102, 1_999]);
    again.disk.close();
  });

  it('go on from where a restore was broken off', () => {
    const { disk, store, changelog, recovered } = opened(mkdtempSync(join(root, 'store-')));
    const restore = (from: number, to: number) => {
      for (let offset = from; offset < to; offset += 1) {
        const record = { topic: 'log', partition: 0, offset, timestampMs: 0, headers: {} };
        const value = Buffer.from(`at ${offset}`);
        changelog.restore({ ...record, key: Buffer.from(keyOf(offset % 900)), value });
      }
    };
    expect(recovered()).toBe(0);
    restore(0, 2_345);
    expect(store.get(keyOf(0))).toBe('at 1800');
    expect(recovered()).toBe(2_345);
    restore(2_345, 3_000);
    disk.begin('history');
    expect([store.size, store.get(keyOf(0))]).toEqual([900, 'at 2700']);
    disk.close();
  });
});
