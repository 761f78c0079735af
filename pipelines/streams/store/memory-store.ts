import type { Serde } from '#schemas';
import { type Identity, identityOf } from './identity.ts';
import type { KeyValueOptions, KeyValueStore } from './key-value.ts';

interface Entry<K, V> {
  readonly key: K;
  value: V;
  timestampMs: number;
  /** Made when order is asked for. */
  bytes: Buffer | null;
  live: boolean;
}

/**
 * Everything in a Map. Order costs a sort at the first iteration after a key came or went, and nothing until then: iterate
 * in punctuators, not per record.
 */
export class MemoryStore<K, V> implements KeyValueStore<K, V> {
  readonly name: string;
  readonly #keys: Serde<K>;
  readonly #entries = new Map<Identity, Entry<K, V>>();
  #sorted: readonly Entry<K, V>[] | null = null;

  constructor({ name, key }: Pick<KeyValueOptions<K, V>, 'name' | 'key'>) {
    this.name = name;
    this.#keys = key;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: K): V | undefined {
    return this.#entries.get(identityOf(key, this.#keys))?.value;
  }

  has(key: K): boolean {
    return this.#entries.has(identityOf(key, this.#keys));
  }

  timestampOf(key: K): number {
    return this.#entries.get(identityOf(key, this.#keys))?.timestampMs ?? -1;
  }

  put(key: K, value: V, timestampMs = -1): void {
    const identity = identityOf(key, this.#keys);
    const entry = this.#entries.get(identity);
    if (entry) {
      entry.value = value;
      entry.timestampMs = timestampMs;
      return;
    }
    this.#entries.set(identity, { key, value, timestampMs, bytes: null, live: true });
    this.#sorted = null;
  }

  delete(key: K): void {
    const identity = identityOf(key, this.#keys);
    const entry = this.#entries.get(identity);
    if (!entry) return;
    entry.live = false;
    this.#entries.delete(identity);
    this.#sorted = null;
  }

  all(): Iterable<readonly [K, V]> {
    return this.range({});
  }

  *range({ from, to }: { readonly from?: K; readonly to?: K }): Iterable<readonly [K, V]> {
    const sorted = this.#inOrder();
    const first = from === undefined ? 0 : lowerBound(sorted, this.#keys.serialize(from));
    const end = to === undefined ? sorted.length : lowerBound(sorted, this.#keys.serialize(to));
    for (let i = first; i < end; i += 1) {
      const entry = sorted[i]!;
      if (entry.live) yield [entry.key, entry.value];
    }
  }

  #inOrder(): readonly Entry<K, V>[] {
    if (this.#sorted) return this.#sorted;
    const entries = [...this.#entries.values()];
    for (const entry of entries) entry.bytes ??= this.#keys.serialize(entry.key);
    this.#sorted = entries.sort((a, b) => Buffer.compare(a.bytes!, b.bytes!));
    return this.#sorted;
  }
}

function lowerBound(sorted: readonly Entry<unknown, unknown>[], bytes: Buffer): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (Buffer.compare(sorted[middle]!.bytes!, bytes) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
