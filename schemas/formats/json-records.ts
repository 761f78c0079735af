/** A reader of inputs whose records are JSON objects. */

import type { Fields } from './fields.ts';
import { type JsonFound, JsonObjects, type Place } from './json-objects.ts';
import type { FormatReader, Outcome } from './outcome.ts';

export type RecordOutcome = Outcome extends infer O
  ? O extends { place: Place }
    ? Omit<O, 'place'>
    : never
  : never;

export interface JsonFormat {
  /** `input:line` and a number that counts up within the line: what the origin of an event is made of. */
  read(object: Fields, place: Place): RecordOutcome;
  /** What is concluded at the end. */
  conclude?(): readonly Outcome[];
}

export function jsonReader({ read, conclude }: JsonFormat): FormatReader {
  const objects = new JsonObjects();
  const outcome = (found: JsonFound): Outcome =>
    'bad' in found ? found : ({ place: found.place, ...read(found.object, found.place) } as Outcome);
  return {
    *push(chunk) {
      for (const found of objects.push(chunk)) yield outcome(found);
    },
    *end() {
      for (const found of objects.end()) yield outcome(found);
      if (conclude) yield* conclude();
    },
  };
}

/** Numbers the events of a line: files of one line hold many objects. */
export class LineSequence {
  #line = 0;
  #next = 0;

  next({ line }: Place): number {
    if (line !== this.#line) this.#next = 0;
    this.#line = line;
    return this.#next++;
  }
}
