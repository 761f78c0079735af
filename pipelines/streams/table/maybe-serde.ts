import type { Serde } from '#schemas';

const nothing = Buffer.from([0]);

/** Values that may be missing. Shape: a byte 0; or a byte 1, then the value. */
export function maybeSerde<V>(serde: Serde<V>): Serde<V | null> {
  return {
    serialize: value =>
      value === null ? nothing : Buffer.concat([Buffer.from([1]), serde.serialize(value)]),
    deserialize: bytes => (bytes[0] === 0 ? null : serde.deserialize(bytes.subarray(1))),
  };
}
