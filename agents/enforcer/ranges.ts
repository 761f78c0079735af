/** A run of whole numbers, both ends included. */
export interface Range {
  readonly first: number;
  readonly last: number;
}

/** A set of whole numbers kept as sorted runs: small as long as the numbers lie together, however many they are. */
export class Ranges {
  #runs: Range[] = [];

  get runs(): readonly Range[] {
    return this.#runs;
  }

  get size(): number {
    return this.#runs.reduce((sum, run) => sum + run.last - run.first + 1, 0);
  }

  has(number: number): boolean {
    const run = this.#runs[this.#firstEndingAt(number)];
    return run !== undefined && run.first <= number;
  }

  add(first: number, last = first): void {
    const from = this.#firstEndingAt(first - 1);
    let to = from;
    let joined = { first, last };
    for (; to < this.#runs.length && this.#runs[to]!.first <= last + 1; to++) {
      const run = this.#runs[to]!;
      joined = { first: Math.min(joined.first, run.first), last: Math.max(joined.last, run.last) };
    }
    this.#runs.splice(from, to - from, joined);
  }

  delete(first: number, last = first): void {
    const from = this.#firstEndingAt(first);
    let to = from;
    const rest: Range[] = [];
    for (; to < this.#runs.length && this.#runs[to]!.first <= last; to++) {
      const run = this.#runs[to]!;
      if (run.first < first) rest.push({ first: run.first, last: first - 1 });
      if (run.last > last) rest.push({ first: last + 1, last: run.last });
    }
    this.#runs.splice(from, to - from, ...rest);
  }

  /** How many of the numbers lie above a bound. */
  countAbove(bound: number): number {
    let count = 0;
    for (let i = this.#firstEndingAt(bound + 1); i < this.#runs.length; i++) {
      const run = this.#runs[i]!;
      count += run.last - Math.max(run.first - 1, bound);
    }
    return count;
  }

  #firstEndingAt(number: number): number {
    let low = 0;
    let high = this.#runs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#runs[middle]!.last < number) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
