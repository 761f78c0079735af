import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Serde, textSerde } from '#schemas';
import type { TaskScope } from '../task/scope.ts';
import { HeldBack, heldRecordBytes } from './held-back.ts';

interface Out {
  readonly key: string;
  readonly value: string | null;
}

/** Where nothing has to be waited for. */
const betweenRecords = { received: null } as TaskScope;

function heldBack(maxBytes: number) {
  const emitted: Out[] = [];
  const held = new HeldBack<string, string, Out>(
    { key: textSerde, value: textSerde, maxBytes, scope: betweenRecords },
    record => emitted.push(record),
  );
  const hold = (key: string, value: string | null, isNew = false) =>
    held.hold({ key, startMs: 0, endMs: 0, isNew }, { key, value });
  return { held, hold, emitted };
}

describe('records held back', () => {
  it('are the last of their keys, in the order of their last changes', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.integer())), changes => {
        const { held, hold, emitted } = heldBack(Number.POSITIVE_INFINITY);
        const last = new Map<string, string>();
        for (const [key, number] of changes) {
          hold(key, `${number}`);
          last.delete(key);
          last.set(key, `${number}`);
        }
        expect(emitted).toEqual([]);
        held.release();
        expect(emitted).toEqual([...last].map(([key, value]) => ({ key, value })));
        held.release();
        expect(emitted).toHaveLength(last.size);
      }),
    );
  });

  it('never exceed their bound, and whatever is given in comes out in the end', () => {
    const letters = fc.string({ maxLength: 100 });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), letters), { maxLength: 50 }),
        fc.integer({ min: 0, max: 1_000 }),
        (changes, maxBytes) => {
          const { held, hold, emitted } = heldBack(maxBytes);
          const last = new Map<string, string>();
          for (const [key, value] of changes) {
            hold(key, value);
            last.set(key, value);
            expect(held.bytes).toBeLessThanOrEqual(maxBytes);
          }
          held.release();
          expect(held.bytes).toBe(0);
          expect(new Map(emitted.map(({ key, value }) => [key, value]))).toEqual(last);
        },
      ),
    );
  });

  it('go in the order of their last changes when there are too many', () => {
    const { hold, emitted } = heldBack(2 * (heldRecordBytes + 2));
    hold('a', '1');
    hold('b', '1');
    hold('a', '2');
    hold('c', '1');
    expect(emitted).toEqual([{ key: 'b', value: '1' }]);
    hold('b', '2');
    expect(emitted.slice(1)).toEqual([{ key: 'a', value: '2' }]);
  });

  it('are not emitted at all when they came and went in between', () => {
    const { held, hold, emitted } = heldBack(1_000);
    hold('new', '1', true);
    hold('new', null);
    hold('known', '1');
    hold('known', null);
    held.release();
    expect(emitted).toEqual([{ key: 'known', value: null }]);
    hold('new', null);
    held.release();
    expect(emitted[1]).toEqual({ key: 'new', value: null });
  });

  it('are told apart by their windows', () => {
    const { held, emitted } = heldBack(1_000);
    const windows = [
      [0, 5],
      [0, 6],
      [1, 6],
    ] as const;
    for (const [startMs, endMs] of windows)
      held.hold({ key: 'a', startMs, endMs, isNew: true }, { key: 'a', value: `${startMs}-${endMs}` });
    held.hold({ key: 'a', startMs: 0, endMs: 6, isNew: false }, { key: 'a', value: 'again' });
    held.release();
    expect(emitted.map(({ value }) => value)).toEqual(['0-5', '1-6', 'again']);
  });

  it('weigh what their values take as bytes, also as those grow', () => {
    let serialised = 0;
    const list: Serde<string[]> = {
      serialize: value => {
        serialised += 1;
        return Buffer.from(value.join(''));
      },
      deserialize: () => [],
    };
    const held = new HeldBack<string, string[], { readonly value: string[] }>(
      { key: textSerde, value: list, maxBytes: 1_000_000, scope: betweenRecords },
      () => {},
    );
    const value: string[] = [];
    for (let i = 0; i < 1_000; i += 1) {
      value.push('x'.repeat(10));
      held.hold({ key: 'k', startMs: 0, endMs: 0, isNew: i === 0 }, { value });
    }
    const trueBytes = heldRecordBytes + 1 + 10_000;
    expect(held.bytes).toBeGreaterThan(trueBytes / 2.1);
    expect(held.bytes).toBeLessThanOrEqual(trueBytes);
    // Weighing is not done per change.
    expect(serialised).toBeLessThan(15);
  });
});
