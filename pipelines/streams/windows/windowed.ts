import { SluiceError } from '#errors';
import { type Serde, textSerde } from '#schemas';

/** A key and one of its windows: what aggregates of windows are keyed by. */
export interface Windowed<K> {
  readonly key: K;
  /** Milliseconds since the epoch. */
  readonly startMs: number;
  /** Part of the window where windows are sliding or sessions; else the first millisecond after it. */
  readonly endMs: number;
}

const timeBytes = 8;

/**
 * Shape: the key's bytes, then the window's times, 8 bytes each, big-endian, so that equal keys are in the order of time.
 * Absent `sizeMs`: end and start, as Kafka Streams writes sessions; else the start, as it writes other windows, the end being
 * `sizeMs` after it (for sliding windows their difference).
 *
 * Windows of a key are in the partition of the key, so that they meet what is keyed by it.
 *
 * Errors: RECORD_CORRUPT for bytes that are too short.
 */
export function windowedSerde<K>(key: Serde<K>, sizeMs?: number): Serde<Windowed<K>> {
  const tail = sizeMs === undefined ? 2 * timeBytes : timeBytes;
  const isText = (key as unknown) === textSerde;
  return {
    serialize({ key: inner, startMs, endMs }) {
      let at: number;
      let bytes: Buffer;
      if (isText) {
        // In one allocation; textSerde would make another.
        const text = inner as unknown as string;
        at = Buffer.byteLength(text);
        bytes = Buffer.allocUnsafe(at + tail);
        bytes.write(text, 0, at);
      } else {
        const part = key.serialize(inner);
        at = part.length;
        bytes = Buffer.allocUnsafe(at + tail);
        bytes.set(part);
      }
      if (sizeMs === undefined) {
        writeTime(bytes, endMs, at);
        writeTime(bytes, startMs, at + timeBytes);
      } else {
        writeTime(bytes, startMs, at);
      }
      return bytes;
    },
    partitionKey: bytes => bytes.subarray(0, Math.max(0, bytes.length - tail)),
    deserialize(bytes) {
      const at = bytes.length - tail;
      if (at < 0)
        throw new SluiceError('RECORD_CORRUPT', `a windowed key of ${bytes.length} bytes has no window`);
      const inner = key.deserialize(bytes.subarray(0, at));
      const first = readTime(bytes, at);
      if (sizeMs !== undefined) return { key: inner, startMs: first, endMs: first + sizeMs };
      return { key: inner, startMs: readTime(bytes, at + timeBytes), endMs: first };
    },
  };
}

const half = 0x1_0000_0000;

/** A time from 0 up to 2^53, as 8 bytes, big-endian. */
export function writeTime(bytes: Buffer, timeMs: number, at: number): void {
  const high = Math.floor(timeMs / half);
  bytes.writeUInt32BE(high, at);
  bytes.writeUInt32BE(timeMs - high * half, at + 4);
}

export function readTime(bytes: Buffer, at: number): number {
  return bytes.readUInt32BE(at) * half + bytes.readUInt32BE(at + 4);
}
