const bucketCount = 23;
/** Upper bounds, both for milliseconds and as they are counted: 1, 2, 4, … ms, up to 70 minutes. */
export const latencyBoundsMs: readonly number[] = Array.from({ length: bucketCount }, (_, i) => 2 ** i);

const longestMs = 2 ** (bucketCount - 1);

export interface LatencyFigures {
  readonly count: number;
  readonly sumMs: number;
  readonly maxMs: number;
  /** By the bounds, each what is within its own bound and over the one before; a last one for what is over all. */
  readonly buckets: readonly number[];
}

/** A histogram that costs two instructions an entry: the bound is found from the number of leading zeros. */
export class Latency {
  #count = 0;
  #sumMs = 0;
  #maxMs = 0;
  readonly #buckets: number[] = new Array(bucketCount + 1).fill(0);

  /** Below 0 (a clock that lags behind another's) counts as 0. */
  add(ms: number): void {
    const at = ms <= 1 ? 0 : ms > longestMs ? bucketCount : 32 - Math.clz32(Math.ceil(ms) - 1);
    this.#buckets[at]! += 1;
    this.#count += 1;
    if (ms <= 0) return;
    this.#sumMs += ms;
    if (ms > this.#maxMs) this.#maxMs = ms;
  }

  figures(): LatencyFigures {
    return { count: this.#count, sumMs: this.#sumMs, maxMs: this.#maxMs, buckets: [...this.#buckets] };
  }
}
