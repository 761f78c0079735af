import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { textSerde } from '#schemas';
import { bufferStore } from './buffer-store.ts';
import { type BufferedRecord, bufferedBytes, readBuffered } from './buffered-record.ts';

const bytes = fc.uint8Array({ maxLength: 20 }).map(each => Buffer.from(each));
const time = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER - 1 });
const record: fc.Arbitrary<BufferedRecord> = fc.record({
  timeMs: time,
  value: fc.option(bytes),
  timestampMs: fc.oneof(fc.constant(-1), time),
  headers: fc.dictionary(
    fc.string().filter(name => name !== '__proto__'),
    bytes,
    { noNullPrototype: true },
  ),
  origin: fc.record({ topic: fc.string(), partition: fc.nat(), offset: fc.oneof(fc.constant(-1), time) }),
});

describe('a buffered record', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(record, each => {
        expect(readBuffered(bufferedBytes(each))).toEqual(each);
      }),
    );
  });

  it('of another version, or cut off, is corrupt', () => {
    const whole = bufferedBytes({
      ...{ timeMs: 1, value: null, timestampMs: 1 },
      ...{ headers: { h: Buffer.from('long enough') }, origin: { topic: 't', partition: 0, offset: 0 } },
    });
    const other = Buffer.from(whole);
    other[0] = 9;
    for (const broken of [other, whole.subarray(0, 5), whole.subarray(0, -1)]) {
      const { changelog } = bufferStore({ name: 'waiting', key: textSerde, value: textSerde }).open({
        streamTimeMs: () => -1,
      });
      const at = { topic: 'log', partition: 0, offset: 3, timestampMs: 0, headers: {} };
      expect(() => changelog!.restore({ ...at, key: Buffer.from('k'), value: broken })).toThrow(
        expect.objectContaining({ code: 'STORE_CORRUPT', message: expect.stringContaining('log/0@3') }),
      );
    }
  });
});
