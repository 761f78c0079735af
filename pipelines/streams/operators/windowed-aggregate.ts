import type { Observable, OperatorFunction } from 'rxjs';
import { SluiceError } from '#errors';
import type { StreamRecord } from '../record.ts';
import type { WindowSpec } from '../store/window-store.ts';
import { streamOf } from '../topology/stream.ts';
import { noteWindows } from '../windows/lineage.ts';
import type { Windowed } from '../windows/windowed.ts';
import type { SlidingWindows, TimeWindows, Windows } from '../windows/windows.ts';
import { defaultCacheMaxBytes } from './held-back.ts';
import { keyedStep } from './keyed-step.ts';
import { type Repartition, repartitionBy } from './repartition.ts';
import { sessionFold } from './session-fold.ts';
import { slidingFold } from './sliding-fold.ts';
import { timeFold } from './time-fold.ts';
import type { WindowEmit, WindowFold } from './window-fold.ts';
import { windowOutput } from './window-output.ts';

export interface WindowedAggregateOptions<K, V, A> {
  readonly windows: Windows;
  readonly store: WindowSpec<K, A>;
  /** The value of a window without one. */
  readonly initial: (key: K) => A;
  /**
   * The value after a record. It may change and return the one it is given. null: the window is deleted, and a tombstone goes
   * downstream.
   */
  readonly add: (value: A, record: StreamRecord<K, V>) => A | null;
  /** Sessions only, and needed there: the value of two sessions that a record joins, the older first. */
  readonly merge?: (value: A, next: A, key: K) => A;
  /**
   * `each`: a record downstream per change. `checkpoint`: the last value of each window that changed, when a checkpoint is made.
   * `final`: one record per window, when it is closed. Absent: each.
   */
  readonly emit?: WindowEmit;
  /** `checkpoint`: how much may be held back by a task; beyond, the oldest changes go at once. Absent: 10 MiB. */
  readonly cacheMaxBytes?: number;
  /** In `describe()`. Absent: windowedAggregate. */
  readonly name?: string;
  /** How records are written where their key changed, so that those of one key meet first. */
  readonly repartition?: Repartition<K, V>;
}

/** Windows that no record merges: they have a value as long as `add` gives one. */
type LastingWindows = TimeWindows | SlidingWindows;
type Adds<K, V, A> = { readonly add: (value: A, record: StreamRecord<K, V>) => A };
type Windowing<K, V, A> = OperatorFunction<StreamRecord<K, V>, StreamRecord<Windowed<K>, A>>;

/**
 * A value per key and window, folded from the records in it. Records are keyed by key and window downstream; those of one key are
 * still in one partition.
 *
 * State: one entry a window, until no record can change it (or for the store's `retentionMs`).
 * Time: windows are by the records' time; what is late is told by stream time. A record whose windows are closed is dropped and
 * counted, once for each window it missed (`records.late`), one without key or time as well (`null-key`, `no-time`). One without
 * value is a record like any other, except in sliding windows (`null-value`): as in Kafka Streams. A value's time is the latest of
 * its records, of a session its end.
 * Sessions: those that a record joins are taken back with a tombstone each before the new one comes; not in final results.
 * Errors: CONFIG_INVALID, when the topology is built.
 */
export function windowedAggregate<K, V, A>(
  options: WindowedAggregateOptions<K, V, A> & Adds<K, V, A> & { readonly windows: LastingWindows },
): Windowing<K, V, A>;
export function windowedAggregate<K, V, A>(
  options: WindowedAggregateOptions<K, V, A> & Adds<K, V, A> & { readonly emit: 'final' },
): Windowing<K, V, A>;
export function windowedAggregate<K, V, A>(
  options: WindowedAggregateOptions<K, V, A>,
): Windowing<K, V, A | null>;
export function windowedAggregate<K, V, A>(
  options: WindowedAggregateOptions<K, V, A>,
): Windowing<K, V, A | null> {
  const { windows, store: spec, emit: when = 'each', name = 'windowedAggregate', repartition } = options;
  const { cacheMaxBytes = defaultCacheMaxBytes } = options;
  const fold = folding(name, windows, options);
  return source => {
    spec.use(windows);
    const operator = keyedStep<StreamRecord<K, V>, StreamRecord<Windowed<K>, A | null>>(
      { label: name, stores: [spec], keys: 'kept', repartition: repartitionBy(spec, repartition) },
      (scope, emit, node) => {
        const store = scope.store(spec);
        const output = windowOutput<K, A>({ windows, store, spec, scope, when, cacheMaxBytes, emit });
        return {
          next: fold({ scope, node, store, output }),
          settle: () => output.settle(),
        };
      },
    );
    const result: Observable<StreamRecord<Windowed<K>, A | null>> = operator(source);
    noteWindows(streamOf(result, name).node, windows);
    return result;
  };
}

function folding<K, V, A>(
  name: string,
  windows: Windows,
  { store: { value }, initial, add, merge }: WindowedAggregateOptions<K, V, A>,
): WindowFold<K, V, A> {
  const rules = { initial, add, value };
  if (windows.kind === 'time') return timeFold(windows, rules);
  if (windows.kind === 'sliding') return slidingFold(windows, rules);
  if (merge) return sessionFold(windows, { ...rules, merge });
  throw new SluiceError(
    'CONFIG_INVALID',
    `${name}: a record may join two sessions, so sessions need \`merge\`, which gives the value of both`,
  );
}
