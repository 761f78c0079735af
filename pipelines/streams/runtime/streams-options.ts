import type { LogClient } from '#kafka';
import type { Clock } from '../clock.ts';
import type { DeadLetterOptions, FailureHandler } from '../task/dead-letter.ts';
import type { Topology } from '../topology/topology.ts';
import type { RestoreProgress } from './restore-task.ts';

export interface StreamsOptions {
  readonly topology: Topology;
  /** Stays the caller's to close. */
  readonly client: LogClient;
  /** Names the group, the application's own topics and, under exactly-once, its transactions. */
  readonly applicationId: string;
  readonly deadLetters: DeadLetterOptions;
  /** Absent: at-least-once. */
  readonly guarantee?: 'at-least-once' | 'exactly-once';
  /** How long outputs and offsets may wait for a checkpoint. Absent: 100. */
  readonly commitIntervalMs?: number;
  /** Outputs that may wait to be sent; with more, processing waits. Absent: 20,000. */
  readonly maxBufferedOutputs?: number;
  /** How long processed records of repartition topics may stay there. Absent: 30,000. */
  readonly purgeIntervalMs?: number;
  /**
   * How long a task with several topics and records of some of them waits for those of the others, so that it can take them in the
   * order of time. 0: for what the broker is known to have; -1: not even for that. Absent: 0.
   */
  readonly maxTaskIdleMs?: number;
  /** How long a checkpoint is tried again before its tasks are rebuilt. Absent: 30,000. */
  readonly patienceMs?: number;
  /** How long after a member's last sign of life its partitions go to another. Absent: the log's. */
  readonly sessionTimeoutMs?: number;
  /**
   * Where stores on disk keep their files, `<stateDir>/<applicationId>/…`; a directory of this member's alone. Files that are lost
   * cost time only. Absent: there must be no such store.
   */
  readonly stateDir?: string;
  /**
   * How many other members keep a copy of each task's stores, so that one of them takes over at once; as far as there are so many
   * that ask for it. Absent: 0.
   */
  readonly standbys?: number;
  /** How far such copies are behind, about. Absent: 500. */
  readonly standbyIntervalMs?: number;
  /** Where this process answers queries, such as `host:port`: what `group()` tells the others. Absent: nowhere. */
  readonly endpoint?: string;
  /** Absent: the system's. */
  readonly clock?: Clock;
  /** 0 to below 1: how far apart processes try again that failed together. Absent: at random. */
  readonly spread?: () => number;
  /** Absent: what the catalogue says. */
  readonly onFailure?: FailureHandler;
  /** Before values are deserialised, so that serdes can look up what they do not know; undefined: nothing to wait for. */
  prepare?(values: Iterable<Buffer | null>): Promise<void> | undefined;
  onRestore?(progress: RestoreProgress): void;
  readonly logger?: StreamsLogger;
}

/** Where trouble is told. `warn`: nothing is lost. `error`: a human is needed. */
export interface StreamsLogger {
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
