/** Time as a topology sees it. Event time is in the records; this is the wall clock, which tests hold in their hands. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Resolves after that long, or early when the signal aborts. */
  sleep(durationMs: number, signal?: AbortSignal): Promise<void>;
}
