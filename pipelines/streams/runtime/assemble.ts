/** What runs an application, made of its options. */

import type { LogAdmin, LogProducer, TopicPartitionOffset } from '#kafka';
import type { Clock } from '../clock.ts';
import type { Counters } from '../counters.ts';
import { byCatalogue, deadLetterRecord } from '../task/dead-letter.ts';
import type { TaskEnvironment } from '../task/environment.ts';
import type { Globals } from '../task/globals.ts';
import type { Plan } from '../task/plan.ts';
import { atLeastOnce } from './at-least-once.ts';
import type { Committer } from './committer.ts';
import { exactlyOnce } from './exactly-once.ts';
import type { LaneOptions } from './lane.ts';
import { Purge } from './purge.ts';
import { RefusedOutputs } from './refused-outputs.ts';
import type { StreamsLogger, StreamsOptions } from './streams-options.ts';
import { TaskSet, type TaskSetOptions } from './task-set.ts';

export const defaultCommitIntervalMs = 100;
const defaultMaxBufferedOutputs = 20_000;
const defaultPurgeIntervalMs = 30_000;
const defaultStandbyIntervalMs = 500;

/** What it takes, and whom it tells. */
export interface Parts
  extends Pick<LaneOptions, 'onProgress' | 'onCommitted' | 'onFailed'>,
    Pick<TaskSetOptions, 'take' | 'prepare'> {
  readonly options: StreamsOptions;
  readonly plan: Plan;
  readonly admin: LogAdmin;
  readonly producer: LogProducer;
  readonly clock: Clock;
  readonly logger: StreamsLogger;
  readonly counters: Counters;
  readonly globals: Globals;
  /** Tries a step anew while that may help. */
  again<T>(step: () => Promise<T>): Promise<T>;
  commit(offsets: readonly TopicPartitionOffset[]): Promise<void>;
}

export function makeCommitter({ options, producer, counters, again, commit }: Parts): Committer {
  const { client, applicationId, deadLetters, guarantee, onFailure = byCatalogue } = options;
  const refused = new RefusedOutputs({ applicationId, onFailure, deadLetters, counters });
  if (guarantee === 'exactly-once') return exactlyOnce({ client, applicationId, refused });
  return atLeastOnce({ producer, refused, again, commit });
}

export function makeTaskSet(parts: Parts, committer: Committer): TaskSet {
  const { options, plan, admin, clock, logger, take, prepare, onProgress, onCommitted, onFailed } = parts;
  const { commitIntervalMs = defaultCommitIntervalMs, maxBufferedOutputs = defaultMaxBufferedOutputs } =
    options;
  const { client, onRestore, standbyIntervalMs = defaultStandbyIntervalMs } = options;
  return new TaskSet({
    ...{ client, plan, admin, committer, clock, logger, standbyIntervalMs, take, prepare },
    environment: environmentOf(parts),
    lane: { commitIntervalMs, maxBufferedOutputs, onProgress, onCommitted, onFailed },
    ...(onRestore && { onRestore }),
  });
}

export function makePurge({ options, plan, admin, clock, logger }: Parts): Purge {
  const topics = plan.internal.filter(({ cleanup }) => cleanup === 'delete').map(({ topic }) => topic);
  const { purgeIntervalMs: intervalMs = defaultPurgeIntervalMs } = options;
  return new Purge({ admin, clock, logger, topics: new Set(topics), intervalMs });
}

function environmentOf({ options, clock, counters, logger, globals }: Parts): TaskEnvironment {
  const { topology, applicationId, deadLetters, stateDir, onFailure = byCatalogue } = options;
  const { maxTaskIdleMs = 0 } = options;
  return {
    ...{ graph: topology.graph, applicationId, clock, counters, onFailure, maxTaskIdleMs },
    deadLetter: letter => deadLetterRecord(letter, deadLetters),
    global: table => globals.view(table),
    ...(stateDir !== undefined && {
      state: { path: stateDir, warn: (fields, message) => logger.warn(fields, message) },
    }),
  };
}
