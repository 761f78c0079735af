import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { SluiceError } from '#errors';
import type { Headers, LogRecord } from './port.ts';

/** What a fetch brought of one partition. */
export interface FetchedPartition {
  readonly topic: string;
  readonly partition: number;
  /** The protocol's; 0 is none. */
  readonly errorCode: number;
  readonly highWatermark: number;
  /** Readable records from the offset asked for on; their buffers are views into the answer. */
  readonly records: LogRecord[];
  /** Past the records and past all that was left out; the offset asked for when there was nothing. */
  readonly nextOffset: number;
}

/** Finds the offset a partition was asked for. */
export type AskedOffset = (topic: string, partition: number) => number;

const controlFlag = 0x20;
const transactionalFlag = 0x10;
const logAppendTimeFlag = 0x08;
const batchHeaderBytes = 61;
const lengthEndBytes = 12;

/**
 * Reads a Fetch answer of version 11, leaving out control records and records of aborted transactions.
 *
 * Its own and not kafkajs' for two reasons: kafkajs ends an aborted transaction early when a record's key is four zero
 * bytes and takes one aborted transaction per record into account, so it can let aborted records through; and it makes
 * several objects per record where one will do.
 */
export function readFetchResponse(raw: Buffer, asked: AskedOffset): FetchedPartition[] {
  const cursor = new Cursor(raw);
  cursor.skip(4);
  const errorCode = cursor.int16();
  cursor.skip(4);
  const fetched: FetchedPartition[] = [];
  for (let topics = cursor.int32(); topics > 0; topics -= 1) {
    const topic = cursor.string();
    for (let partitions = cursor.int32(); partitions > 0; partitions -= 1) {
      fetched.push(readPartition(cursor, topic, { errorCode, asked }));
    }
  }
  return fetched;
}

function readPartition(
  cursor: Cursor,
  topic: string,
  { errorCode, asked }: { errorCode: number; asked: AskedOffset },
): FetchedPartition {
  const partition = cursor.int32();
  const ownErrorCode = cursor.int16();
  const highWatermark = cursor.int64();
  cursor.skip(16);
  const aborted = new AbortedTransactions();
  for (let left = cursor.int32(); left > 0; left -= 1) aborted.add(cursor.int64(), cursor.int64());
  cursor.skip(4);
  const sizeBytes = Math.max(0, cursor.int32());
  const set = cursor.bytes(sizeBytes);
  const from = asked(topic, partition);
  const records: LogRecord[] = [];
  const nextOffset = readRecordSet(set, { topic, partition, from, aborted, records });
  return { topic, partition, errorCode: errorCode || ownErrorCode, highWatermark, records, nextOffset };
}

interface SetContext {
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
  readonly aborted: AbortedTransactions;
  readonly records: LogRecord[];
}

/** Adds the readable records of each whole batch; the last may be cut off by the size limit and is left for the next fetch. */
function readRecordSet(set: Buffer, context: SetContext): number {
  let next = context.from;
  let at = 0;
  while (set.length - at >= batchHeaderBytes) {
    const end = at + lengthEndBytes + set.readInt32BE(at + 8);
    if (end > set.length) break;
    next = Math.max(next, readBatch(set.subarray(at, end), context));
    at = end;
  }
  return next;
}

/** Answers the offset after the batch. */
function readBatch(batch: Buffer, context: SetContext): number {
  const { topic, partition, from, aborted } = context;
  const where = `${topic}/${partition}`;
  const baseOffset = int64(batch, 0);
  const magic = batch.readInt8(16);
  if (magic !== 2) {
    throw new SluiceError(
      'BROKER_REFUSED',
      `${where} offset ${baseOffset}: record format ${magic} is older than Kafka 0.11`,
    );
  }
  const attributes = batch.readInt16BE(21);
  const nextOffset = baseOffset + batch.readInt32BE(23) + 1;
  const producerId = int64(batch, 43);
  if (attributes & controlFlag) {
    aborted.control(producerId, baseOffset);
    return nextOffset;
  }
  if (nextOffset <= from) return nextOffset;
  if (attributes & transactionalFlag && aborted.covers(producerId, baseOffset)) return nextOffset;
  const firstTimestampMs = int64(batch, 27);
  const appendTimeMs = attributes & logAppendTimeFlag ? int64(batch, 35) : null;
  const body = decompress(batch.subarray(batchHeaderBytes), attributes & 7, where);
  const cursor = new Cursor(body);
  for (let count = batch.readInt32BE(57); count > 0; count -= 1) {
    const end = cursor.varint() + cursor.at;
    cursor.skip(1);
    const timestampMs = firstTimestampMs + cursor.varlong();
    const offset = baseOffset + cursor.varint();
    if (offset >= from) {
      const key = cursor.varBytes();
      const value = cursor.varBytes();
      const headers = readHeaders(cursor);
      context.records.push({
        topic,
        partition,
        offset,
        timestampMs: appendTimeMs ?? timestampMs,
        key,
        value,
        headers,
      });
    }
    cursor.at = end;
  }
  return nextOffset;
}

const noHeaders: Headers = Object.freeze({});

function readHeaders(cursor: Cursor): Headers {
  const count = cursor.varint();
  if (count === 0) return noHeaders;
  const headers: Record<string, Buffer> = {};
  for (let left = count; left > 0; left -= 1) {
    const name = cursor.varBytes()!.toString();
    headers[name] = cursor.varBytes() ?? Buffer.alloc(0);
  }
  return headers;
}

function decompress(body: Buffer, codec: number, where: string): Buffer {
  if (codec === 0) return body;
  if (codec === 1) return gunzipSync(body);
  if (codec === 4) return zstdDecompressSync(body);
  const name = codec === 2 ? 'snappy' : codec === 3 ? 'lz4' : `number ${codec}`;
  throw new SluiceError(
    'BROKER_REFUSED',
    `${where} holds records compressed with ${name}; only gzip and zstd are read: set the topic's compression.type to one of them and write the records again`,
  );
}

/** Which producers' records are to be left out, batch by batch in offset order. */
class AbortedTransactions {
  /** First offsets of each producer's aborted transactions, ascending. */
  readonly #starts = new Map<number, number[]>();

  add(producerId: number, firstOffset: number): void {
    const starts = this.#starts.get(producerId) ?? [];
    starts.push(firstOffset);
    starts.sort((a, b) => a - b);
    this.#starts.set(producerId, starts);
  }

  covers(producerId: number, offset: number): boolean {
    const [start] = this.#starts.get(producerId) ?? [];
    return start !== undefined && start <= offset;
  }

  /** The end of a transaction of this producer, whichever way it went. */
  control(producerId: number, offset: number): void {
    const starts = this.#starts.get(producerId);
    if (starts?.[0] !== undefined && starts[0] <= offset) starts.shift();
  }
}

/** Offsets and times stay below 2^53. */
function int64(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * 0x1_0000_0000 + bytes.readUInt32BE(at + 4);
}

class Cursor {
  at = 0;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  skip(count: number): void {
    this.at += count;
  }

  int16(): number {
    this.at += 2;
    return this.#bytes.readInt16BE(this.at - 2);
  }

  int32(): number {
    this.at += 4;
    return this.#bytes.readInt32BE(this.at - 4);
  }

  int64(): number {
    this.at += 8;
    return int64(this.#bytes, this.at - 8);
  }

  string(): string {
    return this.bytes(this.int16()).toString();
  }

  bytes(count: number): Buffer {
    this.at += count;
    return this.#bytes.subarray(this.at - count, this.at);
  }

  varBytes(): Buffer | null {
    const count = this.varint();
    return count < 0 ? null : this.bytes(count);
  }

  /** Zigzag, 32 bits. */
  varint(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.#bytes[this.at++]!;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1);
    }
  }

  /** Zigzag, 64 bits, of which 53 are used. */
  varlong(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.#bytes[this.at++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    }
  }
}
