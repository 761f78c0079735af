/** What a task hands over to be made durable, and the mark it leaves with it. See docs/semantics.md, S25 and S27. */

import { SluiceError } from '#errors';
import type { LogRecord, OutgoingRecord, PartitionEnd, TopicPartitionOffset } from '#kafka';
import { placeOf } from '../record.ts';
import type { Cause } from './dead-letter.ts';

/** Records for sinks and dead letters, in order of processing. */
export interface Outputs {
  readonly records: readonly OutgoingRecord[];
  /** What each of them came of. */
  readonly causes: readonly Cause[];
}

export interface Checkpoint {
  readonly taskId: string;
  /** Records for sinks and dead letters that were not taken before, in order. */
  readonly outputs: readonly OutgoingRecord[];
  /** What each output came of. */
  readonly causes: readonly Cause[];
  /** Records for changelogs, one per changed key. */
  readonly changes: readonly OutgoingRecord[];
  /** Inputs that moved: the next record to read. */
  readonly offsets: readonly TopicPartitionOffset[];
  /** Of every input, by topic: the next record to read. */
  readonly positions: Readonly<Record<string, number>>;
  readonly streamTimeMs: number;
  /** By store: the stream time of the steps that use it. */
  readonly stepTimesMs: Readonly<Record<string, number>>;
}

/**
 * The last checkpoint whose changes are complete: state is the changelogs up to `changelogs`, and holds the effect of exactly
 * the input before `offsets`.
 */
export interface Mark {
  /** The same in all marks that follow one another; an application that began anew has another. */
  readonly history: string;
  /** How many marks of the task there are with this one: tells apart what two writers would write. */
  readonly serial: number;
  readonly streamTimeMs: number;
  /** By store: the stream time of the steps that use it. */
  readonly stepTimesMs: Readonly<Record<string, number>>;
  /** Next offset to read by topic; the partition is the task's. */
  readonly offsets: Readonly<Record<string, number>>;
  /** End of what counts, by changelog topic; null when writes were atomic and all of it counts. */
  readonly changelogs: Readonly<Record<string, number>> | null;
}

export function markRecord(
  mark: Mark,
  where: { topic: string; partition: number; taskId: string },
): OutgoingRecord {
  const { topic, partition, taskId } = where;
  return { topic, partition, key: Buffer.from(taskId), value: Buffer.from(JSON.stringify(mark)) };
}

/** Errors: STORE_CORRUPT. */
export function readMark(record: LogRecord): Mark {
  try {
    const mark = JSON.parse(record.value!.toString()) as Mark;
    // Marks of earlier versions do not say these.
    const { history = '', serial = 0, stepTimesMs = {} } = mark;
    return { ...mark, history, serial, stepTimesMs };
  } catch (cause) {
    throw new SluiceError(
      'STORE_CORRUPT',
      `${placeOf(record)} is no checkpoint; delete the application's changelog and checkpoint topics and read its input from the start`,
      { cause },
    );
  }
}

/** Where each partition ends, by `topic/partition`. */
export function endsOf(written: readonly PartitionEnd[]): ReadonlyMap<string, number> {
  const ends = new Map<string, number>();
  for (const { topic, partition, end } of written) {
    const key = `${topic}/${partition}`;
    ends.set(key, Math.max(ends.get(key) ?? 0, end));
  }
  return ends;
}
