/**
 * Schema text → avsc type, safe to read hostile bytes with.
 *
 * Owns: the options every avsc type of ours is made with, and the bounds avsc does not keep itself.
 *
 * Invariants:
 * A1 Reading takes time and memory bounded by the number of bytes read. avsc takes the item count of an array or map
 *    on trust, so a few flipped bits could make it loop for hours or allocate until the process dies.
 * A2 A value that would need bytes past the end invalidates the tap; it never yields a value.
 * A3 A long is written and read exactly or refused. avsc works in doubles on the zigzag form, which is twice the value:
 *    below -2^52 it gets odd numbers wrong without a word.
 */

import avro from 'avsc';

/** The part of avsc's reading position that we touch. Reading past the end is legal and makes it invalid. */
interface Tap {
  buf: Buffer;
  pos: number;
  readLong(): number;
  writeLong(value: number): void;
  readString(): string;
  skipString(): void;
}

interface Readable {
  _read(tap: Tap): unknown;
  _skip(tap: Tap): void;
}

type Schema = Parameters<typeof avro.Type.forSchema>[0];

/** A type of ours: plain decoded values, unions wrapped only where several records meet in one. Throws avsc's errors. */
export function avroType(json: string): avro.Type {
  return avro.Type.forSchema(JSON.parse(json), { omitRecordMethods: true, typeHook });
}

/** To read what others wrote: longs that no number holds exactly (nanoseconds since the epoch) become the nearest one. */
export function foreignAvroType(json: string): avro.Type {
  const hook = (schema: Schema, options: unknown) =>
    kindOf(schema) === 'long' ? new NearestLongType() : typeHook(schema, options);
  return avro.Type.forSchema(JSON.parse(json), { omitRecordMethods: true, typeHook: hook });
}

function kindOf(schema: Schema): unknown {
  return typeof schema === 'object' && 'type' in schema ? schema.type : schema;
}

function typeHook(schema: Schema, options: unknown): avro.Type | undefined {
  const kind = kindOf(schema);
  if (kind === 'long') return new ExactLongType();
  if (kind === 'array') return new BoundedArrayType(schema, options);
  if (kind === 'map') return new BoundedMapType(schema, options);
  return undefined;
}

function invalidate(tap: Tap): void {
  tap.pos = tap.buf.length + 1;
}

/**
 * Item count of the next block, 0 at the end. An item takes a byte at least (the schemas have no empty records), so a
 * count above the bytes that are left cannot be met.
 */
function blockCount(tap: Tap): number {
  let count = tap.readLong();
  if (count < 0) {
    count = -count;
    tap.readLong();
  }
  if (count <= tap.buf.length - tap.pos) return count;
  invalidate(tap);
  return 0;
}

/** Like `blockCount` until the end, but jumps over blocks that tell their size. */
function skipBlocks(tap: Tap, skipItem: () => void): void {
  for (let count = tap.readLong(); count !== 0; count = tap.readLong()) {
    const length = count < 0 ? tap.readLong() : count;
    if (!(length >= 0 && length <= tap.buf.length - tap.pos)) {
      invalidate(tap);
      return;
    }
    if (count < 0) tap.pos += length;
    else for (let i = 0; i < length; i++) skipItem();
  }
}

const smallestLong = -(2 ** 52);
/** The largest avsc accepts. */
const largestLong = Number.MAX_SAFE_INTEGER - 1;

function isExactLong(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= smallestLong && (value as number) <= largestLong;
}

class ExactLongType extends avro.types.LongType {
  _check(value: unknown, _flags: unknown, hook?: (value: unknown, type: avro.Type) => void): boolean {
    const exact = isExactLong(value);
    if (!exact) hook?.(value, this);
    return exact;
  }

  _read(tap: Tap): number {
    const value = tap.readLong();
    if (!isExactLong(value)) throw new RangeError('a long outside -2^52 to 2^53-2');
    return value;
  }

  _write(tap: Tap, value: unknown): void {
    if (!isExactLong(value)) throw new RangeError(`${String(value)} is no long from -2^52 to 2^53-2`);
    tap.writeLong(value);
  }
}

class NearestLongType extends avro.types.LongType {
  _read(tap: Tap): number {
    return tap.readLong();
  }
}

class BoundedArrayType extends avro.types.ArrayType {
  _read(tap: Tap): unknown[] {
    const items = this.itemsType as unknown as Readable;
    const values: unknown[] = [];
    for (let count = blockCount(tap); count > 0; count = blockCount(tap)) {
      while (count-- > 0) values.push(items._read(tap));
    }
    return values;
  }

  _skip(tap: Tap): void {
    const items = this.itemsType as unknown as Readable;
    skipBlocks(tap, () => items._skip(tap));
  }
}

class BoundedMapType extends avro.types.MapType {
  _read(tap: Tap): Record<string, unknown> {
    const values = this.valuesType as Readable;
    const entries: Record<string, unknown> = {};
    for (let count = blockCount(tap); count > 0; count = blockCount(tap)) {
      while (count-- > 0) {
        const key = tap.readString();
        const value = values._read(tap);
        if (key === '__proto__') ownProto(entries, value);
        else entries[key] = value;
      }
    }
    return entries;
  }

  _skip(tap: Tap): void {
    const values = this.valuesType as Readable;
    skipBlocks(tap, () => {
      tap.skipString();
      values._skip(tap);
    });
  }
}

/** Plain assignment would change the prototype and lose the entry. */
function ownProto(entries: object, value: unknown): void {
  Object.defineProperty(entries, '__proto__', {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  });
}
