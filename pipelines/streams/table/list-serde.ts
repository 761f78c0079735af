import type { Serde } from '#schemas';

/** Several values. Shape: each with its length, uint32, before it. */
export function listSerde<V>(serde: Serde<V>): Serde<readonly V[]> {
  return {
    serialize(values) {
      const parts = values.map(value => serde.serialize(value));
      const bytes = Buffer.allocUnsafe(parts.reduce((sum, part) => sum + 4 + part.length, 0));
      let at = 0;
      for (const part of parts) {
        bytes.writeUInt32BE(part.length, at);
        part.copy(bytes, at + 4);
        at += 4 + part.length;
      }
      return bytes;
    },
    deserialize(bytes) {
      const values: V[] = [];
      for (let at = 0; at < bytes.length; ) {
        const end = at + 4 + bytes.readUInt32BE(at);
        values.push(serde.deserialize(bytes.subarray(at + 4, end)));
        at = end;
      }
      return values;
    },
  };
}
