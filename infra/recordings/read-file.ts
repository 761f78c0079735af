/** Inputs → events and entities, with the account of every record. */

import { classify, type SluiceError } from '#errors';
import {
  detectBytes,
  detectFormat,
  type FormatName,
  type FormatReader,
  formatReader,
  type Outcome,
} from '#formats';
import { type Input, readInput } from './files.ts';

/** records = used + the sum of skipped + bad. */
export interface InputAccount {
  readonly name: string;
  format: FormatName | undefined;
  records: number;
  used: number;
  readonly skipped: Map<string, number>;
  /** What the recording system says it lost. */
  lost: number;
  bad: number;
  /** The first few, each with its place. */
  readonly firstBad: string[];
}

export interface ReadOptions {
  /** Absent: told by the content. */
  readonly format?: FormatName;
  /** Of events that name none. */
  readonly cluster: string;
}

const mostBad = 5;

export class ReadInput {
  readonly input: Input;
  readonly account: InputAccount;
  readonly #options: ReadOptions;

  constructor(input: Input, options: ReadOptions) {
    this.input = input;
    this.#options = options;
    this.account = {
      ...{ name: input.name, format: options.format, records: 0, used: 0, skipped: new Map(), lost: 0 },
      ...{ bad: 0, firstBad: [] },
    };
  }

  /**
   * Errors: INPUT_INVALID when it cannot be read at all, CONFIG_INVALID when its format cannot be told; a file of a
   * directory in no known format is one bad record.
   */
  async *outcomes(): AsyncGenerator<Outcome, void, undefined> {
    const { name, isNamed } = this.input;
    const pieces = readInput(this.input);
    let reader: FormatReader | undefined;
    let start: Buffer = Buffer.alloc(0);
    const begin = () => {
      const format = this.#options.format ?? detectFormat(start, name);
      this.account.format = format;
      if (format !== undefined)
        reader = formatReader(format, { cluster: this.#options.cluster, input: name });
    };
    try {
      for await (const piece of pieces) {
        if (reader) yield* reader.push(piece);
        else {
          start = start.length === 0 ? piece : Buffer.concat([start, piece]);
          if (start.length < detectBytes) continue;
          begin();
          if (reader) yield* (reader as FormatReader).push(start);
          start = Buffer.alloc(0);
        }
      }
    } catch (error) {
      // What could be read of a damaged file is used.
      const failure = classify(error);
      const isDamage = failure.code === 'INPUT_INVALID' && (reader !== undefined || start.length > 0);
      if (!isDamage) {
        if (isNamed || !isOfInput(failure)) throw failure;
      }
      yield this.#damage(failure);
      if (!isDamage) return;
    }
    try {
      if (!reader) {
        begin();
        if (reader) yield* (reader as FormatReader).push(start);
      }
      if (reader) yield* (reader as FormatReader).end();
    } catch (error) {
      const failure = classify(error);
      if (isNamed || !isOfInput(failure)) throw failure;
      yield this.#damage(failure);
    }
  }

  #damage({ message }: SluiceError): Outcome {
    return { place: { line: 0, offsetBytes: 0 }, bad: message };
  }

  /** Every outcome once. Events that could not be used after all are bad. */
  note(outcome: Outcome, failure?: string): void {
    const { account } = this;
    if ('skipped' in outcome) account.lost += outcome.lost ?? 0;
    if ('isDeferred' in outcome && outcome.isDeferred) return;
    account.records += 1;
    const bad = failure ?? ('bad' in outcome ? outcome.bad : undefined);
    if (bad !== undefined) {
      account.bad += 1;
      if (account.firstBad.length < mostBad) account.firstBad.push(this.#placed(outcome, bad));
    } else if ('skipped' in outcome)
      account.skipped.set(outcome.skipped, (account.skipped.get(outcome.skipped) ?? 0) + 1);
    else account.used += 1;
  }

  #placed({ place: { line, offsetBytes } }: Outcome, bad: string): string {
    return line === 0 ? bad : `${this.input.name}:${line} (byte ${offsetBytes}): ${bad}`;
  }
}

function isOfInput({ code }: SluiceError): boolean {
  return code === 'INPUT_INVALID' || code === 'CONFIG_INVALID' || code === 'SCHEMA_INCOMPATIBLE';
}
