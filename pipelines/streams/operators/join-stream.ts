import type { Observable, OperatorFunction } from 'rxjs';
import type { Serde } from '#schemas';
import { counted } from '../counters.ts';
import { type StreamRecord, withValue } from '../record.ts';
import type { StoreSpec } from '../store/store.ts';
import { invalid } from '../topology/graph.ts';
import { type Stream, streamOf } from '../topology/stream.ts';
import { isKeyed } from './aggregate.ts';
import { type JoinBuffer, type JoinBufferOptions, joinBuffer } from './join-buffer.ts';
import { type JoinSpan, type Side, type Unmatched, unmatchedStore } from './join-unmatched.ts';
import { merge } from './merge.ts';
import { keyed } from './repartition.ts';
import { step } from './step.ts';

export interface JoinStreamOptions<K, L, R>
  extends JoinSpan,
    Pick<JoinBufferOptions<K, L | R>, 'engine' | 'memory'> {
  /** Part of the names of its stores: `<name>-left`, `<name>-right`, `<name>-unmatched`; and of repartitions. */
  readonly name: string;
  readonly key: Serde<K>;
  readonly left: Serde<L>;
  readonly right: Serde<R>;
  /** How long before the left record the right one may be. */
  readonly beforeMs: number;
  /** How long after the left record the right one may be. */
  readonly afterMs: number;
  /** How much later than that, by the time of the join, a record may come and still find the other. */
  readonly graceMs: number;
  readonly changelog?: boolean;
}

/**
 * Joins the records of two streams that have the same key and are near each other in time: each pair once, whichever came first.
 *
 * Key: a side whose key changed is repartitioned. Time: of a pair, the later; of a record alone, its own.
 * `left`, `outer`: a record without a match is joined with null, once no match can come any more: when a record that moves the
 * time of the join says so. One that comes when that time is past already is joined with null at once.
 * State: the records of both sides for `beforeMs + afterMs + graceMs`.
 * A record without value is dropped and counted (`null-value`), as is one without key (`null-key`), except on a side that is kept
 * without a match: it is joined with null.
 */
export function joinStream<K, L, R, O>(
  right: Observable<StreamRecord<K, R>>,
  options: JoinStreamOptions<K, L, R> & {
    readonly kind?: 'inner';
    readonly join: (left: L, right: R, key: K) => O;
  },
): OperatorFunction<StreamRecord<K, L>, StreamRecord<K, O>>;
export function joinStream<K, L, R, O>(
  right: Observable<StreamRecord<K, R>>,
  options: JoinStreamOptions<K, L, R> & {
    readonly kind: 'left';
    readonly join: (left: L, right: R | null, key: K) => O;
  },
): OperatorFunction<StreamRecord<K, L>, StreamRecord<K, O>>;
export function joinStream<K, L, R, O>(
  right: Observable<StreamRecord<K, R>>,
  options: JoinStreamOptions<K, L, R> & {
    readonly kind: 'outer';
    readonly join: (left: L | null, right: R | null, key: K) => O;
  },
): OperatorFunction<StreamRecord<K, L>, StreamRecord<K, O>>;
export function joinStream<K, L, R, O>(
  other: Observable<StreamRecord<K, R>>,
  options: JoinStreamOptions<K, L, R> & {
    readonly kind?: 'inner' | 'left' | 'outer';
    readonly join: (left: L & R, right: L & R, key: K) => O;
  },
): OperatorFunction<StreamRecord<K, L>, StreamRecord<K, O>> {
  const { name, key, kind = 'inner', changelog = true, beforeMs, afterMs, graceMs } = options;
  const join = options.join as (left: unknown, right: unknown, key: K) => O;
  const span = { beforeMs, afterMs, graceMs };
  const { engine = 'memory', memory } = options;
  const kept = { engine, ...(memory && { memory }) };
  const retentionMs = beforeMs + afterMs + graceMs;
  return source => {
    const sides = { left: streamOf(source, 'joinStream'), right: streamOf(other, 'joinStream') };
    if (beforeMs + afterMs < 0 || graceMs < 0)
      throw invalid(sides.left.graph.name, `join ${name}: its time span ends before it begins`);
    const buffer = (side: Side) =>
      joinBuffer<K, unknown>({
        ...kept,
        ...{ name: `${name}-${side}`, key, changelog, retentionMs },
        value: options[side] as Serde<unknown>,
      });
    const buffers = { left: buffer('left'), right: buffer('right') };
    const { left: leftValue, right: rightValue } = options;
    const held = { ...span, name: `${name}-unmatched`, key, left: leftValue, right: rightValue, changelog };
    const unmatched = kind === 'inner' ? null : unmatchedStore<K, unknown, unknown>(held as never);
    const half = (side: Side) => {
      const keepsAll = kind === 'outer' || (kind === 'left' && side === 'left');
      const through = {
        name: `${name}-${side}`,
        key,
        value: options[side],
        ...(keepsAll && { nullKeys: 'keep' }),
      };
      const stream = keyed(sides[side], through as never);
      return halfJoin<K, O>(stream, {
        ...{ side, span, buffers, unmatched },
        label: `joinStream ${kind}, ${side} side`,
        keepsAll,
        join: (one, two, of) => (side === 'left' ? join(one, two, of) : join(two, one, of)),
        alone: ({ side: of, value, key: at }) =>
          of === 'left' ? join(value, null, at) : join(null, value, at),
      });
    };
    return merge(half('left'), half('right'));
  };
}

interface HalfJoin<K, O> {
  readonly label: string;
  readonly side: Side;
  readonly span: JoinSpan;
  readonly buffers: Readonly<Record<Side, StoreSpec<JoinBuffer<K, unknown>>>>;
  readonly unmatched: StoreSpec<Unmatched<K, unknown>> | null;
  /** Whether records of this side are also sent without a match. */
  readonly keepsAll: boolean;
  readonly join: (mine: unknown, other: unknown, key: K) => O;
  readonly alone: (record: { readonly side: Side; readonly key: K; readonly value: unknown }) => O;
}

/** What is done with the records of one side. */
function halfJoin<K, O>(
  stream: Stream<unknown, unknown>,
  { label, side, span, buffers, unmatched, keepsAll, join, alone }: HalfJoin<K, O>,
): Observable<StreamRecord<K, O>> {
  const stores = [buffers.left, buffers.right, ...(unmatched ? [unmatched] : [])] as readonly StoreSpec[];
  const otherSide = side === 'left' ? 'right' : 'left';
  const backMs = side === 'left' ? span.beforeMs : span.afterMs;
  const reachMs = side === 'left' ? span.afterMs : span.beforeMs;
  // What is given up has another key than the record that moved the time.
  const spec = { label, stores, keys: 'kept' as const, needsKeys: true };
  const open = step<StreamRecord<K, unknown>, StreamRecord<K, O>>(spec, (scope, emit, node) => {
    const mine = scope.store(buffers[side]);
    const others = scope.store(buffers[otherSide]);
    const alones = unmatched && scope.store(unmatched);
    const input = { ...node, keys: stream.node.keys };
    const keep = ({ key, value, timestampMs }: StreamRecord<K, unknown>) => {
      if (!mine.put(key, timestampMs, value)) scope.count(counted.dropped('too-old'));
    };
    return {
      next(record) {
        const { key, value, timestampMs: timeMs } = record;
        const nowMs = alones ? alones.advance(timeMs) : 0;
        if (keepsAll && key === null && value !== null) {
          emit(withValue(record, alone({ side, key, value })));
          return;
        }
        if (!isKeyed(record, scope, input)) return;
        if (value === null) {
          scope.count(counted.dropped('null-value'));
          keep(record);
          return;
        }
        if (alones && timeMs === nowMs)
          for (const given of alones.giveUp(reachMs))
            emit({ ...withValue(record, alone(given)), key: given.key, timestampMs: given.timeMs });
        let found = false;
        const toMs = Math.max(0, timeMs + reachMs);
        for (const entry of others.between(key, Math.max(0, timeMs - backMs), toMs)) {
          if (entry.value.length === 0) continue;
          found = true;
          alones?.remove({ side: otherSide, key, timeMs: entry.timeMs });
          const timestampMs = Math.max(timeMs, entry.timeMs);
          for (const other of entry.value)
            emit({ ...withValue(record, join(value, other, key)), timestampMs });
        }
        if (!found && keepsAll) {
          if (toMs < nowMs) emit(withValue(record, alone({ side, key, value })));
          else alones!.add({ side, key, timeMs, value });
        }
        keep(record);
      },
    };
  });
  return open(stream as never);
}
