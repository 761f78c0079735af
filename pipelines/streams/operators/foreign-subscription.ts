/**
 * What the two tables of a foreign-key join tell each other: the left one which of its rows refer to which row of the right one,
 * the right one what it holds there.
 *
 * Owns: the shapes of the records between them. Does not own: when which is sent (join-foreign-key.ts).
 */

import { hash } from 'node:crypto';
import type { Serde } from '#schemas';
import { maybeSerde } from '../table/maybe-serde.ts';

/**
 * What the right table is to do: `answer` with what it holds, also with nothing; `answer-quietly`: the same, but nothing is news only
 * where there was something; `leave`: to forget the subscription; `leave-answer`: that, and to answer with nothing.
 */
export const asks = ['answer', 'answer-quietly', 'leave', 'leave-answer'] as const;
export type Ask = (typeof asks)[number];

export interface Subscription<K> {
  readonly key: K;
  readonly ask: Ask;
  /** Partition of the left table, where answers go. */
  readonly partition: number;
  /** Of the left row that it was sent for. */
  readonly rowHash: Buffer;
}

export interface Answer<R> {
  readonly value: R | null;
  /** Of the left row that it is for: an answer for one that changed since is of no use. */
  readonly rowHash: Buffer;
  /** Nothing is news only where there was something. */
  readonly isQuiet: boolean;
}

const hashBytes = 16;

/** Tells rows of one key apart; null (deleted) from all. */
export function rowHash<V>(row: V | null, serde: Serde<V>): Buffer {
  if (row === null) return Buffer.alloc(hashBytes);
  return hash('sha256', serde.serialize(row), 'buffer').subarray(0, hashBytes);
}

/** Shape: ask, in a byte; partition, uint32; hash, 16 bytes; the key. */
export function subscriptionSerde<K>(keys: Serde<K>): Serde<Subscription<K>> {
  return {
    serialize({ key, ask, partition, rowHash: of }) {
      const head = Buffer.allocUnsafe(5);
      head.writeUInt8(asks.indexOf(ask));
      head.writeUInt32BE(partition, 1);
      return Buffer.concat([head, of, keys.serialize(key)]);
    },
    deserialize: bytes => ({
      ask: asks[bytes.readUInt8(0)]!,
      partition: bytes.readUInt32BE(1),
      // It is kept; what was fetched with it is not.
      rowHash: Buffer.from(bytes.subarray(5, 5 + hashBytes)),
      key: keys.deserialize(bytes.subarray(5 + hashBytes)),
    }),
  };
}

/** Shape: 1 if it is quiet, else 0, in a byte; hash, 16 bytes; the value, see maybeSerde. */
export function answerSerde<R>(values: Serde<R>): Serde<Answer<R>> {
  const maybe = maybeSerde(values);
  return {
    serialize: ({ isQuiet, rowHash: of, value }) =>
      Buffer.concat([Buffer.from([isQuiet ? 1 : 0]), of, maybe.serialize(value)]),
    deserialize: bytes => ({
      isQuiet: bytes[0] === 1,
      rowHash: bytes.subarray(1, 1 + hashBytes),
      value: maybe.deserialize(bytes.subarray(1 + hashBytes)),
    }),
  };
}
