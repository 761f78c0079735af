/** Keys and counts as every contestant writes them: `key@<start of window>` as text, a count as eight bytes, big-endian. */

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

export const windowedKey = (key: string, startMs: number): string => `${key}@${startMs}`;
