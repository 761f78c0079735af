/**
 * Capture files: records of topics in an Avro object container.
 *
 * Owns: the container format (header, blocks, deflate), damage and its place.
 * Does not own: what is in a record (CapturedRecord.avsc), where captures come from or go.
 *
 * Invariants:
 * F1 A block is delivered whole or not at all: deflate has no checksum, so no record of a damaged block is trusted.
 * F2 Same records, same bytes: the sync marker comes from the schema, not from chance.
 * F3 A file that was cut off reads up to its last whole block before it fails.
 */

import { createHash } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { SluiceError } from '#errors';
import { avroType } from './avro-type.ts';
import { currentType, invalidValue } from './codec.ts';
import { type FileBytes, openFileBytes } from './file-bytes.ts';
import type { CapturedRecord } from './generated/types.ts';
import { schemas } from './schema-names.ts';

type AvroType = ReturnType<typeof avroType>;
type Resolver = ReturnType<AvroType['createResolver']>;

const magic = Buffer.from('Obj\x01', 'latin1');
const syncBytes = 16;
const blockBytes = 64 * 1024;
/** No block we or a sane tool writes comes near; beyond it a size is damage. */
const largestBlockBytes = 256 * 1024 * 1024;

const headerType = avroType(
  JSON.stringify({
    type: 'record',
    name: 'Header',
    fields: [{ name: 'meta', type: { type: 'map', values: 'bytes' } }],
  }),
);
const blockHeadType = avroType(
  JSON.stringify({
    type: 'record',
    name: 'BlockHead',
    fields: [
      { name: 'count', type: 'long' },
      { name: 'sizeBytes', type: 'long' },
    ],
  }),
);
const largestBlockHeadBytes = 20;

export interface CaptureWriter {
  /** Errors: VALUE_INVALID; the file is as before. */
  append(record: CapturedRecord): void;
  /** Writes what is still held and closes the file. Idempotent. */
  close(): void;
}

/** Starts a capture file, replacing one that is there. What was appended is in the file a block (64 KiB) at a time. */
export function writeCapture(path: string): CaptureWriter {
  const schema = schemas.CapturedRecord.json;
  const type = currentType('CapturedRecord');
  const sync = createHash('sha256').update(schema).digest().subarray(0, syncBytes);
  const meta = { 'avro.codec': Buffer.from('deflate'), 'avro.schema': Buffer.from(schema) };

  let file: number | undefined = openSync(path, 'w');
  writeSync(file, Buffer.concat([magic, headerType.toBuffer({ meta }), sync]));
  let held: Buffer[] = [];
  let heldBytes = 0;

  const flush = (to: number) => {
    if (held.length === 0) return;
    const data = deflateRawSync(Buffer.concat(held), { level: 9 });
    const head = blockHeadType.toBuffer({ count: held.length, sizeBytes: data.length });
    writeSync(to, Buffer.concat([head, data, sync]));
    held = [];
    heldBytes = 0;
  };

  return {
    append(record) {
      if (file === undefined) throw new SluiceError('BUG', `${path}: append after close`);
      const bytes = encode(type, record);
      held.push(bytes);
      heldBytes += bytes.length;
      if (heldBytes >= blockBytes) flush(file);
    },
    close() {
      if (file === undefined) return;
      flush(file);
      closeSync(file);
      file = undefined;
    },
  };
}

function encode(type: AvroType, record: CapturedRecord): Buffer {
  try {
    return type.toBuffer(record);
  } catch (error) {
    throw invalidValue(type, 'CapturedRecord', record, error);
  }
}

/**
 * Reads a capture of this or any earlier version, in order.
 * Errors: INPUT_INVALID when there is no such file or it is no Avro container, SCHEMA_INCOMPATIBLE when it holds
 * something else, RECORD_CORRUPT with file and block number where it is damaged: what came before has been delivered.
 */
export async function* readCapture(path: string): AsyncGenerator<CapturedRecord, void, undefined> {
  const bytes = await openFileBytes(path);
  try {
    const { resolver, inflate, sync } = await readHeader(bytes, path);
    for (let block = 1; await bytes.has(1); block++) {
      const damaged = (what: string, cause?: unknown) =>
        new SluiceError('RECORD_CORRUPT', `${path}: block ${block} ${what}`, { cause });
      const { count, sizeBytes } = await readBlockHead(bytes, damaged);
      const whole = await bytes.take(sizeBytes + syncBytes);
      if (whole === undefined) throw damaged('is cut off: the file ends inside it');
      if (!whole.subarray(sizeBytes).equals(sync)) throw damaged('does not end in the sync marker');
      yield* decodeBlock({ data: whole.subarray(0, sizeBytes), count, resolver, inflate, damaged });
    }
  } finally {
    await bytes.close();
  }
}

interface CaptureHeader {
  readonly resolver: Resolver;
  readonly inflate: (data: Buffer) => Buffer;
  readonly sync: Buffer;
}

async function readHeader(bytes: FileBytes, path: string): Promise<CaptureHeader> {
  const start = await bytes.peek(blockBytes);
  const meta = start.subarray(0, magic.length).equals(magic) ? await readMeta(bytes) : undefined;
  const sync = meta && (await bytes.take(syncBytes));
  if (meta === undefined || sync === undefined) {
    throw new SluiceError(
      'INPUT_INVALID',
      `${path} is no capture: it does not begin as an Avro object container`,
    );
  }
  return {
    resolver: resolverFor(meta['avro.schema'], path),
    inflate: inflaterFor(meta['avro.codec'], path),
    sync,
  };
}

/** The header says nowhere how long it is: more of the file is tried until it is whole. */
async function readMeta(bytes: FileBytes): Promise<Record<string, Buffer> | undefined> {
  for (let sizeBytes = blockBytes; sizeBytes <= largestBlockBytes; sizeBytes *= 4) {
    const start = await bytes.peek(sizeBytes);
    const { value, offset } = headerType.decode(start, magic.length);
    if (offset >= 0) {
      await bytes.take(offset);
      return value.meta;
    }
    if (start.length < sizeBytes) return undefined;
  }
  return undefined;
}

function resolverFor(schema: Buffer | undefined, path: string): Resolver {
  try {
    return currentType('CapturedRecord').createResolver(avroType(String(schema)));
  } catch (error) {
    throw new SluiceError('SCHEMA_INCOMPATIBLE', `${path} holds no captured records: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function inflaterFor(codec: Buffer | undefined, path: string): (data: Buffer) => Buffer {
  const name = codec === undefined ? 'null' : codec.toString();
  if (name === 'null') return data => data;
  if (name === 'deflate') return data => inflateRawSync(data, { maxOutputLength: largestBlockBytes });
  throw new SluiceError('INPUT_INVALID', `${path} is compressed with ${name}: write it with deflate or null`);
}

type Damaged = (what: string, cause?: unknown) => SluiceError;

async function readBlockHead(
  bytes: FileBytes,
  damaged: Damaged,
): Promise<{ count: number; sizeBytes: number }> {
  try {
    const start = await bytes.peek(largestBlockHeadBytes);
    const { value, offset } = blockHeadType.decode(start, 0);
    const { count, sizeBytes } = value ?? { count: -1, sizeBytes: -1 };
    if (offset < 0) throw damaged('is cut off: the file ends inside it');
    if (count < 0 || sizeBytes < 0 || sizeBytes > largestBlockBytes)
      throw damaged('claims an impossible size');
    await bytes.take(offset);
    return { count, sizeBytes };
  } catch (error) {
    throw error instanceof SluiceError ? error : damaged('claims an impossible size', error);
  }
}

interface Block {
  readonly data: Buffer;
  readonly count: number;
  readonly resolver: Resolver;
  readonly inflate: (data: Buffer) => Buffer;
  readonly damaged: Damaged;
}

function decodeBlock({ data, count, resolver, inflate, damaged }: Block): CapturedRecord[] {
  const type = currentType('CapturedRecord');
  const records: CapturedRecord[] = [];
  try {
    const body = inflate(data);
    let at = 0;
    for (let i = 0; i < count; i++) {
      const { value, offset } = type.decode(body, at, resolver);
      if (offset < 0) throw damaged(`ends after ${i} of its ${count} records`);
      records.push(value as CapturedRecord);
      at = offset;
    }
    if (at !== body.length) throw damaged(`has ${body.length - at} bytes after its last record`);
  } catch (error) {
    throw error instanceof SluiceError ? error : damaged(`cannot be read: ${messageOf(error)}`, error);
  }
  return records;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
