/**
 * The store of a `suppress`: the last record of each key, in the order of a time that the first one gave it.
 *
 * Always in memory, as Kafka Streams', and bounded by the step that uses it. Owns: order, size, changelog. Does not own: what
 * leaves when.
 */

import type { LogRecord, OutgoingRecord } from '#kafka';
import type { Serde } from '#schemas';
import type { StreamRecord } from '../record.ts';
import { type BufferedRecord, bufferedBytes, readBuffered } from './buffered-record.ts';
import { corruptChange, readChange } from './corrupt.ts';
import { type Identity, identityOf } from './identity.ts';
import type { ReadOnlyStore } from './key-value.ts';
import { type Changelog, checkStoreName, type OpenStore, type StoreSpec } from './store.ts';
import { type Waiting, WaitingQueue } from './waiting-queue.ts';

export interface BufferStoreOptions<K, V> {
  /** Part of the changelog's name: `<application>-<name>-changelog`. */
  readonly name: string;
  readonly key: Serde<K>;
  readonly value: Serde<V>;
  /** false: not written to a topic; what waits is lost with the process. Absent: true. */
  readonly changelog?: boolean;
}

export interface BufferSpec<K, V> extends StoreSpec<RecordBuffer<K, V>> {
  readonly key: Serde<K>;
  readonly value: Serde<V>;
}

/** Errors: CONFIG_INVALID for a name that cannot be part of a topic's. */
export function bufferStore<K, V>(options: BufferStoreOptions<K, V>): BufferSpec<K, V> {
  const { changelog = true, ...rest } = options;
  checkStoreName(rest.name);
  return {
    ...rest,
    changelog,
    open(): OpenStore<RecordBuffer<K, V>> {
      const store = new RecordBuffer({ ...rest, changelog });
      return { store, changelog: changelog ? store : null, metrics: () => ({ bytes: store.bytes }) };
    },
  };
}

/** What a buffered record counts as, besides its key, value and headers. */
export const bufferedRecordBytes = 64;

interface Entry<K> extends Waiting {
  readonly key: K;
  record: BufferedRecord;
  bytes: number;
}

export class RecordBuffer<K, V> implements ReadOnlyStore<K, V | null>, Changelog {
  readonly name: string;
  readonly #keys: Serde<K>;
  readonly #values: Serde<V>;
  readonly #entries = new Map<Identity, Entry<K>>();
  readonly #queue = new WaitingQueue<Entry<K>>();
  readonly #notesChanges: boolean;
  #changed = new Map<Identity, K>();
  #bytes = 0;

  constructor({ name, key, value, changelog = true }: BufferStoreOptions<K, V>) {
    this.name = name;
    this.#notesChanges = changelog;
    this.#keys = key;
    this.#values = value;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Of all that waits: `bufferedRecordBytes` a record, plus key, value and headers as bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The time of what waits longest; infinite when nothing does. */
  get firstMs(): number {
    return this.#queue.first()?.timeMs ?? Number.POSITIVE_INFINITY;
  }

  /** Has a record wait; in place of that of its key, at whose time, if one does. */
  put(record: StreamRecord<K, V | null>, timeMs: number): void {
    const { key, timestampMs, origin } = record;
    const value = record.value === null ? null : this.#values.serialize(record.value);
    const identity = identityOf(key, this.#keys);
    // Headers are views into what was fetched, which they would keep in memory.
    const headers = Object.fromEntries(
      Object.entries(record.headers).map(([name, bytes]) => [name, Buffer.from(bytes)]),
    );
    this.#put(identity, key, { timeMs, value, timestampMs, headers, origin });
    this.#note(identity, key);
  }

  /** Takes the record out that waits longest. */
  take(): StreamRecord<K, V | null> {
    const entry = this.#queue.first()!;
    this.#remove(entry);
    const { value, timestampMs, headers, origin } = entry.record;
    return { key: entry.key, value: this.#valueOf(value), timestampMs, headers, origin };
  }

  has(key: K): boolean {
    return this.#entries.has(identityOf(key, this.#keys));
  }

  /** null: what waits is a tombstone. */
  get(key: K): V | null | undefined {
    const entry = this.#entries.get(identityOf(key, this.#keys));
    return entry && this.#valueOf(entry.record.value);
  }

  timestampOf(key: K): number {
    return this.#entries.get(identityOf(key, this.#keys))?.record.timestampMs ?? -1;
  }

  all(): Iterable<readonly [K, V | null]> {
    return this.range({});
  }

  range({ from, to }: { readonly from?: K; readonly to?: K }): Iterable<readonly [K, V | null]> {
    const first = from === undefined ? null : this.#keys.serialize(from);
    const end = to === undefined ? null : this.#keys.serialize(to);
    return [...this.#entries.values()]
      .filter(({ keyBytes }) => !first || Buffer.compare(keyBytes, first) >= 0)
      .filter(({ keyBytes }) => !end || Buffer.compare(keyBytes, end) < 0)
      .sort((a, b) => Buffer.compare(a.keyBytes, b.keyBytes))
      .map(({ key, record }) => [key, this.#valueOf(record.value)] as const);
  }

  drain(topic: string, partition: number): OutgoingRecord[] {
    const records: OutgoingRecord[] = [];
    for (const [identity, key] of this.#changed) {
      const entry = this.#entries.get(identity);
      records.push({
        topic,
        partition,
        key: entry?.keyBytes ?? this.#keys.serialize(key),
        value: entry ? bufferedBytes(entry.record) : null,
        timestampMs: entry?.record.timestampMs ?? 0,
      });
    }
    this.#changed = new Map();
    return records;
  }

  restore(record: LogRecord): void {
    const key = this.#keyOf(record);
    const identity = identityOf(key, this.#keys);
    const entry = this.#entries.get(identity);
    if (entry) this.#remove(entry);
    const { value } = record;
    if (value)
      this.#put(
        identity,
        key,
        readChange(this.name, record, () => readBuffered(Buffer.from(value))),
      );
    this.#changed.delete(identity);
  }

  rewrite(record: LogRecord): void {
    const key = this.#keyOf(record);
    this.#changed.set(identityOf(key, this.#keys), key);
  }

  #put(identity: Identity, key: K, record: BufferedRecord): void {
    const known = this.#entries.get(identity);
    if (known) {
      known.record = { ...record, timeMs: known.timeMs };
      this.#bytes -= known.bytes;
      known.bytes = bytesOf(known.keyBytes, record);
      this.#bytes += known.bytes;
      return;
    }
    const keyBytes = this.#keys.serialize(key);
    const bytes = bytesOf(keyBytes, record);
    const entry: Entry<K> = { key, keyBytes, timeMs: record.timeMs, record, bytes, waits: true };
    this.#entries.set(identity, entry);
    this.#queue.add(entry);
    this.#bytes += bytes;
  }

  #remove(entry: Entry<K>): void {
    const identity = identityOf(entry.key, this.#keys);
    this.#entries.delete(identity);
    this.#queue.remove(entry);
    this.#bytes -= entry.bytes;
    this.#note(identity, entry.key);
  }

  #note(identity: Identity, key: K): void {
    if (this.#notesChanges) this.#changed.set(identity, key);
  }

  #valueOf(bytes: Buffer | null): V | null {
    return bytes === null ? null : this.#values.deserialize(bytes);
  }

  #keyOf(record: LogRecord): K {
    const { key } = record;
    if (key === null) throw corruptChange(this.name, record, 'it has no key');
    return readChange(this.name, record, () => this.#keys.deserialize(key));
  }
}

function bytesOf(keyBytes: Buffer, { value, headers }: BufferedRecord): number {
  let bytes = bufferedRecordBytes + keyBytes.length + (value?.length ?? 0);
  for (const [name, header] of Object.entries(headers)) bytes += name.length + header.length;
  return bytes;
}
