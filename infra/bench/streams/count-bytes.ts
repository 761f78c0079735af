/**
 * Keys and counts as every contestant writes them, which is how Kafka Streams does: the key's text and the start of the window
 * in eight bytes, big-endian; a count in eight bytes. Told here anew: what reads the outputs must not trust a contestant's code.
 */

import type { Serde } from '#schemas';

const high = 2 ** 32;

export const countSerde: Serde<number> = {
  serialize(count) {
    const bytes = Buffer.allocUnsafe(8);
    bytes.writeUInt32BE(Math.floor(count / high), 0);
    bytes.writeUInt32BE(count % high, 4);
    return bytes;
  },
  deserialize: bytes => bytes.readUInt32BE(0) * high + bytes.readUInt32BE(4),
};

/** Values that nobody looks into. */
export const bytesSerde: Serde<Buffer> = { serialize: bytes => bytes, deserialize: bytes => bytes };

export interface WindowOfKey {
  readonly key: string;
  readonly startMs: number;
}

export function writeWindowedKey({ key, startMs }: WindowOfKey): Buffer {
  return Buffer.concat([Buffer.from(key), countSerde.serialize(startMs)]);
}

/** Undefined for what is too short. */
export function readWindowedKey(bytes: Buffer): WindowOfKey | undefined {
  const end = bytes.length - 8;
  if (end < 0) return undefined;
  return { key: bytes.toString('latin1', 0, end), startMs: countSerde.deserialize(bytes.subarray(end)) };
}
