import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LogRecord, OutgoingRecord } from '#kafka';
import { jsonSerde, textSerde } from '#schemas';
import { timelineStore } from './timeline-store.ts';

type Change =
  | { readonly kind: 'put'; readonly key: string; readonly timeMs: number; readonly value: number }
  | { readonly kind: 'delete'; readonly key: string; readonly timeMs: number }
  | { readonly kind: 'advance'; readonly toMs: number }
  | { readonly kind: 'checkpoint' };

const numbers = jsonSerde<number>();
const key = fc.constantFrom('a', 'b', 'ab');
const timeMs = fc.integer({ min: 0, max: 60 });
const change: fc.Arbitrary<Change> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('put' as const), key, timeMs, value: fc.nat({ max: 9 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete' as const), key, timeMs }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('advance' as const), toMs: fc.integer({ min: 0, max: 70 }) }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'checkpoint' as const }) },
);
const changes = fc.array(change, { maxLength: 40 });
const retentionMs = fc.constantFrom(1, 7, 20, 1_000);

interface Kept {
  readonly key: string;
  readonly timeMs: number;
  readonly value: number;
  readonly timestampMs: number;
}

/** All that was put, with what counts looked up in it each time. */
class Model {
  streamTimeMs = -1;
  #kept: Kept[] = [];
  readonly #retentionMs: number;
  readonly #keepLatest: boolean;

  constructor(retention: number, keepLatest: boolean) {
    this.#retentionMs = retention;
    this.#keepLatest = keepLatest;
  }

  put(entry: Kept): void {
    this.#kept = [...this.live(), entry].filter(
      each => each === entry || each.key !== entry.key || each.timeMs !== entry.timeMs,
    );
    this.#kept = this.live();
  }

  delete(of: string, at: number): void {
    this.#kept = this.live().filter(each => each.key !== of || each.timeMs !== at);
  }

  /** By time, then key. */
  live(): Kept[] {
    const edge = this.streamTimeMs - this.#retentionMs + 1;
    return this.#kept
      .filter(entry => entry.timeMs >= edge || (this.#keepLatest && this.#isLatest(entry, edge)))
      .sort((a, b) => a.timeMs - b.timeMs || Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)));
  }

  of(of: string): Kept[] {
    return this.live().filter(each => each.key === of);
  }

  #isLatest({ key: of, timeMs: at }: Kept, edge: number): boolean {
    return !this.#kept.some(each => each.key === of && each.timeMs > at && each.timeMs <= edge);
  }
}

const spec = (retention: number, keepLatest: boolean) =>
  timelineStore({ name: 'timeline', key: textSerde, value: numbers, retentionMs: retention, keepLatest });

function opened(retention: number, keepLatest: boolean, streamTimeMs: () => number) {
  const open = spec(retention, keepLatest).open({ streamTimeMs });
  const log: LogRecord[] = [];
  const append = (records: readonly OutgoingRecord[]) => {
    for (const { topic, key: bytes, value, timestampMs = 0 } of records)
      log.push({ topic, partition: 0, offset: log.length, key: bytes, value, timestampMs, headers: {} });
  };
  const checkpoint = () => {
    open.expire!();
    const written = open.changelog!.drain('log', 0, 0);
    append(written);
    return written;
  };
  return { store: open.store, changelog: open.changelog!, log, append, checkpoint };
}

const shown = (
  entries: Iterable<readonly [string, { timeMs: number; value: number; timestampMs: number }]>,
) =>
  [...entries].map(([of, { timeMs: at, value, timestampMs }]) => ({
    key: of,
    timeMs: at,
    value,
    timestampMs,
  }));

describe.each([
  ['that forgets', false],
  ['that keeps the latest', true],
])('a timeline in memory %s', (_, keepLatest) => {
  it('answers as one that looks through everything', () => {
    fc.assert(
      fc.property(retentionMs, changes, key, timeMs, timeMs, (retention, list, of, at, until) => {
        const model = new Model(retention, keepLatest);
        const { store, checkpoint } = opened(retention, keepLatest, () => model.streamTimeMs);
        for (const each of list) {
          if (each.kind === 'put') {
            store.put(each.key, each.timeMs, each.value, each.value);
            model.put({ ...each, timestampMs: each.value, kind: undefined } as never);
          } else if (each.kind === 'delete') {
            store.delete(each.key, each.timeMs);
            model.delete(each.key, each.timeMs);
          } else if (each.kind === 'advance') {
            model.streamTimeMs = Math.max(model.streamTimeMs, each.toMs);
          } else {
            checkpoint();
          }
          const live = model.live().map(({ key: k, timeMs: t, value, timestampMs }) => ({
            ...{ key: k, timeMs: t, value, timestampMs },
          }));
          expect(shown(store.all())).toEqual(live);
          const within = live.filter(entry => entry.timeMs >= at && entry.timeMs <= until);
          expect(shown(store.all({ fromMs: at, toMs: until }))).toEqual(within);
          expect(shown([...store.between(of, at, until)].map(entry => [of, entry] as const))).toEqual(
            within.filter(entry => entry.key === of),
          );
          const ofKey = live.filter(entry => entry.key === of);
          expect(store.get(of, at)).toBe(ofKey.find(entry => entry.timeMs === at)?.value);
          expect(store.timestampOf(of, at)).toBe(ofKey.find(entry => entry.timeMs === at)?.timestampMs ?? -1);
          expect(store.floor(of, at)?.timeMs).toBe(ofKey.findLast(entry => entry.timeMs <= at)?.timeMs);
        }
        checkpoint();
        expect(store.size).toBe(model.live().length);
      }),
      { numRuns: 500 },
    );
  });

  it('is the same when it is made of its changelog, which has each changed entry once per checkpoint', () => {
    fc.assert(
      fc.property(retentionMs, changes, (retention, list) => {
        let streamTimeMs = -1;
        const { store, checkpoint, log } = opened(retention, keepLatest, () => streamTimeMs);
        for (const each of [...list, { kind: 'checkpoint' as const }]) {
          if (each.kind === 'put') store.put(each.key, each.timeMs, each.value, each.value);
          else if (each.kind === 'delete') store.delete(each.key, each.timeMs);
          else if (each.kind === 'advance') streamTimeMs = Math.max(streamTimeMs, each.toMs);
          else {
            const keys = checkpoint().map(record => record.key!.toString('latin1'));
            expect(new Set(keys).size).toBe(keys.length);
          }
        }
        const restored = opened(retention, keepLatest, () => streamTimeMs);
        for (const record of log) restored.changelog.restore(record);
        expect(shown(restored.store.all())).toEqual(shown(store.all()));
        expect(restored.store.size).toBe(store.size);
        // And has nothing to say that the changelog does not.
        expect(restored.checkpoint()).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  it('writes over what does not count in the changelog, with what it has', () => {
    fc.assert(
      fc.property(changes, changes, changes, (before, lost, after) => {
        const apply = ({ store }: ReturnType<typeof opened>, list: readonly Change[]) => {
          for (const each of list) {
            if (each.kind === 'put') store.put(each.key, each.timeMs, each.value, each.value);
            else if (each.kind === 'delete') store.delete(each.key, each.timeMs);
          }
        };
        const first = opened(1_000, keepLatest, () => -1);
        apply(first, before);
        first.checkpoint();
        const end = first.log.length;
        apply(first, lost);
        first.checkpoint();
        const second = opened(1_000, keepLatest, () => -1);
        for (const record of first.log)
          if (record.offset < end) second.changelog.restore(record);
          else second.changelog.rewrite(record);
        apply(second, after);
        const all = [...first.log, ...toLog(second.checkpoint(), first.log.length)];
        const third = opened(1_000, keepLatest, () => -1);
        for (const record of all) third.changelog.restore(record);
        expect(shown(third.store.all())).toEqual(shown(second.store.all()));
      }),
      { numRuns: 300 },
    );
  });
});

const toLog = (records: readonly OutgoingRecord[], from: number): LogRecord[] =>
  records.map(({ topic, key: bytes, value, timestampMs = 0 }, index) => ({
    ...{ topic, partition: 0, offset: from + index, key: bytes, value, timestampMs, headers: {} },
  }));

describe('a timeline in memory', () => {
  it('does not bring back what a later entry put an end to when that one is deleted', () => {
    let streamTimeMs = -1;
    const { store } = opened(1, true, () => streamTimeMs);
    store.put('b', 0, 7);
    streamTimeMs = 3;
    store.put('b', 3, 8);
    store.delete('b', 3);
    expect([...store.all()]).toEqual([]);
  });

  it('writes a tombstone for what expired and was written, and nothing for what was not', () => {
    let streamTimeMs = -1;
    const { store, checkpoint } = opened(10, false, () => streamTimeMs);
    store.put('a', 1, 1);
    checkpoint();
    store.put('a', 2, 2);
    streamTimeMs = 50;
    expect(checkpoint().map(({ key: bytes, value }) => [bytes!.at(-1), value])).toEqual([[1, null]]);
  });

  it('shows of an entry what a timeline has, and nothing of its own', () => {
    const { store } = opened(10, false, () => -1);
    store.put('a', 1, 7, 3);
    expect(JSON.stringify([...store.all()])).toBe('[["a",{"timeMs":1,"value":7,"timestampMs":3}]]');
  });

  it.each([
    ['without a time', Buffer.from('a')],
    ['without a key', null],
  ])('refuses a change %s', (_, bytes) => {
    const { changelog } = opened(10, false, () => -1);
    const record = { topic: 'log', partition: 0, offset: 0, value: null, timestampMs: 0, headers: {} };
    expect(() => changelog.restore({ ...record, key: bytes })).toThrow(/log\/0@0 .*does not end in a time/);
  });
});
