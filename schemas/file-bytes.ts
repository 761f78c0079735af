import { type FileHandle, open } from 'node:fs/promises';
import { SluiceError } from '#errors';

const smallestReadBytes = 256 * 1024;
const largestReadBytes = 16 * 1024 * 1024;

/** Opens a file to be read from its start. Errors: INPUT_INVALID. */
export async function openFileBytes(path: string): Promise<FileBytes> {
  try {
    return new FileBytes(path, await open(path));
  } catch (error) {
    throw new SluiceError('INPUT_INVALID', `${path} cannot be opened: ${reason(error)}`, { cause: error });
  }
}

/** Bytes of a file in order, read ahead in chunks, never the whole file. Errors of reading: INPUT_INVALID. */
export class FileBytes {
  readonly #path: string;
  readonly #file: FileHandle;
  #ahead: Buffer = Buffer.alloc(0);
  #ended = false;

  constructor(path: string, file: FileHandle) {
    this.#path = path;
    this.#file = file;
  }

  async has(sizeBytes: number): Promise<boolean> {
    return (await this.peek(sizeBytes)).length >= sizeBytes;
  }

  /** The next bytes, fewer only at the end of the file, without moving on. */
  async peek(sizeBytes: number): Promise<Buffer> {
    while (this.#ahead.length < sizeBytes && !this.#ended) await this.#readMore(sizeBytes);
    return this.#ahead.subarray(0, sizeBytes);
  }

  /** The next bytes; undefined when the file ends before. */
  async take(sizeBytes: number): Promise<Buffer | undefined> {
    const bytes = await this.peek(sizeBytes);
    if (bytes.length < sizeBytes) return undefined;
    this.#ahead = this.#ahead.subarray(sizeBytes);
    return bytes;
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  async #readMore(wantedBytes: number): Promise<void> {
    const room = Math.min(Math.max(wantedBytes - this.#ahead.length, smallestReadBytes), largestReadBytes);
    try {
      const { bytesRead, buffer } = await this.#file.read(Buffer.allocUnsafe(room), 0, room);
      this.#ended = bytesRead === 0;
      this.#ahead = Buffer.concat([this.#ahead, buffer.subarray(0, bytesRead)]);
    } catch (error) {
      throw new SluiceError('INPUT_INVALID', `${this.#path} cannot be read: ${reason(error)}`, {
        cause: error,
      });
    }
  }
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
