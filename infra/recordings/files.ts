/**
 * The files of a command line: in name order, unpacked, in pieces.
 *
 * Owns: which files a path stands for, gzip, standard input. Does not own: what is in them (#formats).
 */

import { createReadStream, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
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
    const all = restored(start, pieces);
    const isPacked = start[0] === 0x1f && start[1] === 0x8b;
    yield* isPacked ? unpacked(all) : all;
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

/** What is unpacked in one go is lost together, when it is damaged. */
const packedBytes = 4096;

/** Over all members. The runtime's stream drops what it holds when it fails, so it is never given much. */
async function* unpacked(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  const gunzip = createGunzip({ chunkSize: pieceBytes });
  const ready: Buffer[] = [];
  let failure: Error | undefined;
  // A write that fails does not call back.
  let goOn = () => {};
  gunzip.on('data', (piece: Buffer) => ready.push(piece));
  gunzip.on('error', error => {
    failure = error;
    goOn();
  });
  const closed = new Promise<void>(resolve => gunzip.once('close', resolve));
  try {
    for await (const piece of pieces) {
      for (let at = 0; at < piece.length && !failure; at += packedBytes) {
        const part = piece.subarray(at, at + packedBytes);
        await new Promise<void>(resolve => {
          goOn = resolve;
          gunzip.write(part, () => resolve());
        });
        yield* ready.splice(0);
      }
      if (failure) throw failure;
    }
    gunzip.end();
    await closed;
    yield* ready.splice(0);
    if (failure) throw failure;
  } finally {
    gunzip.destroy();
  }
}
