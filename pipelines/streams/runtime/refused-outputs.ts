import { classify, type ErrorCode, SluiceError } from '#errors';
import type { LogRecord, OutgoingRecord } from '#kafka';
import { type Counters, counted } from '../counters.ts';
import { placeOf } from '../record.ts';
import type { Outputs } from '../task/checkpoint.ts';
import {
  type Cause,
  type DeadLetter,
  type DeadLetterOptions,
  deadLetterOf,
  deadLetterRecord,
  type FailureHandler,
} from '../task/dead-letter.ts';

export interface RefusedOutputsOptions {
  readonly applicationId: string;
  readonly onFailure: FailureHandler;
  readonly deadLetters: DeadLetterOptions;
  readonly counters: Counters;
}

/** Of the errors of a send: those that a record is to blame for, and no other record of the same send. */
const refusals: ReadonlySet<ErrorCode> = new Set(['VALUE_INVALID', 'TOPIC_UNKNOWN', 'BROKER_REFUSED']);
/** Of these, those that all records of the topic share. */
const ofTopic: ReadonlySet<ErrorCode> = new Set(['TOPIC_UNKNOWN', 'BROKER_REFUSED']);

type Send<T> = (records: readonly OutgoingRecord[]) => Promise<readonly T[]>;

/**
 * Sends around what the broker refuses.
 *
 * Owns: finding the record to blame, asking the failure handler, the letter that goes out instead.
 * Does not own: errors that no record is to blame for; they reject the send.
 */
export class RefusedOutputs {
  readonly #options: RefusedOutputsOptions;

  constructor(options: RefusedOutputsOptions) {
    this.#options = options;
  }

  /**
   * Resolves when all that is not refused is written, in order, with what the sends resolved with.
   * Errors: those of `send`; a refusal that the handler lets halt the application, naming the input record.
   */
  async send<T>(outputs: Outputs, send: Send<T>): Promise<readonly T[]> {
    const refused = new Map<string, SluiceError>();
    return this.#send(outputs, send, refused);
  }

  async #send<T>(outputs: Outputs, send: Send<T>, refused: Map<string, SluiceError>): Promise<readonly T[]> {
    const { records, causes } = outputs;
    try {
      return await send(records);
    } catch (error) {
      const known = classify(error);
      if (!refusals.has(known.code)) throw known;
      if (records.length === 1) {
        if (ofTopic.has(known.code)) refused.set(records[0]!.topic, known);
        const instead = this.#refused(records[0]!, causes[0]!, known);
        return instead ? this.#send(instead, send, refused) : [];
      }
    }
    const middle = records.length >> 1;
    const written = await this.#half(slice(outputs, 0, middle), send, refused);
    return [...written, ...(await this.#half(slice(outputs, middle), send, refused))];
  }

  /** What is known to be refused is not tried record by record. */
  async #half<T>(half: Outputs, send: Send<T>, refused: Map<string, SluiceError>): Promise<readonly T[]> {
    if (!half.records.some(({ topic }) => refused.has(topic))) return this.#send(half, send, refused);
    const records: OutgoingRecord[] = [];
    const causes: Cause[] = [];
    half.records.forEach((record, index) => {
      const cause = half.causes[index]!;
      const known = refused.get(record.topic);
      const instead = known ? this.#refused(record, cause, known) : { records: [record], causes: [cause] };
      if (!instead) return;
      records.push(...instead.records);
      causes.push(...instead.causes);
    });
    return records.length > 0 ? this.#send({ records, causes }, send, refused) : [];
  }

  /** What is to be sent instead; null: nothing. */
  #refused(output: OutgoingRecord, cause: Cause, why: SluiceError): Outputs | null {
    const { applicationId, onFailure, deadLetters, counters } = this.#options;
    if (isLetter(cause)) return this.#smaller(cause, why);
    const record = inputOf(cause, output);
    const error = new SluiceError(
      why.code,
      `${placeOf(record)}: what became of it for ${output.topic} was refused: ${why.message}`,
      { cause: why },
    );
    const reaction = onFailure({ error, stage: 'produce', record, output });
    if (reaction === 'halt') throw error;
    if (reaction === 'skip') {
      counters.add(counted.skipped);
      return null;
    }
    counters.add(counted.deadLetters);
    counters.add(counted.deadLettersOf(error.code));
    const letter: DeadLetter = { ...deadLetterOf(record, error, applicationId), stage: 'SENDING' };
    return { records: [deadLetterRecord(letter, deadLetters)], causes: [letter] };
  }

  /** A letter that does not fit: once more, without the bytes of the record. */
  #smaller(letter: DeadLetter, why: SluiceError): Outputs {
    const { deadLetters } = this.#options;
    if (why.code !== 'VALUE_INVALID' || (letter.key === null && letter.value === null))
      throw new SluiceError(
        why.code,
        `${placeOf(letter)}: its dead letter was refused by ${deadLetters.topic}: ${why.message}`,
        { cause: why },
      );
    const message = `${letter.message} (its bytes are left out: with them the letter is too large)`;
    const smaller: DeadLetter = { ...letter, message, key: null, value: null, headers: {} };
    return { records: [deadLetterRecord(smaller, deadLetters)], causes: [smaller] };
  }
}

const isLetter = (cause: Cause): cause is DeadLetter => 'application' in cause;

function inputOf(cause: Exclude<Cause, DeadLetter>, output: OutgoingRecord): LogRecord {
  if ('timestampMs' in cause) return cause;
  const { topic, partition, offset } = cause;
  return {
    ...{ topic, partition, offset, key: null, value: null, headers: {} },
    timestampMs: output.timestampMs ?? 0,
  };
}

const slice = ({ records, causes }: Outputs, from: number, to?: number): Outputs => ({
  records: records.slice(from, to),
  causes: causes.slice(from, to),
});
