import { SluiceError } from '#errors';
import type { Headers } from '#kafka';
import type { Origin } from '../record.ts';
import { readTime, writeTime } from '../windows/windowed.ts';

/** A record that waits, as it is kept: its value serialised, its headers its own. */
export interface BufferedRecord {
  /** What it waits by. */
  readonly timeMs: number;
  readonly value: Buffer | null;
  readonly timestampMs: number;
  readonly headers: Headers;
  readonly origin: Origin;
}

const version = 1;
const fixedBytes = 1 + 4 * 8 + 4;

/**
 * Shape, numbers big-endian: version (1 byte), buffer time, timestamp + 1, partition, offset + 1 (8 bytes each), length of the
 * rest's JSON (4 bytes), the JSON (topic, header names and lengths, whether there is a value), headers, value.
 */
export function bufferedBytes({ timeMs, value, timestampMs, headers, origin }: BufferedRecord): Buffer {
  const entries = Object.entries(headers);
  const names = entries.map(([name, bytes]) => [name, bytes.length]);
  const rest = Buffer.from(JSON.stringify([origin.topic, names, value !== null]));
  const head = Buffer.allocUnsafe(fixedBytes);
  head.writeUInt8(version, 0);
  writeTime(head, timeMs, 1);
  writeTime(head, timestampMs + 1, 9);
  writeTime(head, origin.partition, 17);
  writeTime(head, origin.offset + 1, 25);
  head.writeUInt32BE(rest.length, 33);
  return Buffer.concat([head, rest, ...entries.map(([, bytes]) => bytes), ...(value ? [value] : [])]);
}

/** Errors: RECORD_CORRUPT. */
export function readBuffered(bytes: Buffer): BufferedRecord {
  if (bytes.length < fixedBytes || bytes[0] !== version)
    throw new SluiceError('RECORD_CORRUPT', 'it is no buffered record of a known version');
  const restEnd = fixedBytes + bytes.readUInt32BE(33);
  const [topic, names, hasValue] = JSON.parse(bytes.toString('utf8', fixedBytes, restEnd)) as [
    string,
    readonly (readonly [string, number])[],
    boolean,
  ];
  const headers: Record<string, Buffer> = {};
  let at = restEnd;
  for (const [name, length] of names) {
    headers[name] = bytes.subarray(at, at + length);
    at += length;
  }
  if (at > bytes.length) throw new SluiceError('RECORD_CORRUPT', 'a buffered record is cut off');
  return {
    timeMs: readTime(bytes, 1),
    value: hasValue ? bytes.subarray(at) : null,
    timestampMs: readTime(bytes, 9) - 1,
    headers,
    origin: { topic, partition: readTime(bytes, 17), offset: readTime(bytes, 25) - 1 },
  };
}
