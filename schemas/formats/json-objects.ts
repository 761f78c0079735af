/**
 * JSON objects out of a stream of bytes: one a line, one after another over several lines, or the elements of an array.
 *
 * Owns: where an object begins and ends, what is lost when one is damaged.
 * Does not own: what is in an object.
 *
 * Invariants:
 * J1 The result does not depend on how the bytes were split into chunks.
 * J2 Damage loses the object it is in: reading goes on at the next line that begins an object no deeper indented than
 *    the damaged one began.
 * J3 What is held is at most one object, and no object is longer than `largestObjectBytes`.
 */

/** Where something began. */
export interface Place {
  /** From 1. */
  readonly line: number;
  /** Of the first byte, from 0. */
  readonly offsetBytes: number;
}

export type JsonFound =
  | { readonly place: Place; readonly object: Readonly<Record<string, unknown>> }
  | { readonly place: Place; readonly bad: string };

export const largestObjectBytes = 16 * 1024 * 1024;

const [newline, quote, backslash, space] = [10, 34, 92, 32];
const [openBrace, closeBrace, openBracket, closeBracket, comma] = [123, 125, 91, 93, 44];

type State = 'between' | 'garbage' | 'object';

export class JsonObjects {
  /** What of the stream is held: from the start of the object or garbage that is open. */
  #held: Buffer = Buffer.alloc(0);
  #heldOffset = 0;
  #at = 0;
  #line = 1;
  #state: State = 'between';
  #depth = 0;
  #inText = false;
  #isEscaped = false;
  /** Spaces before the first other byte of this line; null until that byte. */
  #indent: number | null = null;
  #spaces = 0;
  #start = { at: 0, line: 1, indent: 0 };
  /** Line of the last damage: one report a line. */
  #badLine = 0;
  /** Objects whose inner lines are not indented cannot be told from the next by indentation. */
  #isFlat = false;

  *push(chunk: Buffer): Generator<JsonFound, void, undefined> {
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    yield* this.#scan();
    const keep = this.#state === 'between' ? this.#at : this.#start.at;
    this.#held = this.#held.subarray(keep);
    this.#heldOffset += keep;
    this.#at -= keep;
    this.#start.at -= keep;
  }

  /** What was open when the stream ended. */
  *end(): Generator<JsonFound, void, undefined> {
    if (this.#state === 'object') yield* this.#damaged('ends inside an object: it was cut off');
    if (this.#state === 'garbage') yield* this.#damaged('is no JSON object');
    this.#state = 'between';
  }

  *#scan(): Generator<JsonFound, void, undefined> {
    while (this.#at < this.#held.length) {
      const byte = this.#held[this.#at]!;
      if (byte === newline) {
        yield* this.#endOfLine();
        continue;
      }
      if (this.#indent === null) {
        if (byte <= space) {
          this.#spaces += 1;
          this.#at += 1;
          continue;
        }
        this.#indent = this.#spaces;
        if (this.#state === 'object') yield* this.#startOfLine(byte);
      }
      if (this.#state === 'object') yield* this.#inside();
      else yield* this.#outside(byte);
    }
  }

  *#endOfLine(): Generator<JsonFound, void, undefined> {
    if (this.#state === 'garbage') {
      yield* this.#damaged('is no JSON object');
      this.#state = 'between';
    } else if (this.#state === 'object' && this.#inText) {
      yield* this.#damaged('has a text that does not end');
      this.#state = 'between';
    }
    this.#at += 1;
    this.#line += 1;
    this.#indent = null;
    this.#spaces = 0;
  }

  /** The first byte of a line within an object: does it begin the next one instead? */
  *#startOfLine(byte: number): Generator<JsonFound, void, undefined> {
    const isNoDeeper = this.#indent! <= this.#start.indent;
    const isSecondLine = this.#line === this.#start.line + 1;
    if (isSecondLine) this.#isFlat = isNoDeeper && byte !== openBrace;
    if (byte !== openBrace || !isNoDeeper || this.#isFlat) return;
    yield* this.#damaged('is an object that does not end');
    this.#state = 'between';
  }

  *#outside(byte: number): Generator<JsonFound, void, undefined> {
    const isBetween =
      byte <= space || byte === comma || byte === openBracket || byte === closeBracket || this.#isMark();
    if (byte === openBrace) {
      if (this.#state === 'garbage') yield* this.#damaged('is no JSON object');
      yield* this.#begin();
    } else {
      if (this.#state === 'between' && !isBetween) {
        this.#state = 'garbage';
        this.#start = { at: this.#at, line: this.#line, indent: this.#indent! };
      }
      this.#at += 1;
    }
  }

  /** The byte order mark, at the start of the stream only. */
  #isMark(): boolean {
    const offset = this.#heldOffset + this.#at;
    return offset < 3 && this.#held[this.#at] === [0xef, 0xbb, 0xbf][offset];
  }

  *#begin(): Generator<JsonFound, void, undefined> {
    this.#state = 'object';
    this.#start = { at: this.#at, line: this.#line, indent: this.#indent! };
    this.#depth = 0;
    this.#inText = false;
    this.#isEscaped = false;
    this.#isFlat = false;
    // Most files have an object a line, and whole: then it need not be looked at byte by byte.
    const end = this.#held.indexOf(newline, this.#at);
    if (end < 0 || end - this.#at >= largestObjectBytes || lastByte(this.#held, end) !== closeBrace) return;
    const object = parsed(this.#held.toString('utf8', this.#at, end));
    if (object === undefined) return;
    yield { place: this.#place(), object };
    this.#at = end;
    this.#state = 'between';
  }

  /** Goes on to the end of the line, of the object, or of what there is. */
  *#inside(): Generator<JsonFound, void, undefined> {
    const held = this.#held;
    const limit = Math.min(held.length, this.#start.at + largestObjectBytes);
    while (this.#at < limit) {
      const byte = held[this.#at]!;
      if (byte === newline) return;
      this.#at += 1;
      if (this.#inText) {
        if (this.#isEscaped) this.#isEscaped = false;
        else if (byte === backslash) this.#isEscaped = true;
        else if (byte === quote) this.#inText = false;
      } else if (byte === quote) this.#inText = true;
      else if (byte === openBrace || byte === openBracket) this.#depth += 1;
      else if ((byte === closeBrace || byte === closeBracket) && --this.#depth === 0) {
        yield* this.#close();
        return;
      }
    }
    if (this.#at - this.#start.at < largestObjectBytes) return;
    yield* this.#damaged(`is an object of more than ${largestObjectBytes} bytes`);
    this.#state = 'between';
  }

  *#close(): Generator<JsonFound, void, undefined> {
    const object = parsed(this.#held.toString('utf8', this.#start.at, this.#at));
    this.#state = 'between';
    if (object === undefined) yield* this.#damaged('is no JSON: check its quotes, commas and brackets');
    else yield { place: this.#place(), object };
  }

  *#damaged(bad: string): Generator<JsonFound, void, undefined> {
    if (this.#badLine === this.#start.line) return;
    this.#badLine = this.#start.line;
    yield { place: this.#place(), bad };
  }

  #place(): Place {
    return { line: this.#start.line, offsetBytes: this.#heldOffset + this.#start.at };
  }
}

function lastByte(bytes: Buffer, end: number): number | undefined {
  let at = end - 1;
  while (at >= 0 && bytes[at]! <= space) at -= 1;
  return bytes[at];
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
