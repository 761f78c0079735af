const sampleMs = 30_000;

/** Of the last half minute to minute. */
export interface RecentFigures {
  readonly perSecond: number;
  /** Of one; 0 when there was none. */
  readonly averageMs: number;
  readonly maxMs: number;
}

class Sample {
  readonly startMs: number;
  count = 0;
  totalMs = 0;
  maxMs = 0;

  constructor(startMs: number) {
    this.startMs = startMs;
  }
}

/** How often something was done lately and how long it took: two samples of half a minute, as Kafka's metrics keep. */
export class Recent {
  #sample: Sample | null = null;
  #before: Sample | null = null;

  /** So many were done in so long, by now. */
  add(nowMs: number, count: number, tookMs: number): void {
    let sample = this.#sample;
    if (sample === null || nowMs - sample.startMs >= sampleMs) sample = this.#next(nowMs, tookMs);
    sample.count += count;
    sample.totalMs += tookMs;
    const eachMs = tookMs / count;
    if (eachMs > sample.maxMs) sample.maxMs = eachMs;
  }

  figures(nowMs: number): RecentFigures {
    const samples = [this.#before, this.#sample].filter(
      sample => sample !== null && nowMs - sample.startMs < 2 * sampleMs,
    ) as Sample[];
    const first = samples[0];
    if (!first) return { perSecond: 0, averageMs: 0, maxMs: 0 };
    const count = samples.reduce((sum, sample) => sum + sample.count, 0);
    const totalMs = samples.reduce((sum, sample) => sum + sample.totalMs, 0);
    return {
      // What has just begun does not pass for a rate.
      perSecond: (count * 1000) / Math.max(1_000, nowMs - first.startMs),
      averageMs: count === 0 ? 0 : totalMs / count,
      maxMs: Math.max(...samples.map(sample => sample.maxMs)),
    };
  }

  #next(nowMs: number, tookMs: number): Sample {
    this.#before = this.#sample;
    this.#sample = new Sample(nowMs - tookMs);
    return this.#sample;
  }
}
