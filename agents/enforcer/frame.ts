/**
 * Frames of the loader: u32 length, u8 type, payload; all little-endian.
 *
 * Owns: cutting a byte stream into frames, reading and writing their fields within bounds.
 * Does not own: what the types mean (loader-protocol.ts). The document is bpf/PROTOCOL.md.
 * A stream that is not frames cannot be taken up again: the reader throws, and the loader has to be started anew.
 */

import { SluiceError } from '#errors';

export interface Frame {
  readonly type: number;
  /** Valid until the next push. */
  readonly payload: Buffer;
}

export const frameLimitBytes = 16 * 1024 * 1024;
const headBytes = 4;

export function encodeFrame(type: number, payload: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(headBytes + 1 + payload.length);
  frame.writeUInt32LE(1 + payload.length, 0);
  frame.writeUInt8(type, headBytes);
  payload.copy(frame, headBytes + 1);
  return frame;
}

/** Cuts chunks of any size into frames. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #bytes = 0;
  #wanted = headBytes;

  /** The frames that are complete now. Errors: RECORD_CORRUPT for a length that cannot be. */
  push(chunk: Buffer): Frame[] {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    const frames: Frame[] = [];
    if (this.#bytes < this.#wanted) return frames;
    const buffer = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
    let at = 0;
    this.#wanted = headBytes;
    while (buffer.length - at >= headBytes) {
      const length = buffer.readUInt32LE(at);
      if (length < 1 || length > frameLimitBytes) {
        throw new SluiceError('RECORD_CORRUPT', `the loader sent a frame of ${length} bytes; restart it`);
      }
      const end = at + headBytes + length;
      if (buffer.length < end) {
        this.#wanted = headBytes + length;
        break;
      }
      frames.push({ type: buffer[at + headBytes]!, payload: buffer.subarray(at + headBytes + 1, end) });
      at = end;
    }
    this.#chunks = at === buffer.length ? [] : [buffer.subarray(at)];
    this.#bytes = buffer.length - at;
    return frames;
  }
}

/** Reads fields one after the other. Errors: RECORD_TRUNCATED when a field runs past the end. */
export class FieldReader {
  readonly #buffer: Buffer;
  #at = 0;

  constructor(buffer: Buffer) {
    this.#buffer = buffer;
  }

  get left(): number {
    return this.#buffer.length - this.#at;
  }

  u8(): number {
    return this.#buffer.readUInt8(this.#take(1));
  }

  u16(): number {
    return this.#buffer.readUInt16LE(this.#take(2));
  }

  u32(): number {
    return this.#buffer.readUInt32LE(this.#take(4));
  }

  i32(): number {
    return this.#buffer.readInt32LE(this.#take(4));
  }

  u64(): number {
    return readU64(this.#buffer, this.#take(8));
  }

  i64(): bigint {
    return this.#buffer.readBigInt64LE(this.#take(8));
  }

  /** Shares memory with the frame. */
  bytes(length: number): Buffer {
    const at = this.#take(length);
    return this.#buffer.subarray(at, at + length);
  }

  text(): string {
    return this.bytes(this.u16()).toString('utf8');
  }

  #take(length: number): number {
    const at = this.#at;
    if (at + length > this.#buffer.length) {
      throw new SluiceError(
        'RECORD_TRUNCATED',
        `the loader sent a frame that ends ${at + length - this.#buffer.length} bytes early`,
      );
    }
    this.#at += length;
    return at;
  }
}

/** Numbers, ids and times of the kernel stay below 2^53. */
export function readU64(buffer: Buffer, at: number): number {
  return buffer.readUInt32LE(at + 4) * 0x1_0000_0000 + buffer.readUInt32LE(at);
}

/** Writes fields one after the other. Errors: VALUE_INVALID for a text or number that does not fit. */
export class FieldWriter {
  readonly #parts: Buffer[] = [];

  u8(value: number): this {
    return this.#number(1, value);
  }

  u16(value: number): this {
    return this.#number(2, value);
  }

  u32(value: number): this {
    return this.#number(4, value);
  }

  u64(value: number): this {
    if (!Number.isSafeInteger(value) || value < 0) throw unfit(value, 8);
    const bytes = Buffer.allocUnsafe(8);
    bytes.writeBigUInt64LE(BigInt(value));
    return this.bytes(bytes);
  }

  text(value: string): this {
    const bytes = Buffer.from(value, 'utf8');
    return this.u16(bytes.length).bytes(bytes);
  }

  bytes(value: Buffer): this {
    this.#parts.push(value);
    return this;
  }

  finish(): Buffer {
    return Buffer.concat(this.#parts);
  }

  #number(size: 1 | 2 | 4, value: number): this {
    if (!Number.isInteger(value) || value < 0 || value >= 2 ** (8 * size)) throw unfit(value, size);
    const bytes = Buffer.allocUnsafe(size);
    bytes.writeUIntLE(value, 0, size);
    return this.bytes(bytes);
  }
}

function unfit(value: number, sizeBytes: number): SluiceError {
  return new SluiceError('VALUE_INVALID', `${value} does not fit ${sizeBytes} bytes of a loader frame`);
}
