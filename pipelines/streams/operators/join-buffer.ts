import type { Serde } from '#schemas';
import { checkStoreName, type StoreSpec } from '../store/store.ts';
import type { Timeline, TimelineEntry } from '../store/timeline.ts';
import { listSerde } from '../table/list-serde.ts';
import { openSelfTimed, type SelfTimed } from '../table/self-timed.ts';

export interface JoinBufferOptions<K, V> {
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
      const { changelog, expire } = timed;
      return { store: new JoinBuffer(timed), changelog, ...(expire && { expire }) };
    },
  };
}

export class JoinBuffer<K, V> {
  readonly #timed: SelfTimed<K, readonly V[]>;
  readonly #timeline: Timeline<K, readonly V[]>;

  constructor(timed: SelfTimed<K, readonly V[]>) {
    this.#timed = timed;
    this.#timeline = timed.timeline;
  }

  /** Without effect where it comes too late to be kept. */
  put(key: K, timeMs: number, value: V): void {
    this.#timed.advance(timeMs);
    const before = this.#timeline.get(key, timeMs);
    this.#timeline.put(key, timeMs, before ? [...before, value] : [value], timeMs);
  }

  /** Both ends included, oldest first, of one time as they came. */
  between(key: K, fromMs: number, toMs: number): Iterable<TimelineEntry<readonly V[]>> {
    return this.#timeline.between(key, fromMs, toMs);
  }
}
