import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeFrame, FieldReader, FieldWriter, FrameReader } from './frame.ts';

const frame = fc.record({
  type: fc.integer({ min: 0, max: 255 }),
  payload: fc.uint8Array({ maxLength: 300 }).map(bytes => Buffer.from(bytes)),
});

describe('frames', () => {
  it('come out as they went in, however the stream is cut', () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 });
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 8 }), cuts, (frames, sizes) => {
        const stream = Buffer.concat(frames.map(({ type, payload }) => encodeFrame(type, payload)));
        const reader = new FrameReader();
        const seen: { type: number; payload: Buffer }[] = [];
        for (let at = 0, i = 0; at < stream.length; i++) {
          const size = sizes[i % sizes.length]!;
          for (const { type, payload } of reader.push(stream.subarray(at, at + size))) {
            seen.push({ type, payload: Buffer.from(payload) });
          }
          at += size;
        }
        expect(seen).toEqual(frames);
      }),
    );
  });

  it.each([0, 16 * 1024 * 1024 + 1, 0xffffffff])('of %i bytes cannot be', length => {
    const head = Buffer.alloc(8);
    head.writeUInt32LE(length);
    expect(() => new FrameReader().push(head)).toThrow(/sent a frame of \d+ bytes; restart it/);
  });
});

describe('fields', () => {
  it('are read as they were written', () => {
    const u64 = fc.nat({ max: Number.MAX_SAFE_INTEGER });
    fc.assert(
      fc.property(fc.nat(255), fc.nat(65535), fc.nat(0xffffffff), u64, fc.string(), (a, b, c, d, e) => {
        const bytes = new FieldWriter().u8(a).u16(b).u32(c).u64(d).text(e).finish();
        const reader = new FieldReader(bytes);
        expect([reader.u8(), reader.u16(), reader.u32(), reader.u64(), reader.text()]).toEqual([
          a,
          b,
          c,
          d,
          e,
        ]);
        expect(reader.left).toBe(0);
      }),
    );
  });

  it('that run past the end are an error, not garbage', () => {
    const bytes = new FieldWriter().text('hello').finish();
    expect(() => new FieldReader(bytes.subarray(0, 5)).text()).toThrow(/ends 2 bytes early/);
  });

  it('that do not fit are an error', () => {
    expect(() => new FieldWriter().u16(65536)).toThrow(/65536 does not fit 2 bytes/);
    expect(() => new FieldWriter().u64(-1)).toThrow(/-1 does not fit 8 bytes/);
  });
});
