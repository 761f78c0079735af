/** What every way of keeping a timeline is held to: each engine, bare and with a changelog. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { textSerde } from '#schemas';
import { type Bench, numberSerde, type StoreCase } from './store.contract.ts';
import type { Timeline, TimelineEntry } from './timeline.ts';
import { timelineStore } from './timeline-store.ts';

const retentionMs = 20;
const key = fc.constantFrom('', 'a', 'a\0\0\0\0\0\0\0\0b');
/** Few, so that they meet. */
const timeMs = fc.nat(12).map(at => at * 5);

type Change =
  | { readonly kind: 'put'; readonly key: string; readonly timeMs: number; readonly value: number }
  | { readonly kind: 'delete'; readonly key: string; readonly timeMs: number }
  | { readonly kind: 'time'; readonly byMs: number }
  | { readonly kind: 'checkpoint' };
const put = fc.record({ kind: fc.constant('put' as const), key, timeMs, value: fc.nat() });
const rest = [
  fc.record({ kind: fc.constant('time' as const), byMs: fc.nat(12) }),
  fc.record({ kind: fc.constant('checkpoint' as const) }),
];
const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 3, arbitrary: put },
  fc.record({ kind: fc.constant('delete' as const), key, timeMs }),
  ...rest,
);

/** All that was put and not deleted; what counts of it is looked up by going through it. */
class Model {
  streamTimeMs = -1;
  readonly #rows = new Map<string, Map<number, number>>();
  readonly #keepLatest: boolean;

  constructor(keepLatest: boolean) {
    this.#keepLatest = keepLatest;
  }

  put(key: string, timeMs: number, value: number): void {
    const row = this.#rows.get(key) ?? new Map<number, number>();
    const early = [...row.keys()].filter(each => each <= this.#edge);
    const mayPrecede = this.#keepLatest && timeMs >= Math.max(-1, ...early);
    if (timeMs < this.#edge && !mayPrecede) return;
    this.#rows.set(key, row.set(timeMs, value));
  }

  delete(key: string, timeMs: number): void {
    const row = this.#rows.get(key);
    const liveFrom = this.liveFrom(key);
    // What it put an end to does not count again.
    for (const each of row?.keys() ?? []) if (each === timeMs || each < liveFrom) row?.delete(each);
  }

  liveFrom(key: string): number {
    const early = [...(this.#rows.get(key)?.keys() ?? [])].filter(timeMs => timeMs <= this.#edge);
    return this.#keepLatest && early.length > 0 ? Math.max(...early) : this.#edge;
  }

  /** What counts, oldest first. */
  entries(fromMs = 0, toMs = 1_000): readonly (readonly [string, number, number])[] {
    const all = [...this.#rows].flatMap(([key, row]) =>
      [...row].map(([timeMs, value]) => [key, timeMs, value] as const),
    );
    return all
      .filter(([key, timeMs]) => timeMs >= this.liveFrom(key) && timeMs >= fromMs && timeMs <= toMs)
      .sort(([a, atMs], [b, btMs]) => atMs - btMs || Buffer.compare(Buffer.from(a), Buffer.from(b)));
  }

  get #edge(): number {
    return this.streamTimeMs - retentionMs + 1;
  }
}

export function timelineContract(each: StoreCase): void {
  const { changelog, engine, memory } = each;
  const withBench = <T>(
    options: {
      readonly keepLatest?: boolean;
      readonly streamTimeMs?: () => number;
      readonly retentionMs?: number;
    },
    work: (bench: Bench<Timeline<string, number>>) => T,
  ): T => {
    const { streamTimeMs = () => -1, ...more } = options;
    const spec = timelineStore({
      ...{ name: 's', key: textSerde, value: numberSerde, retentionMs, ...more },
      ...{ changelog, engine, ...(memory && { memory }) },
    });
    const bench = each.open(spec, { streamTimeMs });
    try {
      return work(bench);
    } finally {
      bench.end();
    }
  };

  describe(`a timeline ${each.name}`, () => {
    for (const keepLatest of [false, true]) {
      it(`holds what counts, whenever it is written and expired${keepLatest ? ', and the latest before it' : ''}`, () => {
        fc.assert(
          fc.property(fc.array(change, { maxLength: 40 }), timeMs, timeMs, (changes, fromMs, toMs) => {
            const model = new Model(keepLatest);
            withBench(
              { keepLatest, streamTimeMs: () => model.streamTimeMs },
              ({ store, checkpoint, logged }) => {
                for (const change of changes) apply(change, { store, model, checkpoint });
                expect(plain(store.all({ fromMs, toMs }))).toEqual(model.entries(fromMs, toMs));
                checkpoint();
                expect(plain(store.all())).toEqual(model.entries());
                for (const [key, timeMs, value] of model.entries())
                  expect(store.timestampOf(key, timeMs)).toBe(value);
                expect(store.size).toBe(model.entries().length);
                if (changelog) expect(fromLog(logged)).toEqual(new Set(model.entries().map(String)));
              },
            );
          }),
          { numRuns: engine === 'disk' ? 60 : 300 },
        );
      });
    }

    it('has an event time per entry, which goes with it', () => {
      withBench({}, ({ store, checkpoint }) => {
        store.put('a', 5, 1, 1_764_000_000_000);
        store.put('a', 6, 1);
        checkpoint();
        expect([store.timestampOf('a', 5), store.timestampOf('a', 6)]).toEqual([1_764_000_000_000, -1]);
        expect([...store.between('a', 0, 5)].map(({ timestampMs }) => timestampMs)).toEqual([
          1_764_000_000_000,
        ]);
        store.delete('a', 5);
        expect(store.timestampOf('a', 5)).toBe(-1);
      });
    });

    for (const written of [false, true]) {
      it(`may be changed while it is iterated, ${written ? 'when all is written' : 'when nothing is'}`, () => {
        withBench({}, ({ store, checkpoint }) => {
          for (let at = 0; at < 5; at += 1) store.put('a', at * 10, at);
          if (written) checkpoint();
          const seen: number[] = [];
          for (const { timeMs } of store.between('a', 0, 100)) {
            seen.push(timeMs);
            store.delete('a', timeMs);
            store.put('b', timeMs, 1);
          }
          expect(seen).toEqual([0, 10, 20, 30, 40]);
          expect([...store.between('a', 0, 100)]).toEqual([]);
          expect([...store.all()].map(([key, { timeMs }]) => [key, timeMs])).toEqual(
            seen.map(timeMs => ['b', timeMs]),
          );
        });
      });
    }

    it('takes times of today, and iterates over more than it has in memory', () => {
      const today = 1_764_000_000_000;
      withBench({ retentionMs: 10 ** 9 }, ({ store, checkpoint }) => {
        for (let i = 0; i < 900; i += 1) {
          store.put(`k${i % 3}`, today + i, i);
          if (i % 200 === 0) checkpoint();
        }
        checkpoint();
        expect([...store.all()].map(([, { value }]) => value)).toEqual(
          Array.from({ length: 900 }, (_, i) => i),
        );
        const ofOne = [...store.between('k1', today + 1, today + 601)].map(({ value }) => value);
        expect(ofOne).toEqual(Array.from({ length: 201 }, (_, i) => 3 * i + 1));
        expect(store.floor('k2', today + 700)?.value).toBe(698);
        expect(store.floor('k2', today + 1)).toBeUndefined();
      });
    });

    it('forgets a great deal that expires at once, without answers that depend on when', () => {
      let streamTimeMs = 0;
      withBench({ streamTimeMs: () => streamTimeMs }, ({ store, checkpoint, logged }) => {
        for (let i = 0; i < 6_000; i += 1) store.put(`k${i}`, i % 10, i);
        checkpoint();
        streamTimeMs = 100;
        expect([...store.all()]).toEqual([]);
        expect(store.get('k7', 7)).toBeUndefined();
        for (let round = 0; round < 4; round += 1) checkpoint();
        expect(store.size).toBe(0);
        expect(logged.size).toBe(0);
      });
    });
  });
}

interface Applying {
  readonly store: Timeline<string, number>;
  readonly model: Model;
  checkpoint(): void;
}

function apply(change: Change, { store, model, checkpoint }: Applying): void {
  if (change.kind === 'checkpoint') checkpoint();
  if (change.kind === 'time') model.streamTimeMs += change.byMs;
  if (change.kind === 'checkpoint' || change.kind === 'time') return;
  const { key, timeMs } = change;
  if (change.kind === 'put') {
    store.put(key, timeMs, change.value, change.value);
    model.put(key, timeMs, change.value);
  } else {
    store.delete(key, timeMs);
    model.delete(key, timeMs);
  }
  const ofKey = model.entries().filter(([each]) => each === key);
  expect(store.get(key, timeMs)).toBe(ofKey.find(([, at]) => at === timeMs)?.[2]);
  expect(store.floor(key, timeMs)?.value).toBe(ofKey.findLast(([, at]) => at <= timeMs)?.[2]);
  const around = ofKey.filter(([, at]) => at >= timeMs - 5 && at <= timeMs + 15);
  const found = [...store.between(key, timeMs - 5, timeMs + 15)].map(({ timeMs, value }) => [
    key,
    timeMs,
    value,
  ]);
  expect(found).toEqual(around);
}

const plain = (entries: Iterable<readonly [string, TimelineEntry<number>]>) =>
  [...entries].map(([key, { timeMs, value }]) => [key, timeMs, value] as const);

/** Shape of a key: the key, then the time in eight bytes. */
function fromLog(logged: Bench<unknown>['logged']): ReadonlySet<string> {
  return new Set(
    [...logged.values()].map(({ key, value }) => {
      const at = key.length - 8;
      return String([key.subarray(0, at).toString(), Number(key.readBigUInt64BE(at)), Number(value)]);
    }),
  );
}
