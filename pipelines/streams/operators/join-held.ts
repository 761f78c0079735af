/**
 * Records of a stream that wait until their time is past, so that a versioned table can say what it held then.
 *
 * Owns: which wait, in what order they go on. Does not own: the join (join-table.ts).
 *
 * Invariants:
 * H1 Order is by time, of equal times by the bytes of the keys, of one key as they came.
 * H2 Its time is the latest of the records that waited, and survives a restart.
 */

import type { Headers } from '#kafka';
import type { Serde } from '#schemas';
import type { Origin, StreamRecord } from '../record.ts';
import { checkStoreName, type StoreSpec } from '../store/store.ts';
import type { Timeline } from '../store/timeline.ts';
import { timelineStore } from '../store/timeline-store.ts';
import { listSerde } from '../table/list-serde.ts';
import { noting } from '../table/self-timed.ts';
import { TimeQueue } from './time-queue.ts';

export interface HeldOptions<K, V> {
  readonly name: string;
  readonly key: Serde<K>;
  readonly value: Serde<V>;
  readonly graceMs: number;
  readonly changelog: boolean;
}

export function heldStore<K, V>(options: HeldOptions<K, V>): StoreSpec<Held<K, V>> {
  const { name, key, value, graceMs, changelog } = options;
  checkStoreName(name);
  return {
    name,
    changelog,
    open(environment) {
      const timeline = timelineStore<K | null, readonly Waiting<V>[]>({
        ...{ name, changelog, key: markedSerde(key), value: listSerde(waitingSerde(value)) },
        retentionMs: Math.max(1, graceMs),
        // It knows no time, hence keeps all: what goes on is deleted.
      }).open({ ...environment, streamTimeMs: () => -1 });
      const store = new Held<K, V>({ timeline: timeline.store, key, graceMs });
      return {
        ...timeline,
        store,
        changelog: timeline.changelog && noting(timeline.changelog, () => store.restored()),
        expire: () => store.writeMark(),
      };
    },
  };
}

/** What a record is besides its key and its time. */
type Waiting<V> = Pick<StreamRecord<unknown, V>, 'value' | 'headers' | 'origin'>;

interface Parts<K, V> {
  /** Where it is written; read after a restart. Under null: its time. */
  readonly timeline: Timeline<K | null, readonly Waiting<V>[]>;
  readonly key: Serde<K>;
  readonly graceMs: number;
}

export class Held<K, V> {
  readonly #parts: Parts<K, V>;
  #queue = new TimeQueue<K>();
  #timeMs = -1;
  #isRead = false;

  constructor(parts: Parts<K, V>) {
    this.#parts = parts;
  }

  restored(): void {
    this.#isRead = false;
  }

  /** false: its time is past already, it does not wait. */
  add({ key, timestampMs, value, headers, origin }: StreamRecord<K, V>): boolean {
    if (!this.#isRead) this.#read();
    const { timeline, graceMs, key: keys } = this.#parts;
    if (timestampMs < this.#timeMs - graceMs) return false;
    const waiting = timeline.get(key, timestampMs);
    const kept = { value, headers: copied(headers), origin };
    timeline.put(key, timestampMs, [...(waiting ?? []), kept], timestampMs);
    if (!waiting) this.#queue.add({ timeMs: timestampMs, bytes: keys.serialize(key), item: key });
    if (timestampMs > this.#timeMs) this.#timeMs = timestampMs;
    return true;
  }

  /** Those whose time is past wait no longer. */
  release(): readonly StreamRecord<K, V>[] {
    const { timeline, graceMs } = this.#parts;
    const released: StreamRecord<K, V>[] = [];
    for (const { timeMs, item: key, leave } of this.#queue) {
      if (timeMs > this.#timeMs - graceMs) break;
      leave();
      for (const each of timeline.get(key, timeMs)!) released.push({ ...each, key, timestampMs: timeMs });
      timeline.delete(key, timeMs);
    }
    return released;
  }

  /** Before a checkpoint. */
  writeMark(): void {
    const { timeline } = this.#parts;
    if (this.#isRead && timeline.timestampOf(null, 0) !== this.#timeMs)
      timeline.put(null, 0, [], this.#timeMs);
  }

  #read(): void {
    const { timeline, key: keys } = this.#parts;
    this.#isRead = true;
    this.#queue = new TimeQueue();
    this.#timeMs = timeline.timestampOf(null, 0);
    for (const [key, { timeMs }] of timeline.all())
      if (key !== null) this.#queue.add({ timeMs, bytes: keys.serialize(key), item: key });
  }
}

/** Shape: a byte 1 and the key's bytes; a byte 0 for the mark that holds the time. */
function markedSerde<K>(keys: Serde<K>): Serde<K | null> {
  return {
    serialize: key =>
      key === null ? Buffer.from([0]) : Buffer.concat([Buffer.from([1]), keys.serialize(key)]),
    deserialize: bytes => (bytes[0] === 0 ? null : keys.deserialize(bytes.subarray(1))),
  };
}

/** Shape: origin and headers (base64) as JSON with its length, uint32, before it; the value. */
function waitingSerde<V>(values: Serde<V>): Serde<Waiting<V>> {
  return {
    serialize({ value, headers, origin }) {
      const around = Buffer.from(JSON.stringify({ origin, headers: Object.entries(headers).map(asText) }));
      const length = Buffer.allocUnsafe(4);
      length.writeUInt32BE(around.length);
      return Buffer.concat([length, around, values.serialize(value)]);
    },
    deserialize(bytes) {
      const end = 4 + bytes.readUInt32BE(0);
      const around = JSON.parse(bytes.subarray(4, end).toString()) as {
        readonly origin: Origin;
        readonly headers: readonly (readonly [string, string])[];
      };
      const headers = Object.fromEntries(
        around.headers.map(([name, text]) => [name, Buffer.from(text, 'base64')]),
      );
      return {
        value: values.deserialize(bytes.subarray(end)),
        headers: headers as Headers,
        origin: around.origin,
      };
    },
  };
}

const asText = ([name, bytes]: readonly [string, Buffer]) => [name, bytes.toString('base64')];

/** Headers are views into what was fetched, which they would keep in memory. */
function copied(headers: Headers): Headers {
  return Object.fromEntries(Object.entries(headers).map(([name, bytes]) => [name, Buffer.from(bytes)]));
}
