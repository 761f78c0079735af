/**
 * A join of two tables where the rows of the left one say which row of the right one they refer to.
 *
 * Owns: what is asked and answered between their tasks. Does not own: the shapes of that (foreign-subscription.ts), who refers
 * to what (foreign-subscribers.ts).
 *
 * Invariants:
 * F1 Each change of a left row sends its new foreign key a subscription and takes the old one's away; each change of a right row
 *    answers all its subscribers.
 * F2 An answer counts only if it was given for the left row as it is now: those of before, which may come later, are dropped.
 * F3 Each change of a left row has an answer of its own, if only that there is nothing: the one before may be dropped for it.
 *    Kafka Streams leaves that out where it expects nothing new, and then keeps a result that is none any more.
 */

import type { OperatorFunction } from 'rxjs';
import type { Serde } from '#schemas';
import { counted } from '../counters.ts';
import { type StreamRecord, withValue } from '../record.ts';
import type { StoreSpec } from '../store/store.ts';
import type { Change, Table } from '../table/change.ts';
import type { TableSpec } from '../table/lookup.ts';
import { asTable, tableOf } from '../table/table.ts';
import { asStore, keep, openState, storedTable, type TableStore } from '../table/table-store.ts';
import { type Graph, invalid } from '../topology/graph.ts';
import { streamOf } from '../topology/stream.ts';
import type { RepartitionRef } from '../topology/topic-ref.ts';
import { sourceStream } from '../topology/topology.ts';
import { type Subscribers, subscribersStore } from './foreign-subscribers.ts';
import {
  type Answer,
  type Ask,
  answerSerde,
  rowHash,
  type Subscription,
  subscriptionSerde,
} from './foreign-subscription.ts';
import { isCurrent } from './join-tables.ts';
import { merge } from './merge.ts';
import { step } from './step.ts';
import { sink } from './to.ts';

export interface JoinForeignKeyOptions<K, L, F, O> {
  /** Part of the names of its topics: `<application>-<name>-subscription-repartition`, `…-<name>-answer-repartition`; and of a store. */
  readonly name: string;
  /** The right table's key that a left row refers to; null: none. Must be a function of its arguments. */
  readonly select: (left: L, key: K) => F | null;
  /** Of the result. */
  readonly store: TableStore<K, O>;
  readonly changelog?: boolean;
}

/**
 * Joins each row of a table with the row of another that it refers to; the result has the left table's keys.
 *
 * `inner`: rows that refer to one that is there; one that refers to none is counted (`null-foreign-key`). `left`: all; null where
 * there is none.
 * The tables may have different numbers of partitions. Their tasks speak through two topics of the application: a change of either
 * shows a little later. Time: the later of the two rows when the left one changes, that of the right one when that does.
 * Of a versioned table only what is latest counts; the rest is dropped and counted (`out-of-order`).
 * Errors: CONFIG_INVALID where the serdes of a table's values are not known: give `mapTable` or `joinTables` a store.
 */
export function joinForeignKey<K, L, F, R, O>(
  right: Table<F, R>,
  options: JoinForeignKeyOptions<K, L, F, O> & {
    readonly kind?: 'inner';
    readonly join: (left: L, right: R, key: K) => O;
  },
): OperatorFunction<StreamRecord<K, Change<L>>, StreamRecord<K, Change<O>>>;
export function joinForeignKey<K, L, F, R, O>(
  right: Table<F, R>,
  options: JoinForeignKeyOptions<K, L, F, O> & {
    readonly kind: 'left';
    readonly join: (left: L, right: R | null, key: K) => O;
  },
): OperatorFunction<StreamRecord<K, Change<L>>, StreamRecord<K, Change<O>>>;
export function joinForeignKey<K, L, F, R, O>(
  rightTable: Table<F, R>,
  options: JoinForeignKeyOptions<K, L, F, O> & {
    readonly kind?: 'inner' | 'left';
    readonly join: (left: L, right: R & null, key: K) => O;
  },
): OperatorFunction<StreamRecord<K, Change<L>>, StreamRecord<K, Change<O>>> {
  const { name, select, store, kind = 'inner', changelog = true } = options;
  return leftTable => {
    const { graph } = streamOf(leftTable, 'joinForeignKey');
    const left = tableOf<K, L>(leftTable, 'joinForeignKey');
    const right = tableOf<F, R>(rightTable, 'joinForeignKey');
    const serdes = {
      ...{ key: known(left.key, graph, name), foreignKey: known(right.key, graph, name) },
      ...{ left: known(left.value, graph, name), right: known(right.value, graph, name) },
    };
    const link: Link<K, L, F, R> = {
      ...{ kind, select, left, right, serdes },
      subscriptions: { repartition: `${name}-subscription` },
      answers: { repartition: `${name}-answer` },
      subscribers: subscribersStore<K, F>({ ...serdes, name: `${name}-subscribers`, changelog }),
    };
    const toAnswers = sink<K, Addressed<R>>(link.answers, {
      ...{ key: serdes.key, value: answerSerde(serdes.right) as Serde<Addressed<R>> },
      partition: ({ value }) => value!.partition,
    });
    const subscription = { key: serdes.foreignKey, value: subscriptionSerde(serdes.key) };
    leftTable.pipe(subscribe(link), sink(link.subscriptions, subscription));
    leftTable.pipe(answerOneself(link), toAnswers);
    const subscriptions = sourceStream(graph, link.subscriptions, subscription);
    merge(rightTable.pipe(answerAll(link)), subscriptions.pipe(answerOne(link))).pipe(toAnswers);
    const answers = sourceStream(graph, link.answers, {
      ...{ key: serdes.key, value: answerSerde(serdes.right) },
    });
    const join = options.join as (left: L, right: R | null, key: K) => O;
    return asTable(answers.pipe(resolve(link, store, join)), storedTable(store));
  };
}

interface Link<K, L, F, R> {
  readonly kind: 'inner' | 'left';
  readonly select: (left: L, key: K) => F | null;
  readonly left: TableSpec<K, L>;
  readonly right: TableSpec<F, R>;
  readonly serdes: {
    readonly key: Serde<K>;
    readonly foreignKey: Serde<F>;
    readonly left: Serde<L>;
    readonly right: Serde<R>;
  };
  readonly subscriptions: RepartitionRef;
  readonly answers: RepartitionRef;
  readonly subscribers: StoreSpec<Subscribers<K, F>>;
}

/** An answer, with the partition of the left table that it is for. */
type Addressed<R> = Answer<R> & { readonly partition: number };

/** The left table's changes as subscriptions, to the tasks of the right one. */
function subscribe<K, L, F, R>({ kind, select, serdes }: Link<K, L, F, R>) {
  const spec = { label: `joinForeignKey ${kind}, subscription`, keys: 'changed' as const };
  return step<StreamRecord<K, Change<L>>, StreamRecord<F, Subscription<K>>>(spec, (scope, emit) => ({
    next(record) {
      if (!isCurrent(record, scope)) return;
      const { key, value: change } = record;
      const before = change.old === null ? null : select(change.old, key);
      const after = change.new === null ? null : select(change.new, key);
      if (after === null && change.new !== null && kind === 'inner')
        scope.count(counted.dropped('null-foreign-key'));
      const of = rowHash(change.new, serdes.left);
      const send = (to: F, ask: Ask) =>
        emit({ ...record, key: to, value: { key, ask, partition: scope.partition, rowHash: of } });
      const stays = before !== null && after !== null && isEqual(before, after, serdes.foreignKey);
      if (before !== null && !stays)
        send(before, kind === 'left' || after !== null ? 'leave' : 'leave-answer');
      // Nothing is news to an inner join when a row refers to another one than before.
      if (after !== null)
        send(after, kind === 'left' || (before !== null && !stays) ? 'answer' : 'answer-quietly');
    },
  }));
}

/** A left row that refers to nothing needs no other task's word; unless an inner join is told by the row it referred to. */
function answerOneself<K, L, F, R>({ kind, select, serdes }: Link<K, L, F, R>) {
  const spec = { label: `joinForeignKey ${kind}, no foreign key` };
  return step<StreamRecord<K, Change<L>>, StreamRecord<K, Addressed<R>>>(spec, (scope, emit) => ({
    next(record) {
      const { key, value: change } = record;
      if (!change.isLatest || (change.old === null && change.new === null)) return;
      const refers = (row: L | null) => row !== null && select(row, key) !== null;
      if (refers(change.new) || (kind === 'inner' && refers(change.old))) return;
      const of = { rowHash: rowHash(change.new, serdes.left), partition: scope.partition };
      emit(withValue(record, { ...of, value: null, isQuiet: kind === 'inner' }));
    },
  }));
}

/** The right table's changes, to all who refer to them. */
function answerAll<K, L, F, R>({ kind, subscribers }: Link<K, L, F, R>) {
  const spec = {
    label: `joinForeignKey ${kind}, change of a foreign row`,
    ...{ stores: [asStore(subscribers)], keys: 'changed' as const },
  };
  return step<StreamRecord<F, Change<R>>, StreamRecord<K, Addressed<R>>>(spec, (scope, emit) => {
    const all = scope.store(subscribers);
    return {
      next(record) {
        if (!isCurrent(record, scope)) return;
        const { key: foreignKey, value: change } = record;
        for (const { key, ...of } of all.of(foreignKey))
          emit({ ...record, key, value: { ...of, value: change.new, isQuiet: false } });
      },
    };
  });
}

/** Subscriptions, as they come to the right table. */
function answerOne<K, L, F, R>({ kind, right, subscribers }: Link<K, L, F, R>) {
  const spec = {
    label: `joinForeignKey ${kind}, subscription`,
    ...{ stores: [...right.stores, asStore(subscribers)], keys: 'changed' as const },
  };
  return step<StreamRecord<F, Subscription<K>>, StreamRecord<K, Addressed<R>>>(spec, (scope, emit) => {
    const all = scope.store(subscribers);
    const table = right.open(scope);
    return {
      next(record) {
        const { key: foreignKey, value: subscription } = record;
        const { ask, key, partition, rowHash: of } = subscription;
        const leaves = ask === 'leave' || ask === 'leave-answer';
        if (leaves) all.remove(foreignKey, key);
        else all.add(foreignKey, subscription, record.timestampMs);
        if (ask === 'leave') return;
        const held = table.latest(foreignKey);
        const value = held && !leaves ? held.value : null;
        const timestampMs = Math.max(record.timestampMs, held ? held.timestampMs : -1);
        const isQuiet = ask === 'answer-quietly';
        emit({ ...record, key, timestampMs, value: { partition, rowHash: of, value, isQuiet } });
      },
    };
  });
}

/** Answers, back at the left table, as changes of the result. */
function resolve<K, L, F, R, O>(
  { kind, left, serdes }: Link<K, L, F, R>,
  store: TableStore<K, O>,
  join: (left: L, right: R | null, key: K) => O,
) {
  const spec = { label: `joinForeignKey ${kind}, answer`, stores: [...left.stores, asStore(store)] };
  return step<StreamRecord<K, Answer<R>>, StreamRecord<K, Change<O>>>(spec, (scope, emit) => {
    const rows = left.open(scope);
    const state = openState(scope, store);
    return {
      next(record) {
        const { key, value: answered } = record;
        const row = rows.latest(key)?.value ?? null;
        if (!rowHash(row, serdes.left).equals(answered.rowHash)) {
          scope.count(counted.dropped('stale-answer'));
          return;
        }
        const isNone = row === null || (answered.value === null && kind === 'inner');
        if (isNone && answered.isQuiet && !state.latest(key)) return;
        keep(state, withValue(record, isNone ? null : join(row, answered.value, key)), { scope, emit });
      },
    };
  });
}

const isEqual = <F>(one: F, two: F, serde: Serde<F>) => serde.serialize(one).equals(serde.serialize(two));

function known<T>(serde: Serde<T> | null, graph: Graph, name: string): Serde<T> {
  if (serde) return serde;
  throw invalid(
    graph.name,
    `join ${name} sends rows through topics and does not know how: give the mapTable() or joinTables() before it a store`,
  );
}
