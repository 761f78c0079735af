/** Numbers that look random and are the same for the same seed. */

export class Seeded {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** Another sequence, which depends on the seed and the name alone: what one part draws changes no other part. */
  static of(seed: number, name: string): Seeded {
    let state = seed | 0;
    for (let i = 0; i < name.length; i++) state = Math.imul(state ^ name.charCodeAt(i), 0x01000193);
    return new Seeded(state);
  }

  /** From 0 to 1, without 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** An integer from 0, without `below`. */
  integer(below: number): number {
    return Math.floor(this.next() * below);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(of: readonly T[]): T {
    if (of.length === 0) throw new RangeError('nothing to pick from');
    return of[this.integer(of.length)]!;
  }

  /** An index from 0, the k-th as often as 1 / (k + 1)^exponent says. */
  zipf(count: number, exponent: number): number {
    const sums = zipfSums(count, exponent);
    const wanted = this.next() * sums[count - 1]!;
    let [low, high] = [0, count - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle]! > wanted) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  digits(count: number, alphabet = '0123456789abcdef'): string {
    return Array.from({ length: count }, () => alphabet[this.integer(alphabet.length)]).join('');
  }
}

/** What the shares of `zipf` add up to. */
export function zipfTotal(count: number, exponent: number): number {
  return zipfSums(count, exponent)[count - 1] ?? 0;
}

const known = new Map<string, readonly number[]>();

function zipfSums(count: number, exponent: number): readonly number[] {
  const key = `${count} ${exponent}`;
  let sums = known.get(key);
  if (!sums) {
    let total = 0;
    sums = Array.from({ length: count }, (_, i) => {
      total += (i + 1) ** -exponent;
      return total;
    });
    known.set(key, sums);
  }
  return sums;
}
