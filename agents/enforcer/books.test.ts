import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Books } from './books.ts';

const fresh = { settledSequence: 0, dropped: {}, deliveredAfter: [] };

function booksOf(receivedNumbers: readonly number[]): Books {
  const books = new Books();
  books.session({ emitted: 0, ringFull: 0 });
  books.resume(fresh, 0);
  for (const n of receivedNumbers) books.received(n, 0);
  return books;
}

describe('the books', () => {
  it('hold what was received until it is delivered', () => {
    const books = booksOf([1, 2, 3]);
    books.count({ emitted: 5, ringFull: 0 }, { drained: false, nowMs: 0 });
    expect(books.statement(3)).toMatchObject({
      emitted: 5,
      delivered: 0,
      spooled: 5,
      dropped: {},
      faults: [],
    });
    books.delivered([1, 2]);
    expect(books.statement(1)).toMatchObject({
      delivered: 2,
      spooled: 3,
      settled: { sequence: 2 },
      faults: [],
    });
  });

  it('declare a missing number as dropped for a full ring buffer when the kernel counted it', () => {
    const books = booksOf([1, 2, 5]);
    books.delivered([1, 2, 5]);
    books.count({ emitted: 5, ringFull: 2 }, { drained: true, nowMs: 2999 });
    expect(books.statement(0)).toMatchObject({ spooled: 2, dropped: {}, settled: { sequence: 2 } });
    books.count({ emitted: 5, ringFull: 2 }, { drained: true, nowMs: 3000 });
    expect(books.statement(0)).toMatchObject({
      emitted: 5,
      delivered: 3,
      spooled: 0,
      dropped: { 'ring-full': 2 },
      settled: { sequence: 5, dropped: { 'ring-full': 2 } },
      faults: [],
    });
  });

  it('say so when a number is missing that the kernel does not count as dropped', () => {
    const books = booksOf([1, 3]);
    books.delivered([1, 3]);
    books.count({ emitted: 3, ringFull: 0 }, { drained: true, nowMs: 5000 });
    expect(books.statement(0).dropped).toEqual({ unexplained: 1 });
    expect(books.statement(0).faults).toEqual([
      '1 numbers are missing and the kernel counted no drop for them',
    ]);
  });

  it('say so when the queue does not hold what was received', () => {
    expect(booksOf([1, 2]).statement(1).faults[0]).toMatch('received 2 is not delivered 0 + queued 1');
  });

  it('count what a killed predecessor had in its hands as lost by the restart, exactly', () => {
    const books = new Books();
    // 100 given out, 4 of them found no room; the predecessor settled 80 and delivered 83 and 84 beyond.
    books.session({ emitted: 100, ringFull: 4 });
    books.resume({ settledSequence: 80, dropped: { 'ring-full': 1 }, deliveredAfter: [83, 84, 79] }, 0);
    for (let n = 95; n <= 100; n++) expect(books.received(n, 0)).toBe(true);
    books.delivered([95, 96]);
    books.count({ emitted: 100, ringFull: 4 }, { drained: true, nowMs: 4000 });
    const statement = books.statement(4);
    // 81..94 without 83 and 84 are missing: 12, of which 3 are the kernel's.
    expect(statement).toMatchObject({
      emitted: 100,
      delivered: 79 + 2 + 2,
      spooled: 4,
      dropped: { 'ring-full': 4, restart: 9 },
      settled: { sequence: 96 },
      faults: [],
    });
  });

  it('notice a lost tail although nothing comes after it', () => {
    const books = new Books();
    books.session({ emitted: 10, ringFull: 0 });
    books.resume({ settledSequence: 7, dropped: {}, deliveredAfter: [] }, 0);
    books.count({ emitted: 10, ringFull: 0 }, { drained: true, nowMs: 0 });
    expect(books.statement(0).dropped).toEqual({});
    books.count({ emitted: 10, ringFull: 0 }, { drained: true, nowMs: 3000 });
    expect(books.statement(0)).toMatchObject({
      delivered: 7,
      spooled: 0,
      dropped: { restart: 3 },
      faults: [],
    });
  });

  it('take a declared number back when it arrives after all', () => {
    const books = booksOf([1, 3]);
    books.delivered([1, 3]);
    books.count({ emitted: 3, ringFull: 0 }, { drained: true, nowMs: 5000 });
    expect(books.received(2, 5001)).toBe(true);
    expect(books.statement(1)).toMatchObject({ dropped: { unexplained: 0 }, spooled: 1, faults: [] });
    books.delivered([2]);
    expect(books.statement(0)).toMatchObject({ delivered: 3, spooled: 0, faults: [] });
  });

  it('make one record of a number however often it arrives', () => {
    const books = booksOf([1, 2]);
    expect(books.received(2, 0)).toBe(false);
    expect(books.duplicates).toBe(1);
    expect(books.statement(2).faults).toEqual([]);
  });

  it('balance at every moment, and a successor that resumes from any statement ends with the same sums', () => {
    const fate = fc.constantFrom('deliver', 'hold', 'refuse', 'ring-full');
    fc.assert(
      fc.property(fc.array(fate, { minLength: 1, maxLength: 60 }), fc.nat(59), (fates, cut) => {
        const books = booksOf([]);
        const ringFull = fates.filter(f => f === 'ring-full').length;
        const delivered: number[] = [];
        let held = 0;
        fates.forEach((f, i) => {
          const n = i + 1;
          if (f === 'ring-full') return;
          books.received(n, 0);
          if (f === 'deliver') {
            books.delivered([n]);
            delivered.push(n);
          } else if (f === 'refuse') books.refused(n);
          else held += 1;
          expect(books.statement(held).faults).toEqual([]);
        });
        books.count({ emitted: fates.length, ringFull }, { drained: true, nowMs: cut < 30 ? 0 : 9000 });
        const before = books.statement(held);
        expect(before.faults).toEqual([]);

        const successor = new Books();
        successor.session({ emitted: fates.length, ringFull });
        successor.resume(
          {
            settledSequence: before.settled.sequence,
            dropped: before.settled.dropped,
            deliveredAfter: delivered.filter(n => n > before.settled.sequence),
          },
          10_000,
        );
        successor.count({ emitted: fates.length, ringFull }, { drained: true, nowMs: 10_000 });
        successor.count({ emitted: fates.length, ringFull }, { drained: true, nowMs: 20_000 });
        const after = successor.statement(0);
        expect(after.faults).toEqual([]);
        expect(after).toMatchObject({ emitted: fates.length, delivered: delivered.length, spooled: 0 });
        expect(after.dropped['ring-full'] ?? 0).toBe(ringFull);
        const lost = (after.dropped.restart ?? 0) + (after.dropped.invalid ?? 0);
        expect(lost).toBe(fates.filter(f => f === 'hold' || f === 'refuse').length);
      }),
    );
  });
});
