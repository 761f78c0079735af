/** Errors: RangeError when there is nothing to take it of. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('the median of nothing');
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Latencies by the millisecond; what is longer than the range counts as its end, and is told by `overflowed`. */
export class Histogram {
  overflowed = 0;
  total = 0;
  readonly #counts: Uint32Array;

  constructor(rangeMs: number) {
    this.#counts = new Uint32Array(rangeMs + 1);
  }

  add(ms: number): void {
    const last = this.#counts.length - 1;
    if (ms > last) this.overflowed += 1;
    this.#counts[Math.min(last, Math.max(0, Math.floor(ms)))]! += 1;
    this.total += 1;
  }

  /** The smallest latency that at least this share of all (0 to 1) did not exceed. Errors: RangeError when empty. */
  percentile(share: number): number {
    if (this.total === 0) throw new RangeError('a percentile of nothing');
    const wanted = Math.max(1, Math.ceil(share * this.total));
    let seen = 0;
    for (let ms = 0; ms < this.#counts.length; ms += 1) {
      seen += this.#counts[ms]!;
      if (seen >= wanted) return ms;
    }
    return this.#counts.length - 1;
  }
}
