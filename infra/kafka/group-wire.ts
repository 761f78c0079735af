import { type Claims, noClaims } from './claims.ts';
import type { GroupMember } from './port.ts';

/**
 * What members of a group tell each other in the user data of Kafka's group protocol: a version byte, then varints and
 * length-prefixed strings.
 *
 * Invariants: a newer version only appends, to the whole or to a member's entry, so that what an older reader knows stays
 * readable; what cannot be read (nothing, or another software's) is as if nothing was told.
 */
const version = 1;

export function encodeClaims({ endpoint, owned, generation, warm, standbys }: Claims): Buffer {
  const out = new Writer();
  out.number(version);
  // Shifted by one: before the first assignment it is -1.
  out.number(generation + 1);
  out.number(standbys);
  out.text(endpoint ?? '');
  out.numbers(owned);
  out.numbers(warm);
  return out.bytes;
}

export function decodeClaims(bytes: Buffer | null): Claims {
  return readable(bytes, noClaims, input => {
    const generation = input.number() - 1;
    const standbys = input.number();
    return {
      generation,
      standbys,
      endpoint: input.text() || null,
      owned: input.numbers(),
      warm: input.numbers(),
    };
  });
}

export function encodeMembers(members: readonly GroupMember[]): Buffer {
  const out = new Writer();
  out.number(version);
  out.number(members.length);
  for (const { memberId, endpoint, partitions, standbys } of members) {
    const entry = new Writer();
    entry.text(memberId);
    entry.text(endpoint ?? '');
    entry.numbers(partitions);
    entry.numbers(standbys);
    out.block(entry.bytes);
  }
  return out.bytes;
}

/** None when it was made by a member that tells none. */
export function decodeMembers(bytes: Buffer | null): readonly GroupMember[] {
  return readable<readonly GroupMember[]>(bytes, [], input =>
    Array.from({ length: input.count() }, () => {
      const entry = new Reader(input.block());
      return {
        memberId: entry.text(),
        endpoint: entry.text() || null,
        partitions: entry.numbers(),
        standbys: entry.numbers(),
      };
    }),
  );
}

function readable<T>(bytes: Buffer | null, otherwise: T, read: (input: Reader) => T): T {
  if (!bytes || bytes.length === 0) return otherwise;
  try {
    const input = new Reader(bytes);
    return input.number() >= version ? read(input) : otherwise;
  } catch (error) {
    if (error instanceof RangeError) return otherwise;
    throw error;
  }
}

class Writer {
  readonly #parts: Buffer[] = [];

  get bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }

  /** Up to 31 bits. */
  number(value: number): void {
    const bytes: number[] = [];
    let rest = value;
    for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
    this.#parts.push(Buffer.from([...bytes, rest]));
  }

  numbers(values: readonly number[]): void {
    this.number(values.length);
    for (const value of values) this.number(value);
  }

  text(value: string): void {
    this.block(Buffer.from(value));
  }

  block(bytes: Buffer): void {
    this.number(bytes.length);
    this.#parts.push(bytes);
  }
}

/** Throws RangeError when there is less than is asked for. */
class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  number(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#bytes.readUInt8(this.#at);
      this.#at += 1;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError('not a number of 31 bits');
  }

  /** Of things that take at least a byte each. */
  count(): number {
    const length = this.number();
    if (length > this.#bytes.length - this.#at) throw new RangeError('less than announced');
    return length;
  }

  numbers(): number[] {
    return Array.from({ length: this.count() }, () => this.number());
  }

  text(): string {
    return this.block().toString();
  }

  block(): Buffer {
    const length = this.count();
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}
