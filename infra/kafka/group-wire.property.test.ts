import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { noClaims } from './claims.ts';
import { decodeClaims, decodeMembers, encodeClaims, encodeMembers } from './group-wire.ts';

const number = fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 2 ** 31 - 1 }));
const numbers = fc.array(number);
const endpoint = fc.option(fc.string({ minLength: 1 }));
const claims = fc.record({
  endpoint,
  owned: numbers,
  generation: fc.integer({ min: -1, max: 2 ** 31 - 2 }),
  warm: numbers,
  standbys: number,
});
const members = fc.array(
  fc.record({ memberId: fc.string(), endpoint, partitions: numbers, standbys: numbers }),
);

describe('the user data of the group protocol', () => {
  it('reads back what it wrote', () => {
    fc.assert(fc.property(claims, each => void expect(decodeClaims(encodeClaims(each))).toEqual(each)));
    fc.assert(fc.property(members, each => void expect(decodeMembers(encodeMembers(each))).toEqual(each)));
  });

  it('takes what another software wrote, or was cut short, for nothing said, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array(), bytes => {
        decodeClaims(Buffer.from(bytes));
        decodeMembers(Buffer.from(bytes));
      }),
    );
    for (const none of [null, Buffer.alloc(0), Buffer.from([0]), encodeClaims(noClaims).subarray(0, 3)]) {
      expect(decodeClaims(none)).toEqual(noClaims);
      expect(decodeMembers(none)).toEqual([]);
    }
  });

  it('reads of a newer version what it knows', () => {
    const newer = (bytes: Buffer) =>
      Buffer.concat([Buffer.from([2]), bytes.subarray(1), Buffer.from('more')]);
    fc.assert(
      fc.property(claims, each => void expect(decodeClaims(newer(encodeClaims(each)))).toEqual(each)),
    );
    fc.assert(
      fc.property(members, each => void expect(decodeMembers(newer(encodeMembers(each)))).toEqual(each)),
    );
  });

  it('takes a few bytes', () => {
    const warm = Array.from({ length: 16 }, (_, at) => at);
    const told = { endpoint: '10.0.0.1:8080', owned: warm.slice(0, 8), generation: 12, warm, standbys: 1 };
    expect(encodeClaims(told).length).toBeLessThan(50);
  });
});
