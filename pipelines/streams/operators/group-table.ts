import type { OperatorFunction } from 'rxjs';
import type { Serde } from '#schemas';
import { type StreamRecord, withKey, withValue } from '../record.ts';
import type { Change } from '../table/change.ts';
import { type Regrouped, regroupedSerde } from '../table/regrouped.ts';
import { tableOf } from '../table/table.ts';
import { repartition } from './repartition.ts';
import { step } from './step.ts';

export interface GroupTableOptions<K, V> {
  readonly key: Serde<K>;
  readonly value: Serde<V>;
  /** Part of the topic's name: `<application>-<name>-repartition`. */
  readonly name: string;
}

/**
 * The values of a table under other keys, for `aggregateTable`. A key that moves from one group to another is taken from the
 * one and given to the other, in two tasks: for a while neither, or both, may hold it.
 *
 * `select` must be a function of its arguments; where it gives null for the key or the value, that value is in no group.
 * Of a versioned table only what is latest counts.
 */
export function groupTable<K, V, GK, GV>(
  select: (key: K, value: V) => readonly [GK | null, GV | null],
  { key, value, name }: GroupTableOptions<GK, GV>,
): OperatorFunction<StreamRecord<K, Change<V>>, StreamRecord<GK, Regrouped<GV>>> {
  return source => {
    tableOf(source, 'groupTable');
    return source.pipe(
      step<StreamRecord<K, Change<V>>, StreamRecord<GK, Regrouped<GV>>>(
        { label: 'groupTable', keys: 'changed' },
        (_scope, emit) => {
          const group = (from: K, of: V | null) => {
            const [to, what] = of === null ? [null, null] : select(from, of);
            return to === null || what === null ? null : { key: to, value: what, bytes: key.serialize(to) };
          };
          return {
            next(record) {
              const { value: change } = record;
              if (!change.isLatest) return;
              const before = group(record.key, change.old);
              const after = group(record.key, change.new);
              const send = (to: GK, moved: Regrouped<GV>) => emit(withValue(withKey(record, to), moved));
              if (before && after && before.bytes.equals(after.bytes)) {
                send(before.key, { subtract: before.value, add: after.value });
                return;
              }
              if (before) send(before.key, { subtract: before.value, add: null });
              if (after) send(after.key, { subtract: null, add: after.value });
            },
          };
        },
      ),
      repartition({ name, key, value: regroupedSerde(value) }),
    );
  };
}
