import type { OutgoingRecord } from '#kafka';
import type { Clock } from '../clock.ts';
import type { Counters } from '../counters.ts';
import type { GlobalTable } from '../store/global.ts';
import type { Graph } from '../topology/graph.ts';
import type { DeadLetter, FailureHandler } from './dead-letter.ts';

/** What the tasks of an application have in common. */
export interface TaskEnvironment {
  readonly graph: Graph;
  readonly applicationId: string;
  readonly clock: Pick<Clock, 'now'>;
  readonly counters: Counters;
  readonly onFailure: FailureHandler;
  /** A dead letter as a record for the output. */
  deadLetter(letter: DeadLetter): OutgoingRecord;
  global<W>(table: GlobalTable<W>): W;
  /** As `IdlingOptions` has it. Absent: -1. */
  readonly maxTaskIdleMs?: number;
  /** Where its stores keep files. Absent: nowhere. */
  readonly state?: StateDirectory;
}

/** Where tasks may keep files, and whom they tell of trouble with them. */
export interface StateDirectory {
  readonly path: string;
  warn(fields: object, message: string): void;
}
