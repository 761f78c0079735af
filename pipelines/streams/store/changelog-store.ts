import type { LogRecord, OutgoingRecord } from '#kafka';
import { corruptChange, readChange } from './corrupt.ts';
import { type Identity, identityOf } from './identity.ts';
import type { KeyValueOptions, KeyValueStore } from './key-value.ts';
import type { Changelog } from './store.ts';

/**
 * Notes which keys changed, so that a checkpoint writes each of them once, with the value it then has.
 *
 * Decorates any store. Does not own: when the changes are sent, and up to where a changelog counts (task/restore.ts).
 */
export class ChangelogStore<K, V> implements KeyValueStore<K, V>, Changelog {
  readonly #inner: KeyValueStore<K, V>;
  readonly #options: Pick<KeyValueOptions<K, V>, 'key' | 'value'>;
  #changed = new Map<Identity, K>();

  constructor(inner: KeyValueStore<K, V>, options: Pick<KeyValueOptions<K, V>, 'key' | 'value'>) {
    this.#inner = inner;
    this.#options = options;
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

  timestampOf(key: K): number {
    return this.#inner.timestampOf(key);
  }

  range(bounds: { readonly from?: K; readonly to?: K }): Iterable<readonly [K, V]> {
    return this.#inner.range(bounds);
  }

  all(): Iterable<readonly [K, V]> {
    return this.#inner.all();
  }

  put(key: K, value: V, timestampMs?: number): void {
    this.#inner.put(key, value, timestampMs);
    this.#changed.set(identityOf(key, this.#options.key), key);
  }

  delete(key: K): void {
    this.#inner.delete(key);
    this.#changed.set(identityOf(key, this.#options.key), key);
  }

  drain(topic: string, partition: number, timestampMs: number): OutgoingRecord[] {
    const records: OutgoingRecord[] = [];
    for (const key of this.#changed.values()) {
      const value = this.#inner.get(key);
      const bytes = value === undefined ? null : this.#options.value.serialize(value);
      const stamp = this.#inner.timestampOf(key);
      records.push({
        topic,
        partition,
        key: this.#options.key.serialize(key),
        value: bytes,
        timestampMs: stamp < 0 ? timestampMs : stamp,
      });
    }
    this.#changed = new Map();
    return records;
  }

  restore(record: LogRecord): void {
    const key = this.#keyOf(record);
    const { value } = record;
    if (value === null) {
      this.#inner.delete(key);
      return;
    }
    const read = readChange(this.name, record, () => this.#options.value.deserialize(value));
    this.#inner.put(key, read, record.timestampMs);
  }

  rewrite(record: LogRecord): void {
    const key = this.#keyOf(record);
    this.#changed.set(identityOf(key, this.#options.key), key);
  }

  #keyOf(record: LogRecord): K {
    const { key } = record;
    if (key === null) throw corruptChange(this.name, record, 'it has no key');
    return readChange(this.name, record, () => this.#options.key.deserialize(key));
  }
}
