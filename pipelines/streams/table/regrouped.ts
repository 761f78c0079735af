import type { Serde } from '#schemas';

/** What a change of a grouped table takes from a group and gives to it; null: nothing. */
export interface Regrouped<V> {
  readonly subtract: V | null;
  readonly add: V | null;
}

const hasBoth = 3;

/** Shape: 1 (subtract), 2 (add) or 3 (both) in a byte; where both, the length of the first, uint32; the values. */
export function regroupedSerde<V>(serde: Serde<V>): Serde<Regrouped<V>> {
  return {
    serialize({ subtract, add }) {
      const parts = [subtract, add].flatMap(value => (value === null ? [] : serde.serialize(value)));
      const what = (subtract === null ? 0 : 1) + (add === null ? 0 : 2);
      const head = Buffer.alloc(what === hasBoth ? 5 : 1, what);
      if (what === hasBoth) head.writeUInt32BE(parts[0]!.length, 1);
      return Buffer.concat([head, ...parts]);
    },
    deserialize(bytes) {
      const what = bytes[0]!;
      if (what !== hasBoth) {
        const value = serde.deserialize(bytes.subarray(1));
        return what === 1 ? { subtract: value, add: null } : { subtract: null, add: value };
      }
      const end = 5 + bytes.readUInt32BE(1);
      return {
        subtract: serde.deserialize(bytes.subarray(5, end)),
        add: serde.deserialize(bytes.subarray(end)),
      };
    },
  };
}
