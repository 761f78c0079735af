/** What an enforcer is told when it is made. */

import type { SluiceError } from '#errors';
import type { LogClient } from '#kafka';
import type { RecordTopicName, Serdes } from '#schemas';

export interface EnforcerLog {
  info(facts: object, text: string): void;
  warn(facts: object, text: string): void;
  error(facts: object, text: string): void;
}

export interface EnforcerOptions {
  readonly tenant: string;
  readonly cluster: string;
  readonly node: string;
  readonly version: string;
  readonly loaderCommand: readonly [string, ...string[]];
  readonly cgroupRoot: string;
  readonly standaloneContainers: boolean;
  readonly canaryNode: boolean;
  readonly reportAllowed: boolean;
  readonly spoolBytes: number;
  readonly flushMs: number;
  readonly healthMs: number;
  readonly rescanMs: number;
  readonly client: LogClient;
  /** Rejects while the registry cannot be reached; called again then. */
  readonly openSerdes: () => Promise<Serdes>;
  readonly log: EnforcerLog;
  /** It cannot go on here; what is pinned stays in force. */
  readonly onFailed: (error: SluiceError) => void;
  readonly now?: () => number;
}

/** The topics whose records the enforcer reads or writes. */
export const enforcerTopics = [
  'events.process.v1',
  'events.file.v1',
  'events.network.v1',
  'events.syscall.v1',
  'alerts.v1',
  'entities.v1',
  'policies.v1',
  'policy-status.v1',
  'agents.health.v1',
  'dead-letters.v1',
] as const satisfies readonly RecordTopicName[];
