import { type FileHandle, open } from 'node:fs/promises';
import { StringDecoder } from 'node:string_decoder';

const everyMs = 25;

/** Follows a file that the guest appends to; what is new goes to `onText`, characters never split. */
export class Output {
  readonly #decoder = new StringDecoder('utf8');
  readonly #buffer = Buffer.alloc(256 << 10);
  readonly #path: string;
  readonly #onText: ((text: string) => void) | undefined;
  #file: FileHandle | undefined;
  #timer: NodeJS.Timeout | undefined;
  #reading: Promise<void> = Promise.resolve();
  #offset = 0;
  #text = '';

  constructor(path: string, onText?: (text: string) => void) {
    this.#path = path;
    this.#onText = onText;
  }

  /** All that came so far. */
  get text(): string {
    return this.#text;
  }

  follow(): void {
    this.#timer = setInterval(() => this.#read(), everyMs);
  }

  /** Reads to the end and closes. Call it when nothing more is written. */
  async finish(): Promise<string> {
    clearInterval(this.#timer);
    this.#read();
    await this.#reading;
    this.#take(this.#decoder.end());
    await this.#file?.close();
    this.#file = undefined;
    return this.#text;
  }

  /** Reads are chained, so that two never share the buffer. */
  #read(): void {
    this.#reading = this.#reading.then(() => this.#drain());
  }

  async #drain(): Promise<void> {
    this.#file ??= await open(this.#path).catch(() => undefined);
    while (this.#file !== undefined) {
      const { bytesRead } = await this.#file.read(this.#buffer, 0, this.#buffer.length, this.#offset);
      if (bytesRead === 0) return;
      this.#offset += bytesRead;
      this.#take(this.#decoder.write(this.#buffer.subarray(0, bytesRead)));
    }
  }

  #take(text: string): void {
    if (text === '') return;
    this.#text += text;
    this.#onText?.(text);
  }
}
