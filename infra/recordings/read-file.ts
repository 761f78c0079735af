/** Files → events and entities, with the account of every record. */

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
import { type InputAccount, noteOutcome, openAccount } from './input-account.ts';

export interface ReadOptions {
  /** Absent: told by the content. */
  readonly format?: FormatName;
  /** Of events that name none. */
  readonly cluster: string;
}

export class ReadInput {
  readonly input: Input;
  account: InputAccount;
  readonly #options: ReadOptions;

  constructor(input: Input, options: ReadOptions) {
    this.input = input;
    this.#options = options;
    this.account = openAccount(input.name, options.format);
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
    noteOutcome(this.account, outcome, { failure, placed: bad => this.#placed(outcome, bad) });
  }

  #placed({ place: { line, offsetBytes } }: Outcome, bad: string): string {
    return line === 0 ? bad : `${this.input.name}:${line} (byte ${offsetBytes}): ${bad}`;
  }
}

function isOfInput({ code }: SluiceError): boolean {
  return code === 'INPUT_INVALID' || code === 'CONFIG_INVALID' || code === 'SCHEMA_INCOMPATIBLE';
}
