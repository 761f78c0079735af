import type { DiskKey } from './disk-rows.ts';
import type { Identity } from './identity.ts';

/** An entry of a store on disk that is in memory. */
export interface DiskEntry<K, V> extends DiskKey {
  readonly id: Identity;
  readonly of: K;
  /** undefined: it is deleted. */
  value: V | undefined;
  timestampMs: number;
  /** What it takes in memory, roughly. */
  bytes: number;
  /** Changed since the last freeze. */
  isDirty: boolean;
  /** How many frozen states of it are not written. */
  waiting: number;
  /** Checksum of its row; null: there is none. */
  row: number | null;
  /** Neighbours among those used last. */
  newer: DiskEntry<K, V> | null;
  older: DiskEntry<K, V> | null;
}

/** An entry as it was. */
export interface FrozenEntry<K, V> {
  readonly entry: DiskEntry<K, V>;
  /** null: it was deleted. */
  readonly value: Buffer | null;
  readonly timestampMs: number;
  readonly bytes: number;
}

/** Whether memory knows better than the files. */
export const isPinned = ({ isDirty, waiting }: DiskEntry<unknown, unknown>): boolean =>
  isDirty || waiting > 0;

export const byKey = (a: DiskKey, b: DiskKey): number => Buffer.compare(a.key, b.key) || a.timeMs - b.timeMs;

export const byTime = (a: DiskKey, b: DiskKey): number => a.timeMs - b.timeMs || Buffer.compare(a.key, b.key);
