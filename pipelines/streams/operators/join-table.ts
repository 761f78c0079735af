import type { OperatorFunction } from 'rxjs';
import type { Serde } from '#schemas';
import { counted } from '../counters.ts';
import { type StreamRecord, withValue } from '../record.ts';
import type { StoreSpec } from '../store/store.ts';
import type { Table } from '../table/change.ts';
import type { Lookup } from '../table/lookup.ts';
import { tableOf } from '../table/table.ts';
import type { TaskScope } from '../task/scope.ts';
import { invalid } from '../topology/graph.ts';
import { streamOf } from '../topology/stream.ts';
import { isKeyed } from './aggregate.ts';
import { heldStore } from './join-held.ts';
import { keyedStep } from './keyed-step.ts';
import type { RepartitionOptions } from './repartition.ts';

export interface JoinTableOptions<K, V> {
  /** How records are written where their key changed, so that they meet the table. */
  readonly repartition?: RepartitionOptions<K, V>;
  /**
   * With a versioned table: records wait this long, by the time of those that wait, so that versions which come late are seen. One that comes
   * later than that is joined at once. Absent: all are.
   */
  readonly wait?: WaitOptions<K, V>;
}

export interface WaitOptions<K, V> {
  readonly graceMs: number;
  /** Of its store. */
  readonly name: string;
  readonly key: Serde<K>;
  readonly value: Serde<V>;
  readonly changelog?: boolean;
}

/**
 * Joins each record with what a table holds under its key: of a versioned table at the record's time, else now. The table's
 * changes cause nothing.
 *
 * `inner`: a record without a match goes nowhere. `left`: it is joined with null, also one without key.
 * A record without value is dropped and counted (`null-value`), where `inner` also one without key (`null-key`).
 * Time: that of the record.
 */
export function joinTable<K, V, T, O>(
  table: Table<K, T>,
  options: JoinTableOptions<K, V> & {
    readonly kind?: 'inner';
    readonly join: (value: V, held: T, key: K) => O;
  },
): OperatorFunction<StreamRecord<K, V>, StreamRecord<K, O>>;
export function joinTable<K, V, T, O>(
  table: Table<K, T>,
  options: JoinTableOptions<K, V> & {
    readonly kind: 'left';
    readonly join: (value: V, held: T | null, key: K) => O;
  },
): OperatorFunction<StreamRecord<K, V>, StreamRecord<K, O>>;
export function joinTable<K, V, T, O>(
  table: Table<K, T>,
  options: JoinTableOptions<K, V> & {
    readonly kind?: 'inner' | 'left';
    readonly join: (value: V, held: T & null, key: K) => O;
  },
): OperatorFunction<StreamRecord<K, V>, StreamRecord<K, O>> {
  const { kind = 'inner', repartition, wait } = options;
  const join = options.join as (value: V, held: T | null, key: K) => O;
  const isLeft = kind === 'left';
  return source => {
    const spec = tableOf(table, 'joinTable');
    const { graph } = streamOf(source, 'joinTable');
    if (streamOf(table, 'joinTable').graph !== graph)
      throw invalid(
        graph.name,
        'joinTable() was given a table of another topology: topologies meet in topics',
      );
    if (wait && !spec.isVersioned)
      throw invalid(
        graph.name,
        `joinTable: only a versioned table says what it held when a record's time is past: give the table a versionedStore, or leave out \`wait\``,
      );
    const waiting = wait && heldStore<K, V>({ changelog: true, ...wait });
    return keyedStep<StreamRecord<K, V>, StreamRecord<K, O>>(
      {
        label: `joinTable ${kind}`,
        stores: [...spec.stores, ...(waiting ? [waiting as unknown as StoreSpec] : [])],
        repartition: repartition && throughTopic(repartition, isLeft),
        // Those that waited have another key than the one that ended it.
        ...(waiting && { keys: 'kept' }),
      },
      (scope, emit, self) => {
        const meet = joining(spec.open(scope), { isLeft, join, emit });
        const held = waiting && scope.store(waiting);
        const input = { ...self, keys: self.parents[0]!.keys };
        return {
          next(record) {
            if (
              !mayJoin(record, { isLeft, scope }) ||
              (record.key !== null && !isKeyed(record, scope, input))
            )
              return;
            if (!held || record.key === null || !held.add(record)) meet(record);
            else for (const each of held.release()) meet(each);
          },
        };
      },
    )(source);
  };
}

/** Where all records are kept, so are those without a key. */
function throughTopic<K, V>(
  options: RepartitionOptions<K, V>,
  isLeft: boolean,
): RepartitionOptions<unknown, unknown> {
  return {
    ...(options as unknown as RepartitionOptions<unknown, unknown>),
    ...(isLeft && { nullKeys: 'keep' }),
  };
}

/** Whether a record is joined at all; where not, it is counted. */
function mayJoin(
  { key, value }: StreamRecord<unknown, unknown>,
  { isLeft, scope }: { readonly isLeft: boolean; readonly scope: TaskScope },
): boolean {
  if (value !== null && (key !== null || isLeft)) return true;
  scope.count(counted.dropped(value === null ? 'null-value' : 'null-key'));
  return false;
}

function joining<K, V, T, O>(
  table: Lookup<K, T>,
  {
    isLeft,
    join,
    emit,
  }: {
    readonly isLeft: boolean;
    readonly join: (value: V, held: T | null, key: K) => O;
    readonly emit: (record: StreamRecord<K, O>) => void;
  },
): (record: StreamRecord<K, V>) => void {
  return record => {
    const { key, value, timestampMs } = record;
    const held = key === null ? null : table.asOf(key, timestampMs);
    if (held || isLeft) emit(withValue(record, join(value, held ? held.value : null, key)));
  };
}
