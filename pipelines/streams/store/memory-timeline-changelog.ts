import type { LogRecord, OutgoingRecord } from '#kafka';
import { readChange } from './corrupt.ts';
import { type Identity, identityOf } from './identity.ts';
import type { MemoryTimeline } from './memory-timeline.ts';
import type { Changelog } from './store.ts';
import type { TimelineOptions } from './timeline.ts';
import { entryOf, withTime } from './timeline-changelog.ts';

interface Rewrite<K> {
  readonly key: K;
  readonly timesMs: Set<number>;
}

/** The changelog of a timeline in memory, which knows itself what changed. Its records are those of TimelineChangelog. */
export class MemoryTimelineChangelog<K, V> implements Changelog {
  readonly #timeline: MemoryTimeline<K, V>;
  readonly #options: Pick<TimelineOptions<K, V>, 'key' | 'value'>;
  /** What the topic has and should not, or should have otherwise. */
  readonly #rewrites = new Map<Identity, Rewrite<K>>();

  constructor(timeline: MemoryTimeline<K, V>, options: Pick<TimelineOptions<K, V>, 'key' | 'value'>) {
    this.#timeline = timeline;
    this.#options = options;
  }

  drain(topic: string, partition: number, timestampMs: number): OutgoingRecord[] {
    const records: OutgoingRecord[] = [];
    const { key: keys, value: values } = this.#options;
    let last: { readonly key: K; readonly bytes: Buffer } | null = null;
    const write = (key: K, timeMs: number, value: V | undefined, stampMs: number) => {
      if (last === null || last.key !== key) last = { key, bytes: keys.serialize(key) };
      records.push({
        topic,
        partition,
        key: withTime(last.bytes, timeMs),
        value: value === undefined ? null : values.serialize(value),
        timestampMs: stampMs < 0 ? timestampMs : stampMs,
      });
      if (this.#rewrites.size > 0) this.#rewrites.get(identityOf(key, keys))?.timesMs.delete(timeMs);
    };
    this.#timeline.takeChanges(write);
    for (const { key, timesMs } of this.#rewrites.values())
      for (const timeMs of timesMs)
        write(key, timeMs, this.#timeline.get(key, timeMs), this.#timeline.timestampOf(key, timeMs));
    this.#rewrites.clear();
    return records;
  }

  restore(record: LogRecord): void {
    const { name } = this.#timeline;
    const { key, timeMs } = entryOf(record, name, this.#options.key);
    const { value, timestampMs } = record;
    const read =
      value === null ? undefined : readChange(name, record, () => this.#options.value.deserialize(value));
    this.#timeline.restore(key, timeMs, read, timestampMs);
  }

  rewrite(record: LogRecord): void {
    const { key, timeMs } = entryOf(record, this.#timeline.name, this.#options.key);
    const identity = identityOf(key, this.#options.key);
    const known = this.#rewrites.get(identity);
    if (known) known.timesMs.add(timeMs);
    else this.#rewrites.set(identity, { key, timesMs: new Set([timeMs]) });
  }
}
