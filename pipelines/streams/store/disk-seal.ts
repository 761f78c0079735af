/**
 * Whether files are what was written. A file that was closed in order is sealed: one checksum of its bytes. One that was not is
 * read row by row: the database's own log brings it back to a transaction, and the rows must be those that the transaction told of.
 */

import {
  closeSync,
  existsSync,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { crc32 } from 'node:zlib';
import { type DiskKey, type DiskRows, type DiskTotals, sealOf, start } from './disk-rows.ts';

const chunkBytes = 8 * 1_048_576;
/** A larger file takes too long to close with its checksum; it is read row by row when it is opened. */
const sealableBytes = 1_073_741_824;
const slice = 2_000;

/** Of a file that nobody has open. */
export function seal(path: string, sealPath: string): void {
  const work = checksum(path);
  let step = work.next();
  while (!step.done) step = work.next();
  if (step.value !== null) writeFileSync(sealPath, step.value);
}

/** Takes the seal off, since the file is about to change. */
export function* checkSeal(
  path: string,
  sealPath: string,
): Generator<void, 'sealed' | 'unsealed' | 'broken'> {
  if (!existsSync(sealPath)) return 'unsealed';
  const sealed = readFileSync(sealPath, 'utf8');
  const found = yield* checksum(path);
  rmSync(sealPath);
  return found === sealed ? 'sealed' : 'broken';
}

/** Whether these are the rows that were counted, each as it was written. Throws what SQLite throws. */
export function* checkRows(
  rows: DiskRows,
  { count, digest }: DiskTotals,
  timed: boolean,
): Generator<void, boolean> {
  let found = 0;
  let all = 0;
  let keys = 0;
  let at: DiskKey = start;
  for (;;) {
    const some = rows.after(at, null, slice);
    for (const row of some) {
      if (compare(at, row) >= 0 || sealOf(row) !== row.crc) return false;
      found += 1;
      all ^= row.crc;
      keys ^= keySeal(row);
      at = row;
    }
    if (some.length < slice) break;
    yield;
  }
  if (found !== count || all >>> 0 !== digest) return false;
  return !timed || (yield* checkTimes(rows, { count, digest: keys }));
}

/** The index has the same rows. */
function* checkTimes(rows: DiskRows, { count, digest }: DiskTotals): Generator<void, boolean> {
  let found = 0;
  let keys = 0;
  let at: DiskKey = start;
  for (;;) {
    const some = rows.keysAfterTime(at, Number.MAX_SAFE_INTEGER, slice);
    for (const each of some) {
      if (each.timeMs < at.timeMs) return false;
      found += 1;
      keys ^= keySeal(each);
      at = each;
    }
    if (found > count) return false;
    if (some.length < slice) break;
    yield;
  }
  return found === count && keys === digest;
}

const keySeal = ({ key, timeMs }: DiskKey) => crc32(key, timeMs % 0x1_0000_0000) | 0;

const compare = (a: DiskKey, b: DiskKey) => Buffer.compare(a.key, b.key) || a.timeMs - b.timeMs;

/** null: it is too large for that. */
function* checksum(path: string): Generator<void, string | null> {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    if (size > sealableBytes) return null;
    const chunk = Buffer.allocUnsafe(Math.min(chunkBytes, Math.max(1, size)));
    let crc = 0;
    for (let at = 0; at < size; ) {
      const read = readSync(file, chunk, 0, chunk.length, at);
      if (read === 0) break;
      crc = crc32(chunk.subarray(0, read), crc);
      at += read;
      yield;
    }
    return `${size} ${crc}`;
  } finally {
    closeSync(file);
  }
}
