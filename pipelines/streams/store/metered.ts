import type { StoreMetrics } from '../observe/store-metrics.ts';
import type { Changelog, OpenStore } from './store.ts';

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

/** The same store behind one that counts what is done to it. */
export function metered<S extends { readonly size: number }>(
  open: OpenStore<S>,
  counting: (store: S, meter: Meter) => S,
): OpenStore<S> {
  const meter = new Meter();
  const store = counting(open.store, meter);
  return {
    ...open,
    store,
    changelog: open.changelog && meteredChangelog(open.changelog, meter),
    metrics: () => ({ ...meter.figures(store.size), ...open.metrics?.() }),
  };
}

/** Of an opened store, whatever it counts itself. */
export function metricsOf(taskId: string, store: string, open: OpenStore): StoreMetrics {
  const { size = 0 } = open.store as { readonly size?: number };
  return { taskId, store, entries: size, figures: open.metrics?.() ?? {} };
}

/** The same changelog, weighing what it writes. */
function meteredChangelog(changelog: Changelog, meter: Meter): Changelog {
  return {
    drain(topic, partition, timestampMs) {
      const records = changelog.drain(topic, partition, timestampMs);
      for (const { key, value } of records) meter.wrote(key, value);
      return records;
    },
    restore: record => {
      meter.wrote(record.key, record.value);
      changelog.restore(record);
    },
    rewrite: record => changelog.rewrite(record),
  };
}
