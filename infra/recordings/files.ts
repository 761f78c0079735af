/**
 * The files of a command line: in name order, unpacked, in pieces.
 *
 * Owns: which files a path stands for, gzip, standard input. Does not own: what is in them (#formats).
 */

import { createReadStream, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { SluiceError } from '#errors';

export interface Input {
  /** As it was given; files of a directory under its path. `stdin` for standard input. */
  readonly name: string;
  /** Its bytes can be read once only. */
  readonly isStream: boolean;
  /** It was named itself, not found in a directory. */
  readonly isNamed: boolean;
}

const pieceBytes = 256 * 1024;

/** `-` is standard input; a directory stands for the files in it, hidden ones left out. Errors: INPUT_INVALID. */
export function listInputs(paths: readonly string[]): Input[] {
  return paths.flatMap(path =>
    path === '-' ? [{ name: 'stdin', isStream: true, isNamed: true }] : filesOf(path, true),
  );
}

function filesOf(path: string, isNamed: boolean): Input[] {
  const stat = statOf(path);
  if (!stat.isDirectory()) return [{ name: path, isStream: !stat.isFile(), isNamed }];
  const names = readdirSync(path)
    .filter(name => !name.startsWith('.'))
    .sort();
  return names.flatMap(name => filesOf(join(path, name), false));
}

function statOf(path: string) {
  try {
    return statSync(path);
  } catch (error) {
    throw cannotRead(path, error);
  }
}

function cannotRead(name: string, error: unknown): SluiceError {
  const reason = error instanceof Error ? error.message : String(error);
  return new SluiceError('INPUT_INVALID', `${name} cannot be read: ${reason}`, { cause: error });
}

/**
 * The bytes of an input, unpacked when they begin as gzip does.
 * Errors: INPUT_INVALID; of packed bytes that are damaged or cut off after all before them were delivered.
 */
export async function* readInput({ name }: Input): AsyncGenerator<Buffer, void, undefined> {
  const source = name === 'stdin' ? process.stdin : createReadStream(name, { highWaterMark: pieceBytes });
  try {
    const pieces = source[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    const start = await startOf(pieces);
    const all = Readable.from(restored(start, pieces), { objectMode: true });
    const isPacked = start[0] === 0x1f && start[1] === 0x8b;
    yield* isPacked ? unpacked(all) : (all as AsyncIterable<Buffer>);
  } catch (error) {
    throw cannotRead(name, error);
  } finally {
    source.destroy();
  }
}

async function startOf(pieces: AsyncIterator<Buffer>): Promise<Buffer> {
  let start: Buffer = Buffer.alloc(0);
  while (start.length < 2) {
    const { done, value } = await pieces.next();
    if (done) break;
    start = Buffer.concat([start, value]);
  }
  return start;
}

async function* restored(start: Buffer, pieces: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  if (start.length > 0) yield start;
  for (let next = await pieces.next(); !next.done; next = await pieces.next()) yield next.value;
}

function unpacked(all: Readable): AsyncIterable<Buffer> {
  const gunzip = createGunzip({ chunkSize: pieceBytes });
  // Failures come out of the last stream, where they are read.
  pipeline(all, gunzip, () => {});
  return gunzip;
}
