import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonSerde, textSerde } from '#schemas';
import { windowedSerde } from './windowed.ts';

const pair = jsonSerde<readonly [number, string]>();
const timeMs = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const text = fc.string({ unit: 'binary' });

describe('a windowed key', () => {
  it('is read as it was written, whatever its key', () => {
    const ofText = windowedSerde(textSerde);
    const ofPair = windowedSerde(pair);
    fc.assert(
      fc.property(text, fc.integer(), timeMs, timeMs, (word, number, startMs, endMs) => {
        const window = { startMs, endMs };
        expect(ofText.deserialize(ofText.serialize({ key: word, ...window }))).toEqual({
          key: word,
          ...window,
        });
        const key = [number, word] as const;
        expect(ofPair.deserialize(ofPair.serialize({ key, ...window }))).toEqual({ key, ...window });
      }),
    );
  });

  it('has an end that follows from the size, where that is known', () => {
    const serde = windowedSerde(textSerde, 60_000);
    fc.assert(
      fc.property(text, fc.integer({ min: 0, max: 2 ** 52 }), (key, startMs) => {
        const windowed = { key, startMs, endMs: startMs + 60_000 };
        expect(serde.deserialize(serde.serialize(windowed))).toEqual(windowed);
      }),
    );
  });

  it('has the bytes that Kafka Streams gives it', () => {
    const time = (ms: number) => {
      const bytes = Buffer.alloc(8);
      bytes.writeBigInt64BE(BigInt(ms));
      return bytes;
    };
    const windowed = { key: 'käy', startMs: 1_700_000_000_123, endMs: 1_700_000_060_123 };
    const key = Buffer.from('käy');
    // A session: key, end, start.
    expect(windowedSerde(textSerde).serialize(windowed)).toEqual(
      Buffer.concat([key, time(windowed.endMs), time(windowed.startMs)]),
    );
    // A window of known size: key, start.
    expect(windowedSerde(textSerde, 60_000).serialize(windowed)).toEqual(
      Buffer.concat([key, time(windowed.startMs)]),
    );
  });

  it('sorts by time within a key', () => {
    const serde = windowedSerde(textSerde, 1);
    fc.assert(
      fc.property(fc.string(), timeMs, timeMs, (key, a, b) => {
        const [first, second] = [a, b].map(startMs => serde.serialize({ key, startMs, endMs: startMs + 1 }));
        expect(Math.sign(Buffer.compare(first!, second!))).toBe(Math.sign(a - b));
      }),
    );
  });

  it.each([undefined, 10])('of too few bytes is corrupt (size %s)', sizeMs => {
    const serde = windowedSerde(textSerde, sizeMs);
    expect(() => serde.deserialize(Buffer.alloc(7))).toThrow(
      expect.objectContaining({ code: 'RECORD_CORRUPT' }),
    );
  });
});
