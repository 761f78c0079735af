import { SluiceError } from '#errors';
import type { LogRecord } from '#kafka';
import type { StreamRecord } from '../record.ts';
import type { SourceSpec } from '../topology/source.ts';

type AnyRecord = StreamRecord<unknown, unknown>;

/** The buffered records of one topic in a task. */
export class Input {
  readonly topic: string;
  readonly source: SourceSpec;
  /** Offset of the next record to process. */
  position = -1;
  /** The record at the front as it was read. */
  raw: LogRecord | null = null;
  /** The same, deserialised; null when that failed with `error`. */
  record: AnyRecord | null = null;
  error: unknown = null;
  /** Whether this process reads it: of topics that are merged, the narrower ones lack partitions. */
  isAssigned = true;
  /** Where the broker said that it ends. -1: unknown. */
  knownEnd = -1;
  /** Time that the front is ordered by. */
  timestampMs = 0;
  #queue: readonly LogRecord[] = [];
  #at = 0;
  #more: (readonly LogRecord[])[] = [];
  /** Offset after the last buffered. */
  #end = -1;
  #buffered = 0;

  constructor(topic: string, source: SourceSpec) {
    this.topic = topic;
    this.source = source;
  }

  get isEmpty(): boolean {
    return this.raw === null;
  }

  /** Whether the broker is known to have more than was buffered. */
  get isBehind(): boolean {
    return this.knownEnd > this.end;
  }

  /** How many records wait, the front included. */
  get buffered(): number {
    return this.#buffered;
  }

  /** Offset after the last record buffered or processed. */
  get end(): number {
    return Math.max(this.#end, this.position);
  }

  /** Records that were buffered or processed before are passed over: a batch may be handed out again. */
  add(records: readonly LogRecord[]): void {
    const end = this.end;
    const fresh =
      records[0] && records[0].offset >= end ? records : records.filter(({ offset }) => offset >= end);
    if (fresh.length === 0) return;
    this.#end = fresh[fresh.length - 1]!.offset + 1;
    this.#buffered += fresh.length;
    this.#more.push(fresh);
    if (this.isEmpty) this.#load();
  }

  /** Takes the front away. */
  advance(): void {
    this.position = this.raw!.offset + 1;
    this.#buffered -= 1;
    this.#at += 1;
    this.#load();
  }

  clear(): void {
    this.#queue = [];
    this.#more = [];
    this.#at = 0;
    this.raw = null;
    this.record = null;
    this.#end = -1;
    this.#buffered = 0;
  }

  #load(): void {
    if (this.#at >= this.#queue.length) {
      this.#queue = this.#more.shift() ?? [];
      this.#at = 0;
    }
    const raw = this.#queue[this.#at];
    if (!raw) {
      this.clear();
      return;
    }
    this.raw = raw;
    this.timestampMs = raw.timestampMs;
    this.error = null;
    try {
      this.record = this.#read(raw);
      this.timestampMs = this.record.timestampMs;
    } catch (error) {
      this.record = null;
      this.error = error;
    }
  }

  #read(raw: LogRecord): AnyRecord {
    const { key, value, timestampMs, nulls } = this.source;
    const { topic, partition, offset } = raw;
    if (nulls !== 'keep' && (raw.key === null || raw.value === null)) {
      const missing = raw.key === null ? 'key' : 'value';
      throw corrupt(`it has no ${missing}; a source that expects that says nulls: 'keep'`);
    }
    const record: AnyRecord = {
      key: raw.key === null ? null : part('key', () => key.deserialize(raw.key!)),
      value: raw.value === null ? null : part('value', () => value.deserialize(raw.value!)),
      timestampMs: raw.timestampMs,
      headers: raw.headers,
      origin: { topic, partition, offset },
    };
    return timestampMs ? { ...record, timestampMs: timestampMs(record) } : record;
  }
}

function part<T>(which: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof SluiceError) throw error;
    throw corrupt(`its ${which} cannot be deserialised: ${String(error)}`, error);
  }
}

function corrupt(why: string, cause?: unknown): SluiceError {
  return new SluiceError('RECORD_CORRUPT', why, { cause });
}

/** The input whose front is the oldest; the first of equals. Only what is buffered is compared. */
export function oldest(inputs: readonly Input[]): Input | null {
  let found: Input | null = null;
  for (const input of inputs) {
    if (input.isEmpty) continue;
    if (found === null || input.timestampMs < found.timestampMs) found = input;
  }
  return found;
}
