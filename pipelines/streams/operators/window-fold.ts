/** What the kinds of windows share: which records they take, what becomes of those that are late, where their changes go. */

import type { Serde } from '#schemas';
import { counted } from '../counters.ts';
import type { StreamRecord } from '../record.ts';
import type { Timeline } from '../store/timeline.ts';
import type { WindowSpec } from '../store/window-store.ts';
import type { TaskScope } from '../task/scope.ts';
import type { GraphNode } from '../topology/node.ts';
import type { Windowed } from '../windows/windowed.ts';
import type { Windows } from '../windows/windows.ts';
import { isKeyed } from './aggregate.ts';

export interface FoldRules<K, V, A> {
  readonly initial: (key: K) => A;
  readonly add: (value: A, record: StreamRecord<K, V>) => A | null;
  /** Of the store. */
  readonly value: Serde<A>;
}

/** A window that changed. */
export interface WindowChange<A> {
  readonly startMs: number;
  readonly endMs: number;
  readonly value: A | null;
  readonly timestampMs: number;
  /** It had no value before. */
  readonly isNew: boolean;
}

export type WindowEmit = 'each' | 'checkpoint' | 'final';

export interface WindowOutputOptions<K, A> {
  readonly windows: Windows;
  readonly spec: WindowSpec<K, A>;
  readonly store: Timeline<K, A>;
  readonly scope: TaskScope;
  readonly when: WindowEmit;
  readonly cacheMaxBytes: number;
  readonly emit: (record: StreamRecord<Windowed<K>, A | null>) => void;
}

/** Where changes of windows go. */
export interface WindowOutput<K, A> {
  changed(cause: StreamRecord<K, unknown>, change: WindowChange<A>): void;
  /** A record was dealt with, whatever came of it. */
  done(cause: StreamRecord<K, unknown>): void;
  /** At a checkpoint. */
  settle(): void;
}

export interface FoldPlace<K, A> {
  readonly scope: TaskScope;
  readonly node: GraphNode;
  readonly store: Timeline<K, A>;
  readonly output: WindowOutput<K, A>;
}

/** Made once per task: takes a record into its windows. */
export type WindowFold<K, V, A> = (place: FoldPlace<K, A>) => (record: StreamRecord<K, V>) => void;

/** Whether the record can be in a window. Throws as `isKeyed`. */
export function isTimely(record: StreamRecord<unknown, unknown>, scope: TaskScope, node: GraphNode): boolean {
  if (!isKeyed(record, scope, node)) return false;
  if (record.timestampMs >= 0) {
    scope.observe(record.timestampMs);
    return true;
  }
  scope.count(counted.dropped('no-time'));
  return false;
}

/** A value of its own: `add` may change the one it is given, and two windows must not share it. */
export function copied<A>(value: A, serde: Serde<A>): A {
  return typeof value === 'object' && value !== null ? serde.deserialize(serde.serialize(value)) : value;
}
