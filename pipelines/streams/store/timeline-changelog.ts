import type { LogRecord, OutgoingRecord } from '#kafka';
import { corruptChange, readChange } from './corrupt.ts';
import { type Identity, identityOf } from './identity.ts';
import type { Expired } from './memory-timeline.ts';
import type { Changelog } from './store.ts';
import type { Timeline, TimelineEntry, TimelineOptions } from './timeline.ts';

/** What can be kept in a topic. */
export interface ExpiringTimeline<K, V> extends Timeline<K, V> {
  expire(): readonly Expired<K>[];
}

interface Changed<K> {
  readonly key: K;
  readonly timesMs: Set<number>;
}

const timeBytes = 8;

/**
 * Notes which entries changed, so that a checkpoint writes each of them once.
 *
 * Shape of a record's key: the key's bytes, then the entry's time, 8 bytes, big-endian. Expired entries become tombstones:
 * deletion by the age of a record would forget entries of a replay, or of a day without input.
 */
export class TimelineChangelog<K, V> implements Timeline<K, V>, Changelog {
  readonly #inner: ExpiringTimeline<K, V>;
  readonly #options: Pick<TimelineOptions<K, V>, 'key' | 'value'>;
  #changed = new Map<Identity, Changed<K>>();

  constructor(inner: ExpiringTimeline<K, V>, options: Pick<TimelineOptions<K, V>, 'key' | 'value'>) {
    this.#inner = inner;
    this.#options = options;
  }

  get name(): string {
    return this.#inner.name;
  }

  get size(): number {
    return this.#inner.size;
  }

  get(key: K, timeMs: number): V | undefined {
    return this.#inner.get(key, timeMs);
  }

  timestampOf(key: K, timeMs: number): number {
    return this.#inner.timestampOf(key, timeMs);
  }

  between(key: K, fromMs: number, toMs: number): Iterable<TimelineEntry<V>> {
    return this.#inner.between(key, fromMs, toMs);
  }

  floor(key: K, timeMs: number): TimelineEntry<V> | undefined {
    return this.#inner.floor(key, timeMs);
  }

  all(bounds?: { readonly fromMs?: number; readonly toMs?: number }) {
    return this.#inner.all(bounds);
  }

  put(key: K, timeMs: number, value: V, timestampMs?: number): void {
    this.#inner.put(key, timeMs, value, timestampMs);
    this.#note(key, timeMs);
  }

  delete(key: K, timeMs: number): void {
    this.#inner.delete(key, timeMs);
    this.#note(key, timeMs);
  }

  expire(): void {
    for (const { key, timeMs } of this.#inner.expire()) this.#note(key, timeMs);
  }

  drain(topic: string, partition: number, timestampMs: number): OutgoingRecord[] {
    const records: OutgoingRecord[] = [];
    for (const { key, timesMs } of this.#changed.values()) {
      const bytes = this.#options.key.serialize(key);
      for (const timeMs of timesMs) {
        const value = this.#inner.get(key, timeMs);
        const stamp = this.#inner.timestampOf(key, timeMs);
        records.push({
          topic,
          partition,
          key: withTime(bytes, timeMs),
          value: value === undefined ? null : this.#options.value.serialize(value),
          timestampMs: stamp < 0 ? timestampMs : stamp,
        });
      }
    }
    this.#changed = new Map();
    return records;
  }

  restore(record: LogRecord): void {
    const { key, timeMs } = this.#entryOf(record);
    const { value } = record;
    if (value === null) {
      this.#inner.delete(key, timeMs);
      return;
    }
    const read = readChange(this.name, record, () => this.#options.value.deserialize(value));
    this.#inner.put(key, timeMs, read, record.timestampMs);
  }

  rewrite(record: LogRecord): void {
    const { key, timeMs } = this.#entryOf(record);
    this.#note(key, timeMs);
  }

  #note(key: K, timeMs: number): void {
    const identity = identityOf(key, this.#options.key);
    const changed = this.#changed.get(identity);
    if (changed) changed.timesMs.add(timeMs);
    else this.#changed.set(identity, { key, timesMs: new Set([timeMs]) });
  }

  #entryOf(record: LogRecord): Expired<K> {
    const { key: bytes } = record;
    if (bytes === null || bytes.length < timeBytes)
      throw corruptChange(this.name, record, 'its key does not end in a time');
    const at = bytes.length - timeBytes;
    const key = readChange(this.name, record, () => this.#options.key.deserialize(bytes.subarray(0, at)));
    return { key, timeMs: Number(bytes.readBigUInt64BE(at)) };
  }
}

function withTime(key: Buffer, timeMs: number): Buffer {
  const bytes = Buffer.allocUnsafe(key.length + timeBytes);
  key.copy(bytes);
  bytes.writeUInt32BE(Math.floor(timeMs / 0x1_0000_0000), key.length);
  bytes.writeUInt32BE(timeMs % 0x1_0000_0000, key.length + 4);
  return bytes;
}
