import { catalogue, classify, type FailureStage, SluiceError } from '#errors';
import type { LogRecord, OutgoingRecord } from '#kafka';
import type { Serde } from '#schemas';
import { type Origin, placeOf } from '../record.ts';

/** A record that could not be used, byte for byte, with where it came from and why. Shape: schemas/avro/DeadLetter.avsc. */
export interface DeadLetter {
  topic: string;
  partition: number;
  offset: number;
  /** Milliseconds since the epoch. */
  timestamp: number;
  key: Buffer | null;
  value: Buffer | null;
  headers: Record<string, Buffer>;
  application: string;
  stage: FailureStage;
  code: string;
  message: string;
}

export interface DeadLetterOptions {
  readonly topic: string;
  readonly value: Serde<DeadLetter>;
}

/**
 * Where a record failed: reading its bytes; in a step, serialising for a sink included; or written, when the broker refused
 * what became of it.
 */
export type FailedStage = 'deserialise' | 'process' | 'produce';

/** What went wrong with a record. */
export interface Failure {
  readonly error: SluiceError;
  readonly stage: FailedStage;
  /** The input record; where it is no longer at hand (a checkpoint, a punctuation), its key and value are null. */
  readonly record: LogRecord;
  /** At stage `produce`: what was refused. */
  readonly output?: OutgoingRecord;
}

/** `dead-letter`: written to its topic, the rest flows. `skip`: counted only. `halt`: the application stops before it. */
export type FailureReaction = 'dead-letter' | 'skip' | 'halt';
export type FailureHandler = (failure: Failure) => FailureReaction;

/** By the catalogue: what the code says, and everything else stops the application. */
export const byCatalogue: FailureHandler = ({ error }) =>
  error.reaction === 'dead-letter' ? 'dead-letter' : 'halt';

/** What an output came of: an input record, or where it was; of a dead letter, the letter. */
export type Cause = LogRecord | Origin | DeadLetter;

export type DeadLetterCause = Pick<SluiceError, 'code' | 'message'>;

export function deadLetterOf(record: LogRecord, cause: DeadLetterCause, application: string): DeadLetter {
  const { topic, partition, offset, timestampMs, key, value, headers } = record;
  const { stage } = catalogue[cause.code];
  const { code, message } = cause;
  return {
    ...{ topic, partition, offset, timestamp: timestampMs, key, value, headers: { ...headers } },
    ...{ application, stage, code, message },
  };
}

/** The letter as a record for its topic, under `topic/partition` of the original. */
export function deadLetterRecord(letter: DeadLetter, options: DeadLetterOptions): OutgoingRecord {
  return {
    topic: options.topic,
    key: Buffer.from(`${letter.topic}/${letter.partition}`),
    value: options.value.serialize(letter),
    timestampMs: letter.timestamp,
  };
}

/** An error of the catalogue that names the record; foreign ones are a BUG of the step that threw. */
export function failureAt(record: LogRecord, error: unknown): SluiceError {
  const known = classify(error);
  return new SluiceError(known.code, `${placeOf(record)}: ${known.message}`, { cause: error });
}
