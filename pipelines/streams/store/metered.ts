import type { StoreMetrics } from '../observe/store-metrics.ts';
import type { OpenStore } from './store.ts';

/** What is done to a store. */
export class Meter {
  gets = 0;
  puts = 0;
  deletes = 0;
  ranges = 0;
  /** Of a key and a value together, as they were written to the changelog lately. */
  #entryBytes = 0;

  wrote(key: Uint8Array | null, value: Uint8Array | null): void {
    if (!key || !value) return;
    const bytes = key.length + value.length;
    this.#entryBytes = this.#entryBytes === 0 ? bytes : this.#entryBytes + (bytes - this.#entryBytes) / 64;
  }

  /** `bytes`: of so many entries, serialised, by the size of those written lately; 0 until some were. */
  figures(entries: number): Readonly<Record<string, number>> {
    const { gets, puts, deletes, ranges } = this;
    return { gets, puts, deletes, ranges, bytes: Math.round(entries * this.#entryBytes) };
  }
}

/** Of an opened store, whatever it counts itself. */
export function metricsOf(taskId: string, store: string, open: OpenStore): StoreMetrics {
  const { size = 0 } = open.store as { readonly size?: number };
  return { taskId, store, entries: size, figures: open.metrics?.() ?? {} };
}
