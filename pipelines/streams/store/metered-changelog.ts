import type { Meter } from './metered.ts';
import type { Changelog } from './store.ts';

/** The same changelog, weighing what it writes. */
export function meteredChangelog(changelog: Changelog, meter: Meter): Changelog {
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
