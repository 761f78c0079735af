import { expect, it } from 'vitest';
import { toJson } from './plain.ts';

it.each<[string, unknown, unknown]>([
  ['bytes', Buffer.from('bytes'), 'Ynl0ZXM='],
  ['an array of bytes', new Uint8Array([1, 2]), 'AQI='],
  [
    'what is nested',
    { nested: [Buffer.from('a')], big: 9_007_199_254_740_993n },
    { nested: ['YQ=='], big: '9007199254740993' },
  ],
  ['a map by text', new Map([['a', 1n]]), { a: '1' }],
  ['a map by numbers', new Map([[1, Buffer.from('a')]]), [[1, 'YQ==']]],
  ['a set', new Set(['a', 2n]), ['a', '2']],
  [
    'numbers that are none',
    { nan: Number.NaN, infinite: -Infinity, nothing: null },
    { nan: 'NaN', infinite: '-Infinity', nothing: null },
  ],
  ['a date', new Date(0), '1970-01-01T00:00:00.000Z'],
])('%s', (_, value, expected) => {
  expect(JSON.parse(toJson(value))).toEqual(expected);
});
