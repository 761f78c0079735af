import type { LogRecord } from '#kafka';
import type { Changelog, OpenStore, StoreEnvironment } from '../store/store.ts';
import type { Timeline, TimelineOptions } from '../store/timeline.ts';
import { timelineStore } from '../store/timeline-store.ts';

/** A timeline that goes by its own time: the latest of what it was given, whatever else its task has seen. */
export interface SelfTimed<K, V> {
  readonly timeline: Timeline<K, V>;
  /** -1 while it is empty. */
  readonly timeMs: number;
  advance(timeMs: number): void;
  /** What is to be done for it, as for any store. */
  readonly rest: Omit<OpenStore, 'store'>;
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
  const { store, changelog, ...rest } = timelineStore(options).open({
    ...environment,
    streamTimeMs: () => timeMs,
  });
  // What was in files is not restored: it is there.
  let isKnown = rest.disk === undefined;
  const know = () => {
    if (isKnown) return;
    isKnown = true;
    advance(latestOf(store, environment.streamTimeMs(), options.retentionMs));
  };
  return {
    get timeline() {
      know();
      return store;
    },
    get timeMs() {
      know();
      return timeMs;
    },
    advance(to) {
      know();
      advance(to);
    },
    rest: {
      ...rest,
      changelog: changelog && noting(changelog, ({ timestampMs, value }) => value && advance(timestampMs)),
    },
  };
}

/** Looks back from a time that none is after, further and further. */
function latestOf(timeline: Timeline<unknown, unknown>, beforeMs: number, spanMs: number): number {
  for (let backMs = spanMs; ; backMs *= 8) {
    const fromMs = Math.max(0, beforeMs - backMs);
    let latestMs = -1;
    for (const [, entry] of timeline.all({ fromMs })) latestMs = entry.timeMs;
    if (latestMs >= 0 || fromMs === 0) return latestMs;
  }
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
