import type { CapturedTopic } from '../captured-value.ts';

/** The fields of a record in one spelling. */
export interface KubeArmorRecord {
  readonly source: string;
  readonly processName: string;
  readonly parentProcessName: string;
  readonly resource: string;
  /** Of `Data` and, for network, `Resource`: keys and values in lower case but for those of paths. */
  readonly data: Readonly<Record<string, string>>;
  /** Of the call, in lower case. */
  readonly result: string;
  /** Without `SYS_`, in lower case. */
  readonly syscall: string;
}

/** What happened, without whose it is. */
export interface Happened {
  readonly topic: CapturedTopic;
  readonly [what: string]: unknown;
}

/** Text: why it is no event. */
export type Happening = Happened | string;
