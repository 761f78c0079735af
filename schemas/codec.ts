/**
 * One record type ⇄ its framed bytes: magic 0, the writer schema's id (int32, big endian), the Avro body.
 *
 * Owns: the hot path. Does not own: finding out what an id means (writers.ts), which topic uses which (serde.ts).
 *
 * Invariants:
 * C1 `serialize` and `deserialize` are synchronous and compile nothing for a writer they have seen before.
 * C2 A buffer given out is the caller's: nothing here reads or changes it again.
 */

import { SluiceError } from '#errors';
import { avroType } from './avro-type.ts';
import type { Records } from './generated/types.ts';
import { type SchemaName, schemas } from './schema-names.ts';
import type { Writers } from './writers.ts';

type AvroType = ReturnType<typeof avroType>;
type Resolver = ReturnType<AvroType['createResolver']>;

export interface Serde<T> {
  /** Errors: VALUE_INVALID names the field. */
  serialize(value: T): Buffer;
  /** Errors: RECORD_TRUNCATED, RECORD_CORRUPT, SCHEMA_UNKNOWN, SCHEMA_INCOMPATIBLE. */
  deserialize(bytes: Buffer): T;
  /** Of a serialised key: what decides its partition, where that is not all of it. */
  partitionKey?(bytes: Buffer): Buffer;
}

/** SCHEMA_UNKNOWN, with the id that is. */
export class SchemaUnknownError extends SluiceError {
  readonly schemaId: number;

  constructor(schemaId: number, record: string) {
    super(
      'SCHEMA_UNKNOWN',
      `${record}: the record names schema ${schemaId}, which the registry is not known to hold: register it, or find out what wrote the record`,
    );
    this.schemaId = schemaId;
  }
}

export const headerBytes = 5;
const magic = 0;

/** The schema id of a framed record; undefined when the bytes are no framed record. */
export function schemaIdOf(bytes: Buffer): number | undefined {
  return bytes.length >= headerBytes && bytes[0] === magic ? bytes.readInt32BE(1) : undefined;
}

const compiled = new Map<SchemaName, AvroType>();

/** The type of a record at its current version, compiled once. */
export function currentType(record: SchemaName): AvroType {
  let type = compiled.get(record);
  if (type === undefined) {
    type = avroType(schemas[record].json);
    compiled.set(record, type);
  }
  return type;
}

/** That it could be serialised, without doing so. Errors: VALUE_INVALID names the field. */
export function checkRecord(record: SchemaName, value: unknown): void {
  const type = currentType(record);
  if (!type.isValid(value)) throw invalidValue(type, record, value, 'it is none');
}

export interface CodecOptions<N extends SchemaName> {
  readonly record: N;
  /** Id of the current schema, which `serialize` writes. */
  readonly schemaId: number;
  readonly writers: Writers;
}

/** A codec reads what any compatible version wrote and writes the current one. */
export function codec<N extends SchemaName>({
  record,
  schemaId,
  writers,
}: CodecOptions<N>): Serde<Records[N]> {
  const type = currentType(record);
  const encode = encoder(type, record, schemaId);
  const resolverOf = resolvers(type, record, writers);

  return {
    serialize: encode,
    deserialize(bytes) {
      if (bytes.length < headerBytes) {
        throw new SluiceError(
          'RECORD_TRUNCATED',
          `${record}: ${bytes.length} bytes are too few for the header`,
        );
      }
      if (bytes[0] !== magic) {
        throw new SluiceError('RECORD_CORRUPT', `${record}: the first byte is ${bytes[0]}, not 0`);
      }
      return decodeBody(type, record, bytes, resolverOf(bytes.readInt32BE(1))) as Records[N];
    },
  };
}

function encoder(type: AvroType, record: string, schemaId: number): (value: unknown) => Buffer {
  let scratch = framed(1024, schemaId);
  return value => {
    let end: number;
    try {
      end = type.encode(value, scratch, headerBytes);
      while (end < 0) {
        scratch = framed(Math.max(scratch.length * 2, scratch.length - end), schemaId);
        end = type.encode(value, scratch, headerBytes);
      }
    } catch (error) {
      throw invalidValue(type, record, value, error);
    }
    const bytes = Buffer.allocUnsafe(end);
    scratch.copy(bytes, 0, 0, end);
    return bytes;
  };
}

function framed(sizeBytes: number, schemaId: number): Buffer {
  const buffer = Buffer.allocUnsafeSlow(sizeBytes);
  buffer[0] = magic;
  buffer.writeInt32BE(schemaId, 1);
  return buffer;
}

/** Finds the first bad field, which avsc's own error does not name. */
export function invalidValue(type: AvroType, record: string, value: unknown, cause: unknown): SluiceError {
  let found: string | undefined;
  const errorHook = (path: string[], bad: unknown, expected: AvroType) => {
    found ??= `${[record, ...path].join('.')}: ${describe(bad)} is no ${expected.name ?? expected.typeName}`;
  };
  const mend = 'give it a value of its type';
  type.isValid(value, { errorHook });
  const reason = found ?? `${record}: ${cause instanceof Error ? cause.message : String(cause)}`;
  return new SluiceError('VALUE_INVALID', `${reason}: ${mend}`, { cause });
}

function describe(bad: unknown): string {
  if (typeof bad === 'string')
    return bad.length > 40 ? `a text of ${bad.length} characters` : JSON.stringify(bad);
  return bad !== null && typeof bad === 'object' ? 'an object' : String(bad);
}

/** Resolver per writer id; null where the writer's bytes are laid out as the current version's. */
function resolvers(type: AvroType, record: string, writers: Writers): (id: number) => Resolver | null {
  const cache = new Map<number, Resolver | null>();
  let lastId: number | undefined;
  let last: Resolver | null = null;

  const find = (id: number): Resolver | null => {
    const cached = cache.get(id);
    if (cached !== undefined) return cached;
    const writer = writers.get(id);
    if (writer === undefined) throw new SchemaUnknownError(id, record);
    if (writer instanceof SluiceError) throw writer;
    const resolver = resolve(type, record, writer, id);
    cache.set(id, resolver);
    return resolver;
  };

  return id => {
    if (id !== lastId) {
      last = find(id);
      lastId = id;
    }
    return last;
  };
}

function resolve(type: AvroType, record: string, writer: AvroType, id: number): Resolver | null {
  if (type.equals(writer)) return null;
  try {
    return type.createResolver(writer);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SluiceError(
      'SCHEMA_INCOMPATIBLE',
      `${record}: records of schema ${id} (${writer.name ?? writer.typeName}) cannot be read as this version's: ${reason}`,
      { cause: error },
    );
  }
}

function decodeBody(type: AvroType, record: string, bytes: Buffer, resolver: Resolver | null): unknown {
  let decoded: { value: unknown; offset: number };
  try {
    decoded = type.decode(bytes, headerBytes, resolver ?? undefined);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SluiceError(
      'RECORD_CORRUPT',
      `${record}: the body of ${bytes.length} bytes cannot be read: ${reason}`,
      {
        cause: error,
      },
    );
  }
  if (decoded.offset < 0) {
    throw new SluiceError('RECORD_TRUNCATED', `${record}: the record ends before its value does`);
  }
  if (decoded.offset !== bytes.length) {
    const left = bytes.length - decoded.offset;
    throw new SluiceError('RECORD_CORRUPT', `${record}: ${left} bytes are left after the value`);
  }
  return decoded.value;
}
