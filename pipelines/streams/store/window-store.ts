/**
 * The store of windows: a timeline that learns from the steps that use it how long it must keep.
 *
 * Owns: retention, and what is kept of a session. Does not own: how entries are kept (timeline.ts), what a window is (windows/).
 *
 * Invariant: WS1 No entry expires before its window was found to be closed by a step that has yet to emit it (`RetentionClock`).
 */

import { SluiceError } from '#errors';
import type { Serde } from '#schemas';
import { readTime, writeTime } from '../windows/windowed.ts';
import { retentionOf, type Windows } from '../windows/windows.ts';
import { checkStoreName, type OpenStore, type StoreEnvironment, type StoreSpec } from './store.ts';
import type { Timeline, TimelineOptions } from './timeline.ts';
import { timelineStore } from './timeline-store.ts';

/** A session as it is kept: the end is the time of its entry. */
export interface Session<V> {
  readonly startMs: number;
  readonly value: V;
}

export interface WindowStoreOptions<K, V> extends Omit<TimelineOptions<K, V>, 'retentionMs' | 'keepLatest'> {
  /** How long windows can be asked for, from their start (sessions: their end) on. Absent: as long as records may change them. */
  readonly retentionMs?: number;
}

/**
 * Windows of one aggregate: an entry per key and window, at the window's start; of sessions at their end, its value a `Session`.
 */
export interface WindowSpec<K, V> extends StoreSpec<Timeline<K, V>> {
  readonly key: Serde<K>;
  readonly value: Serde<V>;
  /** What a step that uses the store demands of it, when the topology is built. Errors: CONFIG_INVALID. */
  use(windows: Windows): void;
}

/** Errors: CONFIG_INVALID for a name that cannot be part of a topic's. */
export function windowStore<K, V>(options: WindowStoreOptions<K, V>): WindowSpec<K, V> {
  checkStoreName(options.name);
  return new WindowStoreSpec(options);
}

/** Until when entries of a store count. Stream time, while no step holds it back. */
export class RetentionClock {
  /** A step that emits windows when they close sets it to the stream time up to which it has. */
  heldMs: number | null = null;
  readonly #environment: StoreEnvironment;

  constructor(environment: StoreEnvironment) {
    this.#environment = environment;
  }

  streamTimeMs(): number {
    return this.heldMs ?? this.#environment.streamTimeMs();
  }
}

const clocks = new WeakMap<object, RetentionClock>();

/** The clock of a store that a `windowStore` opened. */
export function retentionClockOf(store: object): RetentionClock {
  return clocks.get(store)!;
}

class WindowStoreSpec<K, V> implements WindowSpec<K, V> {
  readonly name: string;
  readonly changelog: boolean;
  readonly key: Serde<K>;
  readonly value: Serde<V>;
  readonly #options: WindowStoreOptions<K, V>;
  #windows: Windows | null = null;

  constructor(options: WindowStoreOptions<K, V>) {
    this.#options = options;
    this.name = options.name;
    this.changelog = options.changelog ?? true;
    this.key = options.key;
    this.value = options.value;
  }

  use(windows: Windows): void {
    const { retentionMs } = this.#options;
    const needed = retentionOf(windows);
    if (retentionMs !== undefined && !(retentionMs >= needed))
      throw this.#invalid(
        `retentionMs is ${retentionMs}, and its windows can still change ${needed} ms after they began: give at least that, or leave it out`,
      );
    if (this.#windows && !isSame(this.#windows, windows))
      throw this.#invalid('two steps keep different windows in it: give each a store of its own');
    this.#windows = windows;
  }

  open(environment: StoreEnvironment): OpenStore<Timeline<K, V>> {
    const windows = this.#windows;
    if (!windows) throw this.#invalid('no step says which windows it is for: give it to windowedAggregate');
    const clock = new RetentionClock(environment);
    const retentionMs = this.#options.retentionMs ?? retentionOf(windows);
    const spec = timelineStore<K, V>({ ...this.#options, value: this.#serdeFor(windows), retentionMs });
    const opened = spec.open({ ...environment, streamTimeMs: () => clock.streamTimeMs() });
    clocks.set(opened.store, clock);
    return opened;
  }

  #serdeFor({ kind }: Windows): Serde<V> {
    if (kind !== 'session') return this.value;
    return sessionSerde(this.value) as unknown as Serde<V>;
  }

  #invalid(message: string): SluiceError {
    return new SluiceError('CONFIG_INVALID', `store ${this.name}: ${message}`);
  }
}

function isSame(one: Windows, other: Windows): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

const timeBytes = 8;

/** Shape: the session's start, 8 bytes, big-endian, then the value. */
function sessionSerde<V>(serde: Serde<V>): Serde<Session<V>> {
  return {
    serialize({ startMs, value }) {
      const part = serde.serialize(value);
      const bytes = Buffer.allocUnsafe(timeBytes + part.length);
      writeTime(bytes, startMs, 0);
      bytes.set(part, timeBytes);
      return bytes;
    },
    deserialize(bytes) {
      if (bytes.length < timeBytes) throw new SluiceError('RECORD_CORRUPT', 'a session without its start');
      return { startMs: readTime(bytes, 0), value: serde.deserialize(bytes.subarray(timeBytes)) };
    },
  };
}
