import type { LogRecord } from '#kafka';
import type { Changelog } from './store.ts';

/** A changelog whose records are taken over by another: by a store that need not look into them. */
export function restoringBy(changelog: Changelog, restore: (record: LogRecord) => void): Changelog {
  return {
    drain: (topic, partition, timestampMs) => changelog.drain(topic, partition, timestampMs),
    restore,
    rewrite: record => changelog.rewrite(record),
  };
}
