const firstBytes = 16_384;
const keptBytes = 16_777_216;

/** Buffers that are used again: fresh memory costs more than filling it. */
export class BufferPool {
  readonly #free: Buffer[] = [];
  #freeBytes = 0;

  /** Of any size, its content undefined. */
  take(): Buffer {
    const found = this.#free.pop();
    if (found === undefined) return Buffer.allocUnsafeSlow(firstBytes);
    this.#freeBytes -= found.length;
    return found;
  }

  /** Nobody else may hold any part of it. */
  give(view: Buffer): void {
    const whole = Buffer.from(view.buffer);
    if (this.#freeBytes + whole.length > keptBytes) return;
    this.#freeBytes += whole.length;
    this.#free.push(whole);
  }
}
