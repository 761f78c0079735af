import type { ConsumerOptions } from './port.ts';

/** The times that a consumer goes by. */
export interface ConsumerTimes {
  /** After so long without a heartbeat the group gives its partitions to others. */
  readonly sessionTimeoutMs: number;
  /** Longest wait of a fetch for new records. */
  readonly maxWaitMs: number;
  readonly heartbeatMs: number;
  /** How long the group waits for a member that must give up its partitions first. */
  readonly rebalanceTimeoutMs: number;
  /** A consumer that does nothing of its own accord for so long has stopped. */
  readonly stallMs: number;
}

const defaultSessionTimeoutMs = 30_000;
const defaultMaxWaitMs = 500;
const heartbeatMs = 1_000;
const rebalanceTimeoutMs = 60_000;

/** A fetch that got lost is not mistaken for a stop before a session could have ended twice. */
export function timesOf(options: ConsumerOptions, stallMs?: number): ConsumerTimes {
  const { sessionTimeoutMs = defaultSessionTimeoutMs, maxWaitMs = defaultMaxWaitMs } = options;
  return {
    sessionTimeoutMs,
    maxWaitMs,
    heartbeatMs: Math.min(heartbeatMs, sessionTimeoutMs / 3),
    rebalanceTimeoutMs: Math.max(rebalanceTimeoutMs, sessionTimeoutMs),
    stallMs: stallMs ?? 2 * sessionTimeoutMs + maxWaitMs,
  };
}
