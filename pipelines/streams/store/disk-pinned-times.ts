import { byTime, type DiskEntry } from './disk-entry.ts';
import { Sorted } from './disk-sorted.ts';
import type { Identity } from './identity.ts';

/** Entries of a timeline about which memory knows better than the files, by key and by time. */
export class PinnedTimes<K, V> {
  readonly #identityOf: (key: K) => Identity;
  readonly #byKey = new Map<Identity, Sorted<DiskEntry<K, V>>>();
  readonly #all = new Set<DiskEntry<K, V>>();
  /** null until it is asked for. */
  #byTime: Sorted<DiskEntry<K, V>> | null = null;

  constructor(identityOf: (key: K) => Identity) {
    this.#identityOf = identityOf;
  }

  add(entry: DiskEntry<K, V>): void {
    const identity = this.#identityOf(entry.of);
    const others = this.#byKey.get(identity);
    if (others) others.add(entry);
    else this.#byKey.set(identity, new Sorted(byTime, [entry]));
    this.#all.add(entry);
    this.#byTime?.add(entry);
  }

  remove(entry: DiskEntry<K, V>): void {
    const identity = this.#identityOf(entry.of);
    const others = this.#byKey.get(identity);
    others?.remove(entry);
    if (others?.length === 0) this.#byKey.delete(identity);
    this.#all.delete(entry);
    this.#byTime?.remove(entry);
  }

  has(key: K, timeMs: number): boolean {
    return this.of(key, timeMs, timeMs).length > 0;
  }

  /** Of one key, both ends included, by time. */
  of(key: K, fromMs: number, toMs: number): readonly DiskEntry<K, V>[] {
    return this.#byKey.get(this.#identityOf(key))?.between(...within(fromMs, toMs)) ?? [];
  }

  /** Of all keys, both ends included, by time and key. */
  between(fromMs: number, toMs: number): readonly DiskEntry<K, V>[] {
    this.#byTime ??= new Sorted(byTime, this.#all);
    return this.#byTime.between(...within(fromMs, toMs));
  }
}

type Place = (entry: { readonly timeMs: number }) => number;

const within = (fromMs: number, toMs: number): [Place, Place] => [
  ({ timeMs }) => (timeMs < fromMs ? -1 : 0),
  ({ timeMs }) => (timeMs <= toMs ? -1 : 0),
];
