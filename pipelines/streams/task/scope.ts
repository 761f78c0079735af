import type { LogRecord, OutgoingRecord } from '#kafka';
import type { Clock } from '../clock.ts';
import type { Origin, StreamRecord } from '../record.ts';
import type { GlobalTable } from '../store/global.ts';
import type { StoreSpec } from '../store/store.ts';
import type { GraphNode } from '../topology/node.ts';
import type { TopicRef } from '../topology/topic-ref.ts';
import type { DeadLetterCause } from './dead-letter.ts';
import type { Punctuation, PunctuationType } from './punctuators.ts';

/** A record that waits for its way to be mended. */
export interface Emission {
  readonly record: StreamRecord<unknown, unknown>;
  send(): void;
}

/** What a task offers the steps that run in it. */
export interface TaskScope {
  readonly taskId: string;
  readonly partition: number;
  readonly clock: Pick<Clock, 'now'>;
  /** Highest timestamp that the task has seen; -1 before the first record. */
  readonly taskTimeMs: number;
  /** Highest timestamp that was observed by the steps that share a store with this one; of a step without stores, the task's. */
  readonly streamTimeMs: number;
  /** A record that counts has reached the step. */
  observe(timestampMs: number): void;
  /** Whether steps may emit: false outside of a record, a punctuation or a checkpoint. */
  readonly active: boolean;
  /** The input record being processed, as it was read; null in a punctuation or at a checkpoint. */
  readonly received: LogRecord | null;
  /** Its key, deserialised. */
  readonly inputKey: unknown;
  /** As a step sees it. */
  scopeOf(node: GraphNode): TaskScope;
  store<S>(spec: StoreSpec<S>): S;
  global<W>(table: GlobalTable<W>): W;
  count(name: string, by?: number): void;
  /** The name of a topic in the log. */
  topic(ref: TopicRef): string;
  /** For the next checkpoint. `origin`: of the record that it came of. */
  output(record: OutgoingRecord, origin: Origin): void;
  deadLetter(record: LogRecord, cause: DeadLetterCause): void;
  schedule(intervalMs: number, type: PunctuationType, run: (timeMs: number) => void): Punctuation;
  /** A step is emitting what no input record caused: failures are dealt with when it is done. */
  emitting: boolean;
  /** Something further down failed in this turn, and is not dealt with yet. */
  readonly failing: boolean;
  /** Emits once that is dealt with: what failed ended subscriptions, and this record is not to blame. */
  later(emission: Emission): void;
  /** After an emission that no input record caused: deals with what went wrong downstream, so that the next one flows. */
  settled(record: StreamRecord<unknown, unknown>): void;
}
