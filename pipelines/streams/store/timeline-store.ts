/** Timelines as a topology names them, and what each is kept in. What they answer: timeline.ts. */

import type { Serde } from '#schemas';
import { restoringBy } from './disk-changelog.ts';
import { diskFileOf } from './disk-file.ts';
import { DiskTimeline } from './disk-timeline.ts';
import { MemoryTimeline } from './memory-timeline.ts';
import { MemoryTimelineChangelog } from './memory-timeline-changelog.ts';
import { meteredTimeline } from './metered-timeline.ts';
import { checkStoreName, type OpenStore, type StoreEnvironment, type StoreSpec } from './store.ts';
import type { Timeline, TimelineOptions } from './timeline.ts';
import { TimelineChangelog } from './timeline-changelog.ts';

export interface TimelineSpec<K, V> extends StoreSpec<Timeline<K, V>> {
  readonly key: Serde<K>;
  readonly value: Serde<V>;
  readonly retentionMs: number;
}

/** Errors: CONFIG_INVALID for a name that cannot be part of a topic's. */
export function timelineStore<K, V>(options: TimelineOptions<K, V>): TimelineSpec<K, V> {
  const { name, key, value, retentionMs, changelog = true, engine = 'memory' } = options;
  checkStoreName(name);
  const open = engine === 'disk' ? openOnDisk : openInMemory;
  return {
    ...{ name, key, value, retentionMs, changelog },
    open: environment => meteredTimeline(open(options, environment)),
  };
}

type Opened<K, V> = OpenStore<Timeline<K, V>>;

function openInMemory<K, V>(options: TimelineOptions<K, V>, environment: StoreEnvironment): Opened<K, V> {
  const store = new MemoryTimeline<K, V>(options, environment);
  const changelog = options.changelog === false ? null : new MemoryTimelineChangelog(store, options);
  return { store, changelog, expire: () => store.expire() };
}

function openOnDisk<K, V>(options: TimelineOptions<K, V>, environment: StoreEnvironment): Opened<K, V> {
  const { changelog = true, memory, ...rest } = options;
  const file = diskFileOf(options.name, environment, { timed: true });
  const store = new DiskTimeline<K, V>({ ...rest, ...memory, changelog, file, environment });
  const { disk } = store;
  const metrics = () => store.figures;
  if (!changelog) return { store, changelog: null, disk, metrics, expire: () => void store.expire() };
  const logged = new TimelineChangelog(store, options);
  const facing = restoringBy(logged, record => store.restore(record));
  return { store: logged, changelog: facing, disk, metrics, expire: () => logged.expire() };
}
