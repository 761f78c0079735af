import type { KeyValueStore } from './key-value.ts';
import { type Meter, metered } from './metered.ts';
import type { OpenStore } from './store.ts';

/** The same store, counting what is done to it. */
export function meteredStore<K, V>(open: OpenStore<KeyValueStore<K, V>>): OpenStore<KeyValueStore<K, V>> {
  return metered(open, (store, meter) => new MeteredStore(store, meter));
}

class MeteredStore<K, V> implements KeyValueStore<K, V> {
  readonly name: string;
  readonly #inner: KeyValueStore<K, V>;
  readonly #meter: Meter;

  constructor(inner: KeyValueStore<K, V>, meter: Meter) {
    this.name = inner.name;
    this.#inner = inner;
    this.#meter = meter;
  }

  get size(): number {
    return this.#inner.size;
  }

  get(key: K): V | undefined {
    this.#meter.gets += 1;
    return this.#inner.get(key);
  }

  has(key: K): boolean {
    this.#meter.gets += 1;
    return this.#inner.has(key);
  }

  timestampOf(key: K): number {
    return this.#inner.timestampOf(key);
  }

  range(bounds: { readonly from?: K; readonly to?: K }): Iterable<readonly [K, V]> {
    this.#meter.ranges += 1;
    return this.#inner.range(bounds);
  }

  all(): Iterable<readonly [K, V]> {
    this.#meter.ranges += 1;
    return this.#inner.all();
  }

  put(key: K, value: V, timestampMs?: number): void {
    this.#meter.puts += 1;
    this.#inner.put(key, value, timestampMs);
  }

  delete(key: K): void {
    this.#meter.deletes += 1;
    this.#inner.delete(key);
  }
}
