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
 * Everything in a Map. Order costs nothing until somebody iterates; then what came since the last time is sorted and merged:
 * iterate in punctuators, not per record.
 */
export class MemoryStore<K, V> implements KeyValueStore<K, V> {
  readonly name: string;
  readonly #keys: Serde<K>;
  readonly #entries = new Map<Identity, Entry<K, V>>();
  /** In order, as of the last iteration; some may be dead since. Never changed in place: whoever iterates keeps his. */
  #sorted: readonly Entry<K, V>[] = [];
  /** Came since then. */
  #fresh: Entry<K, V>[] = [];
  /** How many of both are dead. */
  #dead = 0;

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
    const fresh = { key, value, timestampMs, bytes: null, live: true };
    this.#entries.set(identity, fresh);
    this.#fresh.push(fresh);
  }

  delete(key: K): void {
    const identity = identityOf(key, this.#keys);
    const entry = this.#entries.get(identity);
    if (!entry) return;
    entry.live = false;
    this.#entries.delete(identity);
    this.#dead += 1;
    // Keys that come and go between two iterations must not pile up.
    if (this.#dead > this.#entries.size + 1_000) this.#bury();
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
    if (this.#fresh.length === 0) return this.#sorted;
    const fresh = this.#fresh.filter(({ live }) => live);
    for (const entry of fresh) entry.bytes ??= this.#keys.serialize(entry.key);
    fresh.sort(byBytes);
    this.#sorted = merged(this.#sorted, fresh);
    this.#fresh = [];
    this.#dead = 0;
    return this.#sorted;
  }

  #bury(): void {
    this.#sorted = this.#sorted.filter(({ live }) => live);
    this.#fresh = this.#fresh.filter(({ live }) => live);
    this.#dead = 0;
  }
}

interface Ordered {
  readonly bytes: Buffer | null;
  readonly live: boolean;
}

const byBytes = (a: Ordered, b: Ordered) => Buffer.compare(a.bytes!, b.bytes!);

/** The live ones of both, in order. */
function merged<E extends Ordered>(one: readonly E[], other: readonly E[]): readonly E[] {
  const all: E[] = [];
  let next = 0;
  for (const entry of one) {
    if (!entry.live) continue;
    while (next < other.length && byBytes(other[next]!, entry) < 0) all.push(other[next++]!);
    all.push(entry);
  }
  while (next < other.length) all.push(other[next++]!);
  return all;
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
