/** Events of a recording, with whose they are as far as records and objects tell it. */

import { SluiceError } from '#errors';
import type { ReadEvent } from '#formats';
import type { LogRecord } from '#kafka';
import { type ReadObjects, SubjectIdentity } from '#kubernetes';
import { type EntityChange, entityKey } from '#schemas';
import type { EntityRecord } from './entity-intervals.ts';

/** What a recording is read for. */
export interface RecordingSink {
  /** What it says of who there is: before the events that need it. */
  entity(record: EntityRecord): void;
  /** Errors: VALUE_INVALID naming the field; the event then counts as bad. */
  event(event: ReadEvent): void;
  /** A record of a topic that could not be read. Absent: it is counted and named in the account alone. */
  unreadable?(record: LogRecord, error: SluiceError): void;
}

export class EventSubjects {
  readonly #sink: RecordingSink;
  readonly #objects: ReadObjects | undefined;
  readonly #identity: SubjectIdentity;
  readonly #clusters = new Set<string>();

  constructor(sink: RecordingSink, objects: ReadObjects | undefined) {
    this.#sink = sink;
    this.#objects = objects;
    this.#identity = new SubjectIdentity(objects);
  }

  /** Text: why they cannot be used. */
  take(events: readonly ReadEvent[]): string | undefined {
    try {
      for (const each of events) this.#sink.event(this.#attributed(each));
      return undefined;
    } catch (error) {
      if (error instanceof SluiceError && error.code === 'VALUE_INVALID') return error.message;
      throw error;
    }
  }

  /** Of events that were taken before: who there is, without the events. */
  meet(events: readonly ReadEvent[]): void {
    for (const each of events) this.#attributed(each);
  }

  #attributed(read: ReadEvent): ReadEvent {
    const { event, subject } = read;
    const { cluster } = event.origin;
    this.#meet(cluster);
    const seen = { cluster, timeUs: event.time };
    const { container, entity } = this.#identity.identify(event.container, subject.labels, seen);
    if (entity) this.#change(entity);
    return container === event.container ? read : { ...read, event: { ...event, container } };
  }

  /** Objects do not name their cluster: they are of every one that events come from. */
  #meet(cluster: string): void {
    if (this.#clusters.has(cluster)) return;
    this.#clusters.add(cluster);
    for (const change of this.#objects?.changes ?? []) this.#change({ ...change, cluster });
  }

  #change(value: EntityChange): void {
    const timestampMs = Math.floor(value.observedAt / 1000);
    this.#sink.entity({ key: entityKey(value), value, timestampMs });
  }
}
