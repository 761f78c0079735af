/**
 * Which numbers of one boot arrived, and up to where everything is settled.
 *
 * Owns: holes in what arrived, the watermark of what is settled. Does not own: why a number is missing (books.ts).
 * Numbers start at 1. Cost is constant for numbers that come in order.
 */

import { type Range, Ranges } from './ranges.ts';

export interface Hole extends Range {
  /** When the hole was noticed, by the caller's clock. */
  readonly sinceMs: number;
}

/** Numbers that arrived: everything up to `highest` except the holes. */
export class Arrivals {
  #highest: number;
  #holes: Hole[] = [];

  /** Numbers up to `highest` count as arrived. */
  constructor(highest = 0) {
    this.#highest = highest;
  }

  get highest(): number {
    return this.#highest;
  }

  /** Sorted, disjoint. */
  get holes(): readonly Hole[] {
    return this.#holes;
  }

  get missing(): number {
    return this.#holes.reduce((sum, hole) => sum + hole.last - hole.first + 1, 0);
  }

  /** True when the number is new, false when it arrived before. */
  add(sequence: number, nowMs: number): boolean {
    if (sequence > this.#highest) {
      this.extend(sequence - 1, nowMs);
      this.#highest = sequence;
      return true;
    }
    const at = this.#holes.findIndex(hole => hole.first <= sequence && sequence <= hole.last);
    if (at < 0) return false;
    const { first, last, sinceMs } = this.#holes[at]!;
    const rest: Hole[] = [];
    if (first < sequence) rest.push({ first, last: sequence - 1, sinceMs });
    if (sequence < last) rest.push({ first: sequence + 1, last, sinceMs });
    this.#holes.splice(at, 1, ...rest);
    return true;
  }

  /** Everything above `highest` up to this number is missing so far. */
  extend(last: number, nowMs: number): void {
    if (last <= this.#highest) return;
    this.#holes.push({ first: this.#highest + 1, last, sinceMs: nowMs });
    this.#highest = last;
  }

  /** Takes the holes that were noticed at or before a time out, and hands them over. */
  takeHoles(noticedByMs: number): readonly Hole[] {
    const taken = this.#holes.filter(hole => hole.sinceMs <= noticedByMs);
    this.#holes = this.#holes.filter(hole => hole.sinceMs > noticedByMs);
    return taken;
  }
}

/** The number up to which every number was added, in whatever order. */
export class Watermark {
  #value: number;
  readonly #above = new Ranges();

  constructor(value = 0) {
    this.#value = value;
  }

  get value(): number {
    return this.#value;
  }

  has(sequence: number): boolean {
    return sequence <= this.#value || this.#above.has(sequence);
  }

  add(first: number, last = first): void {
    if (first > this.#value + 1) {
      this.#above.add(first, last);
      return;
    }
    if (last <= this.#value) return;
    this.#value = last;
    for (let next = this.#above.runs[0]; next && next.first <= this.#value + 1; next = this.#above.runs[0]) {
      this.#value = Math.max(this.#value, next.last);
      this.#above.delete(next.first, next.last);
    }
  }
}
