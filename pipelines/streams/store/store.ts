import { SluiceError } from '#errors';
import type { LogRecord, OutgoingRecord } from '#kafka';
import { isTopicPart } from '../topology/topic-ref.ts';
import type { DiskPlace, StoreDisk } from './disk.ts';

/** A store as a topology names it; the same object wherever it is shared. `S` is what steps get. */
export interface StoreSpec<S = unknown> {
  /** Part of the changelog's name: `<application>-<name>-changelog`. */
  readonly name: string;
  /** Whether its changes are written to a topic; without, it is empty after a restart. */
  readonly changelog: boolean;
  open(environment: StoreEnvironment): OpenStore<S>;
}

/**
 * What a store is kept in. `memory`: the fastest. `disk`: where there is more state than memory, or restoring it takes too long;
 * the process needs a `stateDir`.
 */
export type Engine = 'memory' | 'disk';

/** A spec where its types do not matter. */
export type AnyStore = Pick<StoreSpec, 'name' | 'changelog'>;

/** What a store may know of its task. */
export interface StoreEnvironment {
  /** -1 before the first record. */
  streamTimeMs(): number;
  /** Where this store may keep files. Absent: nowhere. */
  readonly disk?: DiskPlace;
}

/** A store of one task. */
export interface OpenStore<S = unknown> {
  readonly store: S;
  /** null when it has none. */
  readonly changelog: Changelog | null;
  /** Where it keeps files: these are recovered before anything else, also of a store without a changelog. */
  readonly disk?: StoreDisk;
  /** What it counts and weighs, by name. */
  metrics?(): Readonly<Record<string, number>>;
  /**
   * Gives up what its retention has ended for, in the changelog too. Called before a checkpoint takes the changes: what a store
   * answers must not depend on it.
   */
  expire?(): void;
}

/** The side of a store that faces its topic. */
export interface Changelog {
  /**
   * The changes since the last call as records of the changelog, each changed key once, with the value it has now; a deleted one
   * is a tombstone. `timestampMs` is for entries that have no time of their own.
   */
  drain(topic: string, partition: number, timestampMs: number): OutgoingRecord[];
  /** Takes a record of the changelog over. Errors: STORE_CORRUPT. */
  restore(record: LogRecord): void;
  /** A record that does not count: its key is written again at the next checkpoint, as it should read. */
  rewrite(record: LogRecord): void;
}

/** Errors: CONFIG_INVALID for a name that cannot be part of a topic's. */
export function checkStoreName(name: string): void {
  if (!isTopicPart(name))
    throw new SluiceError(
      'CONFIG_INVALID',
      `store "${name}": a name has letters, digits, dot, dash and underscore only`,
    );
}
