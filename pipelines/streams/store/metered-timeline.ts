import { type Meter, metered } from './metered.ts';
import type { OpenStore } from './store.ts';
import type { Timeline, TimelineEntry } from './timeline.ts';

/** The same timeline, counting what is done to it. */
export function meteredTimeline<K, V>(open: OpenStore<Timeline<K, V>>): OpenStore<Timeline<K, V>> {
  return metered(open, (store, meter) => new MeteredTimeline(store, meter));
}

class MeteredTimeline<K, V> implements Timeline<K, V> {
  readonly name: string;
  readonly #inner: Timeline<K, V>;
  readonly #meter: Meter;

  constructor(inner: Timeline<K, V>, meter: Meter) {
    this.name = inner.name;
    this.#inner = inner;
    this.#meter = meter;
  }

  get size(): number {
    return this.#inner.size;
  }

  get(key: K, timeMs: number): V | undefined {
    this.#meter.gets += 1;
    return this.#inner.get(key, timeMs);
  }

  timestampOf(key: K, timeMs: number): number {
    return this.#inner.timestampOf(key, timeMs);
  }

  between(key: K, fromMs: number, toMs: number): Iterable<TimelineEntry<V>> {
    this.#meter.ranges += 1;
    return this.#inner.between(key, fromMs, toMs);
  }

  floor(key: K, timeMs: number): TimelineEntry<V> | undefined {
    this.#meter.gets += 1;
    return this.#inner.floor(key, timeMs);
  }

  all(bounds?: { readonly fromMs?: number; readonly toMs?: number }) {
    this.#meter.ranges += 1;
    return this.#inner.all(bounds);
  }

  put(key: K, timeMs: number, value: V, timestampMs?: number): void {
    this.#meter.puts += 1;
    this.#inner.put(key, timeMs, value, timestampMs);
  }

  delete(key: K, timeMs: number): void {
    this.#meter.deletes += 1;
    this.#inner.delete(key, timeMs);
  }
}
