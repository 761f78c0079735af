import type { OperatorFunction } from 'rxjs';
import { counted } from '../counters.ts';
import { type StreamRecord, withValue } from '../record.ts';
import type { Change, Table } from '../table/change.ts';
import type { Lookup, TableSpec, Timed } from '../table/lookup.ts';
import { asTable, tableOf } from '../table/table.ts';
import { asStore, openState, storedTable, type TableStore } from '../table/table-store.ts';
import type { TaskScope } from '../task/scope.ts';
import { merge } from './merge.ts';
import { step } from './step.ts';

export interface JoinTablesOptions<K, O> {
  /** Absent: the result is worked out anew at each read. */
  readonly store?: TableStore<K, O>;
}

/**
 * Joins two tables under the same keys: a table that changes when either does. `join` must be a function of its arguments: it is
 * also asked for what was.
 *
 * `inner`: keys that both have. `left`: those of the left one; `outer`: those of either; null where the other has none.
 * Time: of a value, the later of the two it was made of. Of a versioned table only what is latest counts; the rest is dropped
 * and counted (`out-of-order`).
 */
export function joinTables<K, L, R, O>(
  right: Table<K, R>,
  options: JoinTablesOptions<K, O> & {
    readonly kind?: 'inner';
    readonly join: (left: L, right: R, key: K) => O;
  },
): OperatorFunction<StreamRecord<K, Change<L>>, StreamRecord<K, Change<O>>>;
export function joinTables<K, L, R, O>(
  right: Table<K, R>,
  options: JoinTablesOptions<K, O> & {
    readonly kind: 'left';
    readonly join: (left: L, right: R | null, key: K) => O;
  },
): OperatorFunction<StreamRecord<K, Change<L>>, StreamRecord<K, Change<O>>>;
export function joinTables<K, L, R, O>(
  right: Table<K, R>,
  options: JoinTablesOptions<K, O> & {
    readonly kind: 'outer';
    readonly join: (left: L | null, right: R | null, key: K) => O;
  },
): OperatorFunction<StreamRecord<K, Change<L>>, StreamRecord<K, Change<O>>>;
export function joinTables<K, L, R, O>(
  rightTable: Table<K, R>,
  options: JoinTablesOptions<K, O> & {
    readonly kind?: 'inner' | 'left' | 'outer';
    readonly join: (left: L & R, right: L & R, key: K) => O;
  },
): OperatorFunction<StreamRecord<K, Change<L>>, StreamRecord<K, Change<O>>> {
  const { kind = 'inner', store } = options;
  const join = options.join as (left: L | null, right: R | null, key: K) => O;
  const needs = { left: kind !== 'outer', right: kind === 'inner' };
  const result = (left: L | null, right: R | null, key: K): O | null =>
    (left === null && (needs.left || right === null)) || (right === null && needs.right)
      ? null
      : join(left, right, key);
  return leftTable => {
    const left = tableOf(leftTable, 'joinTables');
    const right = tableOf(rightTable, 'joinTables');
    const changes = merge(
      leftTable.pipe(
        halfJoin<K, L, R, O>({
          ...{ label: `joinTables ${kind}, left side`, other: right, needsOther: needs.right },
          result,
        }),
      ),
      rightTable.pipe(
        halfJoin<K, R, L, O>({
          ...{ label: `joinTables ${kind}, right side`, other: left, needsOther: needs.left },
          result: (mine, other, key) => result(other, mine, key),
        }),
      ),
    );
    if (store) return asTable(changes.pipe(keepResult(store)), storedTable(store));
    return asTable(changes, {
      stores: [...new Set([...left.stores, ...right.stores])],
      // What both held at a time is not what their join did: of late changes it was never told.
      ...{ isVersioned: false, key: left.key ?? right.key, value: null },
      open: scope => joined(left.open(scope), right.open(scope), result),
    });
  };
}

interface HalfJoin<K, M, T, O> {
  readonly label: string;
  readonly other: TableSpec<K, T>;
  readonly needsOther: boolean;
  readonly result: (mine: M | null, other: T | null, key: K) => O | null;
}

/** What a change of one side changes. */
function halfJoin<K, M, T, O>({
  label,
  other,
  needsOther,
  result,
}: HalfJoin<K, M, T, O>): OperatorFunction<StreamRecord<K, Change<M>>, StreamRecord<K, Change<O>>> {
  return step({ label, stores: other.stores }, (scope, emit) => {
    const others = other.open(scope);
    return {
      next(record) {
        const { key, value: change } = record;
        if (!isCurrent(record, scope)) return;
        const held = others.latest(key);
        if (held === null && (needsOther || (change.old === null && change.new === null))) return;
        const of = (mine: M | null) => result(mine, held ? held.value : null, key);
        const timestampMs = Math.max(record.timestampMs, held ? held.timestampMs : -1);
        emit({
          ...withValue(record, { old: of(change.old), new: of(change.new), isLatest: true }),
          timestampMs,
        });
      },
    };
  });
}

/** Whether a change is of what a table holds now; where not, it is counted. */
export function isCurrent(record: StreamRecord<unknown, Change<unknown>>, scope: TaskScope): boolean {
  if (record.value.isLatest) return true;
  scope.count(counted.dropped('out-of-order'));
  return false;
}

function keepResult<K, O>(
  store: TableStore<K, O>,
): OperatorFunction<StreamRecord<K, Change<O>>, StreamRecord<K, Change<O>>> {
  return step({ label: 'joinTables result', stores: [asStore(store)] }, (scope, emit) => {
    const state = openState(scope, store);
    return {
      next(record) {
        const { old, new: now } = record.value;
        scope.observe(record.timestampMs);
        const put = state.put(record.key, now, record.timestampMs);
        if (put === 'dropped') scope.count(counted.dropped('too-old'));
        else emit(withValue(record, { old, new: now, isLatest: put === 'latest' }));
      },
    };
  });
}

function joined<K, L, R, O>(
  left: Lookup<K, L>,
  right: Lookup<K, R>,
  result: (left: L | null, right: R | null, key: K) => O | null,
): Lookup<K, O> {
  const latest = (key: K): Timed<O> | null => {
    const one = left.latest(key);
    const two = right.latest(key);
    const value = result(one ? one.value : null, two ? two.value : null, key);
    if (value === null) return null;
    return { value, timestampMs: Math.max(one ? one.timestampMs : -1, two ? two.timestampMs : -1) };
  };
  return { latest, asOf: latest };
}
