import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { outputViolations, stateViolations } from './verdict.ts';

const expected = new Map([['a', 4]]);
const exactly = (...sequence: number[]) =>
  outputViolations(expected, new Map([['a', sequence]]), 'exactly-once');
const atLeast = (...sequence: number[]) =>
  outputViolations(expected, new Map([['a', sequence]]), 'at-least-once');

describe('the verdict on outputs', () => {
  it('is that nothing is wrong with each count once, in order', () => {
    expect(exactly(1, 2, 3, 4)).toEqual([]);
    expect(atLeast(1, 2, 3, 4)).toEqual([]);
  });

  it('finds a lost, a repeated, a misplaced and an invented count under exactly-once', () => {
    expect(exactly(1, 2, 4)).toEqual(['a: 4 in place of 3']);
    expect(exactly(1, 2, 3)).toEqual(['a: ends with 3, was read 4 times']);
    expect(exactly(1, 2, 2, 3, 4)).toEqual(['a: 2 in place of 3']);
    expect(exactly(1, 3, 2, 4)).toEqual(['a: 3 in place of 2']);
    expect(exactly(1, 2, 3, 4, 5)).toEqual(['a: ends with 5, was read 4 times']);
  });

  it('accepts repetitions under at-least-once, and nothing besides', () => {
    expect(atLeast(1, 2, 3, 2, 3, 4)).toEqual([]);
    expect(atLeast(1, 2, 4)).toEqual(['a: 4 after 2: some are lost']);
    expect(atLeast(1, 2, 3)).toEqual(['a: ends with 3, was read 4 times']);
    expect(atLeast(1, 2, 3, 4, 2)).toEqual(['a: 2 at last, after 4']);
    expect(atLeast(1, 2, 3, 4, 5)).toEqual(['a: counted 5 times, read 4 times']);
  });

  it('finds a key that is missing, and one that was never read', () => {
    expect(outputViolations(expected, new Map(), 'at-least-once')).toEqual([
      'a: ends with 0, was read 4 times',
    ]);
    expect(outputViolations(new Map(), new Map([['b', [1]]]), 'exactly-once')).toEqual([
      'b: counted 1 times, and never read',
    ]);
  });

  it('finds whatever single record is lost or doubled anywhere', () => {
    const what = fc.record({ times: fc.integer({ min: 1, max: 30 }), at: fc.nat(), doubled: fc.boolean() });
    fc.assert(
      fc.property(what, ({ times, at, doubled }) => {
        const sequence = Array.from({ length: times }, (_, index) => index + 1);
        const index = at % times;
        const broken = doubled
          ? sequence.toSpliced(index, 0, sequence[index]!)
          : sequence.toSpliced(index, 1);
        const input = new Map([['k', times]]);
        expect(outputViolations(input, new Map([['k', broken]]), 'exactly-once').length).toBe(1);
        const tolerant = outputViolations(input, new Map([['k', broken]]), 'at-least-once');
        expect(tolerant.length).toBe(doubled ? 0 : 1);
      }),
    );
  });
});

describe('the verdict on state', () => {
  it('finds state that is ahead of, or behind, the input before its offsets', () => {
    const input = new Map([
      ['a', 2],
      ['b', 1],
    ]);
    expect(stateViolations(input, new Map(input))).toEqual([]);
    expect(stateViolations(input, new Map([['a', 3]]))).toEqual([
      'a: the state says 3, the input before its offsets 2',
      'b: the state says 0, the input before its offsets 1',
    ]);
    expect(stateViolations(new Map(), input).length).toBe(2);
  });
});
