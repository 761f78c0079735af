import type { Serde } from '#schemas';
import { checkStoreName, type StoreSpec } from '../store/store.ts';
import type { TimelineEntry, TimelineOptions } from '../store/timeline.ts';
import { listSerde } from '../table/list-serde.ts';
import { openSelfTimed, type SelfTimed } from '../table/self-timed.ts';

export interface JoinBufferOptions<K, V> extends Pick<TimelineOptions<K, V>, 'engine' | 'memory'> {
  readonly name: string;
  readonly key: Serde<K>;
  readonly value: Serde<V>;
  readonly retentionMs: number;
  readonly changelog: boolean;
}

/** One side's records of a join, also several of one key and time; kept as long as they may meet another. */
export function joinBuffer<K, V>(options: JoinBufferOptions<K, V>): StoreSpec<JoinBuffer<K, V>> {
  checkStoreName(options.name);
  return {
    name: options.name,
    changelog: options.changelog,
    open(environment) {
      const timed = openSelfTimed<K, readonly V[]>(
        { ...options, value: listSerde(options.value) },
        environment,
      );
      return { ...timed.rest, store: new JoinBuffer(timed, options.retentionMs) };
    },
  };
}

export class JoinBuffer<K, V> {
  readonly #timed: SelfTimed<K, readonly V[]>;
  readonly #retentionMs: number;

  constructor(timed: SelfTimed<K, readonly V[]>, retentionMs: number) {
    this.#retentionMs = retentionMs;
    this.#timed = timed;
  }

  /** null moves the buffer's time only. false, and without effect, where it comes too late to be kept. */
  put(key: K, timeMs: number, value: V | null): boolean {
    this.#timed.advance(timeMs);
    if (timeMs <= this.#timed.timeMs - this.#retentionMs) return false;
    const before = this.#timed.timeline.get(key, timeMs) ?? [];
    // Nothing is kept as well, so that time is the same after a restart.
    this.#timed.timeline.put(key, timeMs, value === null ? before : [...before, value], timeMs);
    return true;
  }

  /** Both ends included, oldest first, of one time as they came. Some may be empty. */
  between(key: K, fromMs: number, toMs: number): Iterable<TimelineEntry<readonly V[]>> {
    return this.#timed.timeline.between(key, fromMs, toMs);
  }
}
