import { SluiceError } from '#errors';
import type { LogRecord, OutgoingRecord } from '#kafka';
import { placeOf } from '../record.ts';
import { type Identity, identityOf } from './identity.ts';
import type { KeyValueStore, StoreSpec } from './store.ts';

/**
 * Notes which keys changed, so that a checkpoint writes each of them once, with the value it then has.
 *
 * Decorates any store. Does not own: when the changes are sent, and up to where a changelog counts (task/restore.ts).
 */
export class ChangelogStore<K, V> implements KeyValueStore<K, V> {
  readonly #inner: KeyValueStore<K, V>;
  readonly #spec: StoreSpec<K, V>;
  #changed = new Map<Identity, K>();

  constructor(inner: KeyValueStore<K, V>, spec: StoreSpec<K, V>) {
    this.#inner = inner;
    this.#spec = spec;
  }

  get name(): string {
    return this.#inner.name;
  }

  get size(): number {
    return this.#inner.size;
  }

  get(key: K): V | undefined {
    return this.#inner.get(key);
  }

  has(key: K): boolean {
    return this.#inner.has(key);
  }

  range(bounds: { readonly from?: K; readonly to?: K }): Iterable<readonly [K, V]> {
    return this.#inner.range(bounds);
  }

  all(): Iterable<readonly [K, V]> {
    return this.#inner.all();
  }

  put(key: K, value: V): void {
    this.#inner.put(key, value);
    this.#changed.set(identityOf(key, this.#spec.key), key);
  }

  delete(key: K): void {
    this.#inner.delete(key);
    this.#changed.set(identityOf(key, this.#spec.key), key);
  }

  /** The changes since the last call as records of the changelog, one per key; a deleted key is a tombstone. */
  drain(topic: string, partition: number, timestampMs: number): OutgoingRecord[] {
    const records: OutgoingRecord[] = [];
    for (const key of this.#changed.values()) {
      const value = this.#inner.get(key);
      const bytes = value === undefined ? null : this.#spec.value.serialize(value);
      records.push({ topic, partition, key: this.#spec.key.serialize(key), value: bytes, timestampMs });
    }
    this.#changed = new Map();
    return records;
  }

  /** Takes a record of the changelog over. Errors: STORE_CORRUPT. */
  restore(record: LogRecord): void {
    const key = this.#keyOf(record);
    if (record.value === null) this.#inner.delete(key);
    else
      this.#inner.put(
        key,
        this.#read(record, () => this.#spec.value.deserialize(record.value!)),
      );
  }

  /** A record that does not count: its key is written again at the next checkpoint, as it should read. */
  rewrite(record: LogRecord): void {
    const key = this.#keyOf(record);
    this.#changed.set(identityOf(key, this.#spec.key), key);
  }

  #keyOf(record: LogRecord): K {
    const { key } = record;
    if (key === null) throw this.#corrupt(record, 'it has no key');
    return this.#read(record, () => this.#spec.key.deserialize(key));
  }

  #read<T>(record: LogRecord, read: () => T): T {
    try {
      return read();
    } catch (error) {
      throw this.#corrupt(record, error instanceof Error ? error.message : String(error), error);
    }
  }

  #corrupt(record: LogRecord, why: string, cause?: unknown): SluiceError {
    return new SluiceError(
      'STORE_CORRUPT',
      `store ${this.name}: ${placeOf(record)} of its changelog cannot be restored (${why}); delete the application's changelog and checkpoint topics and read its input from the start`,
      { cause },
    );
  }
}
