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
import type { TaskScope } from '../task/scope.ts';
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
import { step } from './step.ts';

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
    leftTable.pipe(subscribe(link));
    if (kind === 'left') leftTable.pipe(answerOneself(link));
    rightTable.pipe(answerAll(link));
    sourceStream(graph, link.subscriptions, {
      ...{ key: serdes.foreignKey, value: subscriptionSerde(serdes.key) },
    }).pipe(answerOne(link));
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

/** The left table's changes as subscriptions, to the tasks of the right one. */
function subscribe<K, L, F, R>({ kind, select, serdes, subscriptions }: Link<K, L, F, R>) {
  const value = subscriptionSerde(serdes.key);
  const spec = sinkSpec(`${kind} subscription`, subscriptions, { key: serdes.foreignKey, value });
  return step<StreamRecord<K, Change<L>>, never>(spec, scope => {
    const topic = scope.topic(subscriptions);
    return {
      next(record) {
        if (!isCurrent(record, scope)) return;
        const { key, timestampMs, headers, value: change } = record;
        const before = change.old === null ? null : select(change.old, key);
        const after = change.new === null ? null : select(change.new, key);
        if (after === null && change.new !== null && kind === 'inner')
          scope.count(counted.dropped('null-foreign-key'));
        const of = rowHash(change.new, serdes.left);
        const send = (to: F, ask: Ask) => {
          const subscription: Subscription<K> = { key, ask, partition: scope.partition, rowHash: of };
          const bytes = { key: serdes.foreignKey.serialize(to), value: value.serialize(subscription) };
          scope.output({ topic, timestampMs, headers, ...bytes }, record.origin);
        };
        const stays = before !== null && after !== null && isEqual(before, after, serdes.foreignKey);
        if (before !== null && !stays)
          send(before, kind === 'left' || after !== null ? 'leave' : 'leave-answer');
        // An inner join says nothing of a row that it never joined; a row that refers to another one now may have been joined.
        if (after !== null)
          send(after, kind === 'left' || (before !== null && !stays) ? 'answer' : 'answer-found');
      },
    };
  });
}

/** A left row that refers to nothing needs no other task's word. */
function answerOneself<K, L, F, R>({ select, serdes, answers }: Link<K, L, F, R>) {
  const value = answerSerde(serdes.right);
  const spec = sinkSpec('without foreign key', answers, { key: serdes.key, value });
  return step<StreamRecord<K, Change<L>>, never>(spec, scope => ({
    next(record) {
      const { key, value: change } = record;
      if (!change.isLatest || (change.old === null && change.new === null)) return;
      if (change.new !== null && select(change.new, key) !== null) return;
      answer(scope, record, {
        topic: scope.topic(answers),
        key: serdes.key.serialize(key),
        partition: scope.partition,
        value: value.serialize({ value: null, rowHash: rowHash(change.new, serdes.left) }),
      });
    },
  }));
}

/** The right table's changes, to all who refer to them. */
function answerAll<K, L, F, R>({ serdes, answers, subscribers }: Link<K, L, F, R>) {
  const value = answerSerde(serdes.right);
  const spec = sinkSpec('foreign row', answers, { key: serdes.key, value });
  return step<StreamRecord<F, Change<R>>, never>({ ...spec, stores: [asStore(subscribers)] }, scope => {
    const topic = scope.topic(answers);
    const all = scope.store(subscribers);
    return {
      next(record) {
        if (!isCurrent(record, scope)) return;
        for (const { key, partition, rowHash: of } of all.of(record.key))
          answer(scope, record, {
            ...{ topic, partition, key: serdes.key.serialize(key) },
            value: value.serialize({ value: record.value.new, rowHash: of }),
          });
      },
    };
  });
}

/** Subscriptions, as they come to the right table. */
function answerOne<K, L, F, R>({ right, serdes, answers, subscribers }: Link<K, L, F, R>) {
  const value = answerSerde(serdes.right);
  const spec = sinkSpec('foreign key', answers, { key: serdes.key, value });
  const stores = [...right.stores, asStore(subscribers)];
  return step<StreamRecord<F, Subscription<K>>, never>({ ...spec, stores }, scope => {
    const topic = scope.topic(answers);
    const all = scope.store(subscribers);
    const table = right.open(scope);
    return {
      next(record) {
        const { key: foreignKey, value: subscription, timestampMs: sentMs } = record;
        const { ask, key, partition, rowHash: of } = subscription;
        const leaves = ask === 'leave' || ask === 'leave-answer';
        if (leaves) all.remove(foreignKey, key);
        else all.add(foreignKey, subscription, sentMs);
        const held = table.latest(foreignKey);
        if (ask === 'leave' || (ask === 'answer-found' && !held)) return;
        const timestampMs = Math.max(sentMs, held ? held.timestampMs : -1);
        answer(
          scope,
          { ...record, timestampMs },
          {
            ...{ topic, partition, key: serdes.key.serialize(key) },
            value: value.serialize({ value: held && !leaves ? held.value : null, rowHash: of }),
          },
        );
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
  const spec = { label: `joinForeignKey ${kind}`, stores: [...left.stores, asStore(store)] };
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
        keep(state, withValue(record, isNone ? null : join(row, answered.value, key)), { scope, emit });
      },
    };
  });
}

function sinkSpec<K, V>(
  label: string,
  sink: RepartitionRef,
  serdes: { readonly key: Serde<K>; readonly value: Serde<V> },
) {
  return { label, sink, serdes: serdes as unknown as { key: Serde<unknown>; value: Serde<unknown> } };
}

function answer(
  scope: TaskScope,
  { timestampMs, headers, origin }: StreamRecord<unknown, unknown>,
  record: {
    readonly topic: string;
    readonly partition: number;
    readonly key: Buffer;
    readonly value: Buffer;
  },
): void {
  scope.output({ ...record, timestampMs, headers }, origin);
}

const isEqual = <F>(one: F, two: F, serde: Serde<F>) => serde.serialize(one).equals(serde.serialize(two));

function known<T>(serde: Serde<T> | null, graph: Graph, name: string): Serde<T> {
  if (serde) return serde;
  throw invalid(
    graph.name,
    `join ${name} sends rows through topics and does not know how: give the mapTable() or joinTables() before it a store`,
  );
}
