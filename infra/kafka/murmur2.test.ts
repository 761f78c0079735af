import { describe, expect, it } from 'vitest';
import { murmur2, partitionOf } from './murmur2.ts';

/** Printed by org.apache.kafka.common.utils.Utils.murmur2 of Kafka 4.3.1. */
const asJava: readonly [string | Buffer, number][] = [
  ['', 275646681],
  ['a', -1563381124],
  ['ab', 316155434],
  ['abc', 479470107],
  ['abcd', -1323649548],
  ['abcde', 461995741],
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['prod/shop/cart', 1432843090],
  ['\u00e9\u4e2d\ud83d\ude00', 1824111047],
  [Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)), -1948347274],
  [Buffer.from([0xff, 0x80, 0xfe]), 957058525],
];

describe('murmur2', () => {
  it.each(asJava)('hashes %j as the Java client does', (key, hash) => {
    expect(murmur2(Buffer.from(key as string))).toBe(hash);
  });

  it('leads a negative hash to a partition within range', () => {
    expect(partitionOf(Buffer.from('a'), 7)).toBe((-1563381124 & 0x7fffffff) % 7);
  });
});
