/** A list that stays sorted; no two of it are equal. */
export class Sorted<T> {
  readonly #compare: (a: T, b: T) => number;
  readonly #all: T[];

  constructor(compare: (a: T, b: T) => number, all: Iterable<T> = []) {
    this.#compare = compare;
    this.#all = [...all].sort(compare);
  }

  get length(): number {
    return this.#all.length;
  }

  add(value: T): void {
    this.#all.splice(
      this.#at(each => this.#compare(each, value)),
      0,
      value,
    );
  }

  remove(value: T): void {
    const at = this.#at(each => this.#compare(each, value));
    if (this.#all[at] === value) this.#all.splice(at, 1);
  }

  /** From the first that is not before, up to the first that is beyond. `before` and `beyond` say less than 0 for what comes first. */
  between(before: (value: T) => number, beyond: (value: T) => number): readonly T[] {
    return this.#all.slice(this.#at(before), this.#at(beyond));
  }

  /** The last for which `place` says less than 0. */
  last(place: (value: T) => number): T | undefined {
    return this.#all[this.#at(place) - 1];
  }

  /** Index of the first for which `place` does not say less than 0. */
  #at(place: (value: T) => number): number {
    let low = 0;
    let high = this.#all.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (place(this.#all[middle]!) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
