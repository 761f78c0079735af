/**
 * Carries records to the broker.
 *
 * Owns: the spool, batching, retry. Does not own: what a record says, what its loss means (books.ts).
 *
 * M1 A record pushed is held until the broker acknowledges it or refuses it for good; nothing else removes it.
 * M2 A quiet emitter sends within `flushMs`; urgent records go before all others that wait.
 * M3 Above `limitBytes` it says so (`onPressure`), and again when half of that is free; it never drops to make room.
 */

import { classify, type SluiceError } from '#errors';
import type { LogProducer, OutgoingRecord } from '#kafka';

export interface Spooled extends OutgoingRecord {
  /** The kernel's number; undefined for what is not an event. */
  readonly sequence?: number;
}

export interface EmitterOptions {
  /** Called again after a failure that spends the producer. */
  readonly producer: () => Promise<LogProducer>;
  readonly limitBytes: number;
  readonly flushMs: number;
  readonly onDelivered: (records: readonly Spooled[]) => void;
  /** The broker will not take this record, whatever is tried. */
  readonly onRefused: (record: Spooled, error: SluiceError) => void;
  readonly onPressure: (pressed: boolean) => void;
  /** A failed attempt; the records are kept and tried again. */
  readonly onRetry: (error: SluiceError, attempt: number) => void;
  readonly now?: () => number;
}

const batchRecords = 2000;
const batchBytes = 700_000;
const backOffMs = { first: 100, most: 5000 };

export class Emitter {
  readonly #options: EmitterOptions;
  readonly #now: () => number;
  readonly #urgent: Spooled[] = [];
  #waiting: Spooled[] = [];
  #head = 0;
  #inFlight: readonly Spooled[] = [];
  #bytes = 0;
  #numbered = 0;
  #pressed = false;
  #producer: LogProducer | undefined;
  #timer: NodeJS.Timeout | undefined;
  #sending = false;
  #failures = 0;
  #closed = false;
  #wake: (() => void) | undefined;
  #idle: (() => void)[] = [];

  constructor(options: EmitterOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /** Events held: pushed, neither acknowledged nor refused. */
  get numbered(): number {
    return this.#numbered;
  }

  get sizeBytes(): number {
    return this.#bytes;
  }

  /** False from a failed attempt until the next that succeeds. */
  get healthy(): boolean {
    return this.#failures === 0;
  }

  /** Create time of the oldest record held; undefined when none is. */
  get oldestMs(): number | undefined {
    const first = [this.#inFlight, this.#urgent, this.#waiting.slice(this.#head, this.#head + 1)].flat();
    let oldest: number | undefined;
    for (const { timestampMs, sequence } of first) {
      if (sequence === undefined || timestampMs === undefined) continue;
      if (oldest === undefined || timestampMs < oldest) oldest = timestampMs;
    }
    return oldest;
  }

  push(record: Spooled, { urgent = false }: { readonly urgent?: boolean } = {}): void {
    if (urgent) this.#urgent.push(record);
    else this.#waiting.push(record);
    this.#bytes += sizeOf(record);
    if (record.sequence !== undefined) this.#numbered += 1;
    if (!this.#pressed && this.#bytes > this.#options.limitBytes) {
      this.#pressed = true;
      this.#options.onPressure(true);
    }
    if (this.#sending || this.#timer) return;
    this.#timer = setTimeout(() => this.#send(), this.#options.flushMs);
  }

  /** Resolves once all that was pushed is settled, or after the limit. */
  async flush(limitMs: number): Promise<void> {
    const end = this.#now() + limitMs;
    this.#send();
    this.#wake?.();
    while (this.#count > 0 && this.#now() < end) {
      await Promise.race([
        new Promise<void>(resolve => this.#idle.push(resolve)),
        pause(Math.max(1, Math.min(100, end - this.#now()))),
      ]);
    }
  }

  /** Flushes within the limit; the rest stays unsent. */
  async close(limitMs: number): Promise<void> {
    await this.flush(limitMs);
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#wake?.();
    await this.#dropProducer();
  }

  get #count(): number {
    return this.#inFlight.length + this.#urgent.length + this.#waiting.length - this.#head;
  }

  #send(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#sending) return;
    this.#sending = true;
    void this.#drain().finally(() => {
      this.#sending = false;
      for (const resolve of this.#idle.splice(0)) resolve();
      if (this.#count > 0 && !this.#closed) this.#send();
    });
  }

  async #drain(): Promise<void> {
    while (!this.#closed && this.#count > 0) {
      this.#inFlight = this.#nextBatch();
      await this.#deliver(this.#inFlight);
      if (!this.#closed) this.#inFlight = [];
    }
  }

  #nextBatch(): readonly Spooled[] {
    const batch = this.#urgent.splice(0, batchRecords);
    let bytes = batch.reduce((sum, record) => sum + sizeOf(record), 0);
    while (this.#head < this.#waiting.length && batch.length < batchRecords && bytes < batchBytes) {
      const record = this.#waiting[this.#head++]!;
      batch.push(record);
      bytes += sizeOf(record);
    }
    if (this.#head === this.#waiting.length) {
      this.#waiting = [];
      this.#head = 0;
    } else if (this.#head > 10_000) {
      this.#waiting = this.#waiting.slice(this.#head);
      this.#head = 0;
    }
    return batch;
  }

  /** Tries until each record is acknowledged or refused, or the emitter is closed. */
  async #deliver(batch: readonly Spooled[]): Promise<void> {
    let parts: (readonly Spooled[])[] = [batch];
    for (let attempt = 1; parts.length > 0 && !this.#closed; ) {
      const part = parts[0]!;
      try {
        this.#producer ??= await this.#options.producer();
        await this.#producer.send(part);
        this.#failures = 0;
        attempt = 1;
        parts = parts.slice(1);
        this.#release(part);
        this.#options.onDelivered(part);
      } catch (failure) {
        const error = classify(failure);
        if (error.code === 'VALUE_INVALID') {
          parts = parts.slice(1);
          if (part.length > 1) {
            const middle = part.length >>> 1;
            parts = [part.slice(0, middle), part.slice(middle), ...parts];
          } else {
            this.#release(part);
            this.#options.onRefused(part[0]!, error);
          }
          continue;
        }
        this.#failures += 1;
        this.#options.onRetry(error, attempt);
        if (error.reaction !== 'retry') await this.#dropProducer();
        await this.#backOff(attempt);
        attempt += 1;
      }
    }
  }

  #release(records: readonly Spooled[]): void {
    for (const record of records) {
      this.#bytes -= sizeOf(record);
      if (record.sequence !== undefined) this.#numbered -= 1;
    }
    if (this.#pressed && this.#bytes <= this.#options.limitBytes / 2) {
      this.#pressed = false;
      this.#options.onPressure(false);
    }
  }

  async #backOff(attempt: number): Promise<void> {
    const limit = Math.min(backOffMs.most, backOffMs.first * 2 ** (attempt - 1));
    await new Promise<void>(resolve => {
      const timer = setTimeout(resolve, limit / 2 + (Math.random() * limit) / 2);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = undefined;
  }

  async #dropProducer(): Promise<void> {
    const producer = this.#producer;
    this.#producer = undefined;
    await producer?.close().catch(() => {});
  }
}

function sizeOf(record: Spooled): number {
  return (record.key?.length ?? 0) + (record.value?.length ?? 0) + 64;
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}
