import type { LogRecord, OutgoingRecord } from '#kafka';
import type { Serde } from '#schemas';
import { readTime, writeTime } from '../windows/windowed.ts';
import { corruptChange, readChange } from './corrupt.ts';
import { type Identity, identityOf } from './identity.ts';
import type { Expired } from './memory-timeline.ts';
import type { Changelog } from './store.ts';
import type { Timeline, TimelineEntry, TimelineOptions } from './timeline.ts';

/** What can be kept in a topic. */
export interface ExpiringTimeline<K, V> extends Timeline<K, V> {
  /** Gives what it took out besides. */
  delete(key: K, timeMs: number): readonly Expired<K>[];
  expire(): readonly Expired<K>[];
}

interface Changed<K> {
  readonly key: K;
  readonly timesMs: Set<number>;
}

const timeBytes = 8;

/**
 * Notes which entries of any timeline changed, so that a checkpoint writes each of them once.
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
    for (const each of this.#inner.delete(key, timeMs)) this.#note(each.key, each.timeMs);
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
    const { key, timeMs } = entryOf(record, this.name, this.#options.key);
    const { value } = record;
    if (value === null) {
      this.#inner.delete(key, timeMs);
      return;
    }
    const read = readChange(this.name, record, () => this.#options.value.deserialize(value));
    this.#inner.put(key, timeMs, read, record.timestampMs);
  }

  rewrite(record: LogRecord): void {
    const { key, timeMs } = entryOf(record, this.name, this.#options.key);
    this.#note(key, timeMs);
  }

  #note(key: K, timeMs: number): void {
    const identity = identityOf(key, this.#options.key);
    const changed = this.#changed.get(identity);
    if (changed) changed.timesMs.add(timeMs);
    else this.#changed.set(identity, { key, timesMs: new Set([timeMs]) });
  }
}

/** Whose entry a record of the changelog is. Errors: STORE_CORRUPT. */
export function entryOf<K>(record: LogRecord, store: string, keys: Serde<K>): Expired<K> {
  const { key: bytes } = record;
  if (bytes === null || bytes.length < timeBytes)
    throw corruptChange(store, record, 'its key does not end in a time');
  const at = bytes.length - timeBytes;
  const key = readChange(store, record, () => keys.deserialize(bytes.subarray(0, at)));
  return { key, timeMs: readTime(bytes, at) };
}

/** The key of an entry's record. */
export function withTime(key: Buffer, timeMs: number): Buffer {
  const bytes = Buffer.allocUnsafe(key.length + timeBytes);
  bytes.set(key);
  writeTime(bytes, timeMs, key.length);
  return bytes;
}
