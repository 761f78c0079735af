import type { Serde } from '#schemas';
import type { StoreSpec } from '../store/store.ts';
import type { TaskScope } from '../task/scope.ts';

/** A value with its event time. */
export interface Timed<V> {
  readonly value: V;
  readonly timestampMs: number;
}

/** What a table holds, in one task. */
export interface Lookup<K, V> {
  /** null: no value. */
  latest(key: K): Timed<V> | null;
  /** What it held at that time; where it keeps no history, what it holds now. */
  asOf(key: K, timeMs: number): Timed<V> | null;
}

/** How a table is read: from its store, or worked out from the stores of those it was made of. */
export interface TableSpec<K = unknown, V = unknown> {
  /** Whoever reads it must be where these are. */
  readonly stores: readonly StoreSpec[];
  /** Whether `asOf` means it. */
  readonly isVersioned: boolean;
  /** null: not known. */
  readonly key: Serde<K> | null;
  readonly value: Serde<V> | null;
  open(scope: TaskScope): Lookup<K, V>;
}
