import type { OperatorFunction } from 'rxjs';
import { SluiceError } from '#errors';
import { counted } from '../counters.ts';
import { type StreamRecord, withValue } from '../record.ts';
import type { KeyValueSpec } from '../store/key-value.ts';
import type { TaskScope } from '../task/scope.ts';
import type { GraphNode } from '../topology/node.ts';
import { defaultCacheMaxBytes, HeldBack } from './held-back.ts';
import { keyedStep } from './keyed-step.ts';
import { type Repartition, repartitionBy } from './repartition.ts';

export interface AggregateOptions<K, V, A> {
  readonly store: KeyValueSpec<K, A>;
  /** The value of a key without one. */
  readonly initial: (key: K) => A;
  /**
   * The value after a record. It may change and return the one it is given. null: the key is deleted, and a tombstone goes
   * downstream.
   */
  readonly add: (value: A, record: StreamRecord<K, V>) => A | null;
  /**
   * `each`: a record downstream per record. `checkpoint`: the last value of each key that changed, when a checkpoint is made;
   * with the headers and origin of the last record of that key, in the order of those. A key that came and went in between is
   * left out. Absent: each.
   */
  readonly emit?: 'each' | 'checkpoint';
  /** `checkpoint`: how much may be held back by a task; beyond, the oldest changes go at once. Absent: 10 MiB. */
  readonly cacheMaxBytes?: number;
  /** In `describe()`. Absent: aggregate. */
  readonly name?: string;
  /** How records are written where their key changed, so that those of one key meet first. */
  readonly repartition?: Repartition<K, V>;
}

/**
 * A value per key, folded from its records.
 *
 * State: one entry a key. A record without key or value is dropped and counted (`null-key`, `null-value`).
 * Time: of the value, the latest of the records it was folded from.
 * Key: that of the input, or one that `selectKey` made; a `map` that changes it is CONFIG_INVALID.
 */
export function aggregate<K, V, A>(
  options: AggregateOptions<K, V, A> & { readonly add: (value: A, record: StreamRecord<K, V>) => A },
): OperatorFunction<StreamRecord<K, V>, StreamRecord<K, A>>;
export function aggregate<K, V, A>(
  options: AggregateOptions<K, V, A>,
): OperatorFunction<StreamRecord<K, V>, StreamRecord<K, A | null>>;
export function aggregate<K, V, A>({
  store: spec,
  initial,
  add,
  emit: when = 'each',
  cacheMaxBytes = defaultCacheMaxBytes,
  name = 'aggregate',
  repartition,
}: AggregateOptions<K, V, A>): OperatorFunction<StreamRecord<K, V>, StreamRecord<K, A | null>> {
  return keyedStep(
    { label: name, stores: [spec], repartition: repartitionBy(spec, repartition) },
    (scope, emit, node) => {
      const store = scope.store(spec);
      const held = new HeldBack<K, A, StreamRecord<K, A | null>>(
        { key: spec.key, value: spec.value, maxBytes: cacheMaxBytes, scope },
        emit,
      );
      return {
        next(record) {
          if (!isWhole(record, scope, node)) return;
          const { key } = record;
          const before = store.get(key);
          const isNew = before === undefined;
          const timestampMs = Math.max(record.timestampMs, isNew ? -1 : store.timestampOf(key));
          const value = add(isNew ? initial(key) : before, record);
          if (value === null) store.delete(key);
          else store.put(key, value, timestampMs);
          const result: StreamRecord<K, A | null> = { ...withValue(record, value), timestampMs };
          if (when === 'each') emit(result);
          else held.hold({ key, startMs: 0, endMs: 0, isNew }, result);
        },
        ...(when === 'checkpoint' && { settle: () => held.release() }),
      };
    },
  );
}

/** Whether the record may touch state. Throws CONFIG_INVALID when an RxJS operator changed its key. */
export function isKeyed(record: StreamRecord<unknown, unknown>, scope: TaskScope, node: GraphNode): boolean {
  if (record.key === null) {
    scope.count(counted.dropped('null-key'));
    return false;
  }
  if (node.keys === 'same' && scope.received !== null && record.key !== scope.inputKey)
    throw moved(node.label);
  return true;
}

/** Whether it may also be folded. */
export function isWhole(record: StreamRecord<unknown, unknown>, scope: TaskScope, node: GraphNode): boolean {
  if (!isKeyed(record, scope, node)) return false;
  if (record.value !== null) {
    scope.observe(record.timestampMs);
    return true;
  }
  scope.count(counted.dropped('null-value'));
  return false;
}

function moved(label: string): SluiceError {
  return new SluiceError(
    'CONFIG_INVALID',
    `a record came to ${label} under another key than it was read with: change keys with selectKey(), which knows what that means for partitions`,
  );
}
