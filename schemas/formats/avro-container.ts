/**
 * Blocks of an Avro object container, out of a stream of bytes.
 *
 * Owns: header, blocks, codecs, damage and where reading goes on. Does not own: what a record means.
 *
 * Invariants:
 * A1 The result does not depend on how the bytes were split into chunks.
 * A2 A damaged block is lost whole, reported once, and reading goes on behind the next sync marker.
 */

import { inflateRawSync } from 'node:zlib';
import { SluiceError } from '#errors';
import { avroType } from '../avro-type.ts';

export const avroMagic = Buffer.from('Obj\x01', 'latin1');
const syncBytes = 16;
const largestBlockBytes = 256 * 1024 * 1024;
const largestHeaderBytes = 16 * 1024 * 1024;
const largestBlockHeadBytes = 20;

const metaType = avroType('{"type":"map","values":"bytes"}');
const longType = avroType('"long"');

export interface AvroHeader {
  readonly schema: string;
  readonly codec: string;
}

export interface AvroBlock {
  readonly block: number;
  readonly offsetBytes: number;
  readonly count: number;
  readonly body: Buffer;
}

export type AvroFound =
  | { readonly header: AvroHeader }
  | AvroBlock
  | { readonly block: number; readonly offsetBytes: number; readonly bad: string };

/** Header at the start of the bytes; undefined: not whole yet, or none. */
export function readAvroHeader(
  bytes: Buffer,
): (AvroHeader & { sync: Buffer; sizeBytes: number }) | undefined {
  if (!bytes.subarray(0, avroMagic.length).equals(avroMagic)) return undefined;
  let decoded: { value: Record<string, Buffer>; offset: number };
  try {
    decoded = metaType.decode(bytes, avroMagic.length) as typeof decoded;
  } catch {
    return undefined;
  }
  const { value, offset } = decoded;
  if (offset < 0 || bytes.length < offset + syncBytes) return undefined;
  return {
    schema: String(value['avro.schema'] ?? ''),
    codec: String(value['avro.codec'] ?? 'null'),
    sync: Buffer.from(bytes.subarray(offset, offset + syncBytes)),
    sizeBytes: offset + syncBytes,
  };
}

export class AvroContainer {
  readonly #input: string;
  #held: Buffer = Buffer.alloc(0);
  #offset = 0;
  #header: ReturnType<typeof readAvroHeader>;
  #block = 1;
  /** A block was damaged: the next sync marker is looked for. */
  #isLost = false;

  constructor(input: string) {
    this.#input = input;
  }

  /** Errors: INPUT_INVALID when there is no header, or a codec we have not. */
  *push(chunk: Buffer): Generator<AvroFound, void, undefined> {
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    if (!this.#header) {
      this.#header = readAvroHeader(this.#held);
      if (!this.#header) {
        if (this.#held.length > largestHeaderBytes) throw this.#noHeader();
        return;
      }
      this.#take(this.#header.sizeBytes);
      yield { header: this.#header };
    }
    for (let found = this.#next(this.#header); found !== undefined; found = this.#next(this.#header))
      if (found !== 'lost') yield found;
  }

  *end(): Generator<AvroFound, void, undefined> {
    if (!this.#header) throw this.#noHeader();
    // A damaged size may have claimed all that came after it.
    while (this.#held.length > 0 && !this.#isLost) {
      yield this.#lose('is cut off: the file ends inside it');
      for (let found = this.#next(this.#header); found !== undefined; found = this.#next(this.#header))
        if (found !== 'lost') yield found;
    }
  }

  #noHeader(): SluiceError {
    return new SluiceError(
      'INPUT_INVALID',
      `${this.#input} is no Avro object container: its header is damaged, copy it again`,
    );
  }

  #take(sizeBytes: number): void {
    this.#held = this.#held.subarray(sizeBytes);
    this.#offset += sizeBytes;
  }

  #bad(bad: string): AvroFound {
    return { block: this.#block, offsetBytes: this.#offset, bad: `block ${this.#block} ${bad}` };
  }

  /** Undefined: more bytes are needed. */
  #next({ sync, codec }: NonNullable<ReturnType<typeof readAvroHeader>>): AvroFound | 'lost' | undefined {
    if (this.#isLost) return this.#resync(sync);
    const head = this.#blockHead();
    if (head === undefined) return undefined;
    if (head === 'bad') return this.#lose('claims an impossible size');
    const { count, sizeBytes, at } = head;
    const wholeBytes = at + sizeBytes + syncBytes;
    if (this.#held.length < wholeBytes) return undefined;
    if (!this.#held.subarray(at + sizeBytes, wholeBytes).equals(sync))
      return this.#lose('does not end in the sync marker');
    const data = this.#held.subarray(at, at + sizeBytes);
    const offsetBytes = this.#offset;
    const block = this.#block;
    try {
      const body = inflate(codec, data, this.#input);
      this.#take(wholeBytes);
      this.#block += 1;
      return { block, offsetBytes, count, body };
    } catch (error) {
      if (error instanceof SluiceError) throw error;
      const found = this.#bad('cannot be decompressed');
      this.#take(wholeBytes);
      this.#block += 1;
      return found;
    }
  }

  #lose(bad: string): AvroFound {
    this.#isLost = true;
    return this.#bad(bad);
  }

  #resync(sync: Buffer): 'lost' | undefined {
    const at = this.#held.indexOf(sync);
    if (at < 0) {
      this.#take(Math.max(0, this.#held.length - syncBytes + 1));
      return undefined;
    }
    this.#take(at + syncBytes);
    this.#block += 1;
    this.#isLost = false;
    return 'lost';
  }

  #blockHead(): { count: number; sizeBytes: number; at: number } | 'bad' | undefined {
    const start = this.#held.subarray(0, largestBlockHeadBytes);
    try {
      const count = longType.decode(start, 0);
      if (count.offset < 0) return start.length >= largestBlockHeadBytes ? 'bad' : undefined;
      const size = longType.decode(start, count.offset);
      if (size.offset < 0) return start.length >= largestBlockHeadBytes ? 'bad' : undefined;
      const isPossible = count.value >= 0 && size.value >= 0 && size.value <= largestBlockBytes;
      return isPossible ? { count: count.value, sizeBytes: size.value, at: size.offset } : 'bad';
    } catch {
      return 'bad';
    }
  }
}

function inflate(codec: string, data: Buffer, input: string): Buffer {
  if (codec === 'null') return data;
  if (codec === 'deflate') return inflateRawSync(data, { maxOutputLength: largestBlockBytes });
  throw new SluiceError(
    'INPUT_INVALID',
    `${input} is compressed with ${codec}: write it with deflate or null`,
  );
}
