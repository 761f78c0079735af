import { describe, expect, it } from 'vitest';
import {
  closesAfterMs,
  hoppingWindows,
  retentionOf,
  sessionWindows,
  slidingWindows,
  tumblingWindows,
} from './windows.ts';

describe('windows', () => {
  it('that tumble are windows that advance by their size', () => {
    expect(tumblingWindows({ sizeMs: 10, graceMs: 3 })).toEqual(
      hoppingWindows({ sizeMs: 10, advanceMs: 10, graceMs: 3 }),
    );
  });

  it.each([
    [() => tumblingWindows({ sizeMs: 0, graceMs: 0 }), /sizeMs is 0: give whole milliseconds, at least 1/],
    [() => tumblingWindows({ sizeMs: 1.5, graceMs: 0 }), /sizeMs is 1.5/],
    [
      () => tumblingWindows({ sizeMs: 10, graceMs: -1 }),
      /graceMs is -1: give whole milliseconds, at least 0/,
    ],
    [() => hoppingWindows({ sizeMs: 10, advanceMs: 0, graceMs: 0 }), /advanceMs is 0/],
    [
      () => hoppingWindows({ sizeMs: 10, advanceMs: 11, graceMs: 0 }),
      /records between windows would be lost/,
    ],
    [() => slidingWindows({ differenceMs: -1, graceMs: 0 }), /differenceMs is -1/],
    [() => slidingWindows({ differenceMs: 1, graceMs: Number.NaN }), /graceMs is NaN/],
    [() => sessionWindows({ gapMs: 0, graceMs: 0 }), /gapMs is 0/],
    [() => sessionWindows({ gapMs: 1, graceMs: Number.POSITIVE_INFINITY }), /graceMs is Infinity/],
  ])('that make no sense are refused: %s', (make, message) => {
    expect(make).toThrow(message);
    expect(make).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });

  it('close after grace, those that hold their end a millisecond later', () => {
    expect(closesAfterMs(tumblingWindows({ sizeMs: 10, graceMs: 3 }))).toBe(3);
    expect(closesAfterMs(slidingWindows({ differenceMs: 10, graceMs: 3 }))).toBe(4);
    expect(closesAfterMs(sessionWindows({ gapMs: 10, graceMs: 3 }))).toBe(14);
  });

  it('say how long what they need must be kept', () => {
    expect(retentionOf(hoppingWindows({ sizeMs: 10, advanceMs: 2, graceMs: 3 }))).toBe(13);
    expect(retentionOf(slidingWindows({ differenceMs: 10, graceMs: 3 }))).toBe(25);
    expect(retentionOf(sessionWindows({ gapMs: 10, graceMs: 3 }))).toBe(14);
  });
});
