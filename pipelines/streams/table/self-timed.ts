import type { LogRecord } from '#kafka';
import type { Changelog, OpenStore, StoreEnvironment } from '../store/store.ts';
import { type Timeline, type TimelineOptions, timelineStore } from '../store/timeline.ts';

/** A timeline that goes by its own time: the latest of what it was given, whatever else its task has seen. */
export interface SelfTimed<K, V> extends Omit<OpenStore, 'store'> {
  readonly timeline: Timeline<K, V>;
  /** -1 while it is empty. */
  readonly timeMs: number;
  advance(timeMs: number): void;
}

/**
 * Opens one. After a restart its time is the latest entry's, as it was: nothing is later, and the latest is never expired.
 * Entries must be put with their own time as that of their value.
 */
export function openSelfTimed<K, V>(
  options: TimelineOptions<K, V>,
  environment: StoreEnvironment,
): SelfTimed<K, V> {
  let timeMs = -1;
  const advance = (to: number) => {
    if (to > timeMs) timeMs = to;
  };
  const opened = timelineStore(options).open({ ...environment, streamTimeMs: () => timeMs });
  const { store, changelog, expire } = opened;
  return {
    timeline: store,
    changelog: changelog && noting(changelog, ({ timestampMs, value }) => value && advance(timestampMs)),
    ...(expire && { expire: () => expire.call(opened) }),
    get timeMs() {
      return timeMs;
    },
    advance,
  };
}

/** A changelog that also tells of what it restores. */
export function noting(changelog: Changelog, restored: (record: LogRecord) => void): Changelog {
  return {
    drain: (topic, partition, timestampMs) => changelog.drain(topic, partition, timestampMs),
    restore(record) {
      changelog.restore(record);
      restored(record);
    },
    rewrite: record => changelog.rewrite(record),
  };
}
