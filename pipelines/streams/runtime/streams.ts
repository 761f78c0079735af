import type { GroupView } from '#kafka';
import type { Topology } from '../topology/topology.ts';
import type { PartitionLag, StreamsMetrics } from './metrics.ts';

/**
 * created → starting → running ⇄ restarting → closing → closed; from starting, running and restarting also → failed.
 *
 * starting: until the first assignment is restored. running: through rebalances too. restarting: the membership ended in an error
 * that another one may mend, and tasks are rebuilt from the log. closed and failed are the end. Paused is none of them.
 */
export type StreamsState =
  | 'created'
  | 'starting'
  | 'running'
  | 'restarting'
  | 'closing'
  | 'closed'
  | 'failed';

export interface Streams {
  /**
   * Creates the application's topics, fills global tables, joins the group. Resolves when records can flow.
   * Errors: TOPIC_UNKNOWN, CONFIG_INVALID, the log's; then everything is closed again.
   */
  start(): Promise<void>;
  /** A last checkpoint, then the end; what was not committed is processed again by the next start. Idempotent. */
  close(): Promise<void>;
  readonly state: StreamsState;
  /**
   * Nothing is processed, and no punctuation runs, until `resume`, also after a rebalance or a restart of the membership. What was
   * processed is committed; the membership, copies and global tables go on.
   */
  pause(): void;
  resume(): void;
  readonly isPaused: boolean;
  readonly topology: Topology;
  readonly applicationId: string;
  /** What this process offers of a store's partition, to read from between two records; null when it has none of it. */
  store(name: string, partition: number): unknown;
  /** `active`: it is processed here. `standby`: a copy, or what was processed here until the rebalance that is under way. */
  roleOf(store: string, partition: number): 'active' | 'standby' | null;
  /** How many partitions a store has; null before the start, and for a name that is none. */
  partitionsOf(store: string): number | null;
  /** The group as the last assignment made it; null before the first. */
  group(): GroupView | null;
  /** Where this process answers queries, as the option `endpoint`; told to the others from the next joining on. */
  advertise(endpoint: string): void;
  /** Resolves at the end, rejects with what ended it otherwise: whoever starts this must look at it. */
  readonly finished: Promise<void>;
  metrics(): StreamsMetrics;
  /** By partition held. */
  lag(): readonly PartitionLag[];
}
