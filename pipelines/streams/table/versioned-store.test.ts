import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { OutgoingRecord } from '#kafka';
import { textSerde } from '#schemas';
import { versionedStore } from './versioned-store.ts';

const spec = versionedStore({ name: 'versions', key: textSerde, value: textSerde, historyMs: 10 });
const opened = () => spec.open({ streamTimeMs: () => -1 } as never);

type Put = readonly [key: string, value: string | null, timestampMs: number];

const filled = (...puts: readonly Put[]) => {
  const open = opened();
  return { ...open, said: puts.map(([key, value, timestampMs]) => open.store.put(key, value, timestampMs)) };
};

/** Another store, made of what this one wrote. */
function restored(records: readonly OutgoingRecord[]) {
  const open = opened();
  for (const record of records)
    open.changelog!.restore({ partition: 0, offset: 0, headers: {}, timestampMs: 0, ...record } as never);
  return open;
}

describe('a versioned store', () => {
  it('answers as of a time, from the time of each version to the next', () => {
    const { store, said } = filled(['k', 'a', 10], ['k', 'b', 15], ['k', null, 18]);
    expect(said).toEqual(['latest', 'latest', 'latest']);
    expect(store.latest('k')).toBeNull();
    expect([9, 10, 14, 15, 17, 18, 99].map(timeMs => store.asOf('k', timeMs)?.value)).toEqual([
      ...[undefined, 'a', 'a', 'b', 'b', undefined, undefined],
    ]);
    expect(store.asOf('k', 17)).toEqual({ value: 'b', timestampMs: 15 });
  });

  it('takes late versions into its history, and those too old not', () => {
    const { store, said } = filled(
      ['k', 'c', 20],
      ['k', 'a', 10],
      ['k', 'b', 15],
      ['k', '-', 9],
      ['k', 'B', 15],
    );
    expect(said).toEqual(['latest', 'history', 'history', 'dropped', 'history']);
    expect([10, 15, 20].map(timeMs => store.asOf('k', timeMs)?.value)).toEqual(['a', 'B', 'c']);
    expect(store.latest('k')).toEqual({ value: 'c', timestampMs: 20 });
  });

  it('shows its versions as a timeline, deletions as null', () => {
    const { store } = filled(['k', 'b', 20], ['k', 'a', 15], ['k', null, 22], ['q', 'x', 21]);
    const shown = [...store.between('k', 16, 30)].map(({ timeMs, value }) => [timeMs, value]);
    expect(shown).toEqual([
      [20, 'b'],
      [22, null],
    ]);
    expect([...store.all({ fromMs: 20, toMs: 21 })].map(([key]) => key)).toEqual(['k', 'q']);
    expect(store.size).toBe(4);
  });

  it('keeps the latest value however old, and knows nothing of before its history', () => {
    const { store, expire } = filled(['old', 'a', 5], ['k', 'b', 100], ['k', 'c', 106], ['k', 'd', 112]);
    for (const again of [false, true]) {
      if (again) expire!();
      expect(store.latest('old')?.value).toBe('a');
      expect(store.asOf('old', 7)?.value).toBe('a');
      expect(store.asOf('old', 4)).toBeNull();
      expect(store.asOf('k', 102)?.value).toBe('b');
      expect(store.asOf('k', 101)).toBeNull();
    }
  });

  it('forgets what was deleted before its history', () => {
    const { store, changelog, expire } = filled(['gone', 'a', 5], ['gone', null, 8], ['k', 'b', 8]);
    changelog!.drain('log', 0, 0);
    store.put('k', 'c', 40);
    expire!();
    const tombstones = changelog!.drain('log', 0, 0).filter(({ value }) => value === null);
    expect(tombstones.map(({ key }) => key!.subarray(0, 4).toString())).toEqual(['gone', 'gone']);
    expect(store.latest('gone')).toBeNull();
  });

  it('is the same after a restart, its time included', () => {
    const { changelog } = filled(['gone', 'a', 5], ['gone', null, 8], ['k', 'b', 9], ['k', 'c', 19]);
    const again = restored(changelog!.drain('log', 0, 0));
    expect(again.store.put('k', 'late', 8)).toBe('dropped');
    expect(again.store.put('k', 'late', 12)).toBe('history');
    expect([9, 12, 19].map(timeMs => again.store.asOf('k', timeMs)?.value)).toEqual(['b', 'late', 'c']);
    again.store.put('k', 'd', 60);
    again.changelog!.drain('log', 0, 0);
    again.expire!();
    const keys = again.changelog!.drain('log', 0, 0).map(({ key }) => key!.subarray(0, -8).toString());
    expect(keys).toContain('gone');
  });
});

const puts = fc.array(
  fc.record({
    key: fc.constantFrom('p', 'q'),
    value: fc.option(fc.constantFrom('a', 'b', 'c'), { freq: 4 }),
    timestampMs: fc.integer({ min: 0, max: 40 }),
    ends: fc.constantFrom('', '', 'expire', 'restart'),
  }),
  { maxLength: 20 },
);

describe('a versioned store and all that was ever put', () => {
  it('give the same answers within its history, whatever expires and restarts in between', () => {
    fc.assert(
      fc.property(puts, steps => {
        let open = opened();
        const log: OutgoingRecord[] = [];
        const all = new Map<string, Map<number, string | null>>();
        let nowMs = -1;
        for (const { key, value, timestampMs, ends } of steps) {
          nowMs = Math.max(nowMs, timestampMs);
          const said = open.store.put(key, value, timestampMs);
          expect(said === 'dropped').toBe(timestampMs < nowMs - 10);
          if (said !== 'dropped') all.set(key, (all.get(key) ?? new Map()).set(timestampMs, value));
          if (ends !== '') open.expire!();
          if (ends === 'restart') {
            log.push(...open.changelog!.drain('log', 0, 0));
            open = restored(log);
          }
          for (const each of ['p', 'q']) {
            const versions = [...(all.get(each) ?? [])].sort(([a], [b]) => a - b);
            expect(open.store.latest(each)?.value ?? null).toBe(versions.at(-1)?.[1] ?? null);
            for (let asOfMs = Math.max(0, nowMs - 10); asOfMs <= nowMs; asOfMs += 1) {
              const then = versions.findLast(([timeMs]) => timeMs <= asOfMs);
              expect(open.store.asOf(each, asOfMs)?.value ?? null).toBe(then?.[1] ?? null);
            }
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});
