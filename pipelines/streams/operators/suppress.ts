import type { OperatorFunction } from 'rxjs';
import { SluiceError } from '#errors';
import type { StreamRecord } from '../record.ts';
import type { BufferSpec, RecordBuffer } from '../store/buffer-store.ts';
import { streamOf } from '../topology/stream.ts';
import { windowsBefore } from '../windows/lineage.ts';
import type { Windowed } from '../windows/windowed.ts';
import { closesAfterMs } from '../windows/windows.ts';
import { afterRecord } from './after-record.ts';
import { isKeyed } from './aggregate.ts';
import { keyedStep } from './keyed-step.ts';

export interface SuppressOptions<K, V> {
  /**
   * `window-closes`: the last value of each window, once, when no record can change it any more; tombstones are left out.
   * `timeLimitMs`: the last value of a key, when stream time is so much later than the first that waits for it.
   */
  readonly until: 'window-closes' | { readonly timeLimitMs: number };
  readonly store: BufferSpec<K, V>;
  /** How much may wait in a task. Absent: as much as comes. */
  readonly maxRecords?: number;
  /** The same in bytes, see `RecordBuffer.bytes`. */
  readonly maxBytes?: number;
  /**
   * What happens beyond: `emit-early`: what waits longest goes; `halt`: the application stops (BUFFER_FULL). Absent: halt. A window
   * that has to be final cannot go early.
   */
  readonly whenFull?: 'emit-early' | 'halt';
  /** In `describe()`. Absent: suppress. */
  readonly name?: string;
}

/**
 * Holds updates back, the last of each key, until they are final or old enough. They go in the order of their windows' ends
 * (time limit: of the first update that waited), of equal times by the bytes of their keys; with the time, headers and origin of
 * the last update.
 *
 * State: one entry a key that waits. A record without key is dropped and counted (`null-key`).
 * Time: stream time, of the updates that arrive; each of them lets go what is old enough, when it is dealt with.
 * Errors: CONFIG_INVALID when the topology is built; BUFFER_FULL.
 */
export function suppress<K, V>(
  options: SuppressOptions<Windowed<K>, V> & { readonly until: 'window-closes' },
): OperatorFunction<StreamRecord<Windowed<K>, V | null>, StreamRecord<Windowed<K>, V>>;
export function suppress<K, V>(
  options: SuppressOptions<K, V>,
): OperatorFunction<StreamRecord<K, V | null>, StreamRecord<K, V | null>>;
export function suppress<K, V>(
  options: SuppressOptions<K, V>,
): OperatorFunction<StreamRecord<K, V | null>, StreamRecord<K, V | null>> {
  const { until, store: spec, name = 'suppress' } = options;
  checkOptions(options, name);
  return source => {
    const stream = streamOf(source, name);
    const isFinal = until === 'window-closes';
    const windows = isFinal ? windowsBefore(stream.node, stream.graph.name, name) : [];
    const waitsMs = isFinal ? Math.max(...windows.map(closesAfterMs)) : until.timeLimitMs;
    const operator = keyedStep<StreamRecord<K, V | null>, StreamRecord<K, V | null>>(
      { label: name, stores: [spec], repartition: undefined },
      (scope, emit, node) => {
        const buffer = scope.store(spec);
        const release = (isDue: () => boolean) => {
          while (buffer.size > 0 && isDue()) {
            const record = buffer.take();
            if (record.value !== null || !isFinal) emit(record);
          }
        };
        const isOld = () => buffer.firstMs <= scope.streamTimeMs - waitsMs;
        const enforce = () => {
          release(isOld);
          if (!isFull(buffer, options)) return;
          if (options.whenFull !== 'emit-early') throw full(name, buffer, options);
          release(() => isFull(buffer, options));
        };
        return {
          next(record) {
            if (!isKeyed(record, scope, node)) return;
            scope.observe(record.timestampMs);
            const { endMs } = record.key as Windowed<unknown>;
            buffer.put(record, isFinal ? endMs : record.timestampMs);
            if (isOld() || isFull(buffer, options)) afterRecord(scope, enforce);
          },
        };
      },
    );
    return operator(source);
  };
}

function checkOptions<K, V>(options: SuppressOptions<K, V>, name: string): void {
  const { until, whenFull, maxRecords = 1, maxBytes = 1 } = options;
  if (until === 'window-closes' && whenFull === 'emit-early')
    throw invalid(name, "a window that goes early is not final: say whenFull: 'halt', or give a timeLimitMs");
  const limitMs = until === 'window-closes' ? 0 : until.timeLimitMs;
  if (!Number.isSafeInteger(limitMs) || limitMs < 0)
    throw invalid(name, `timeLimitMs is ${limitMs}: give whole milliseconds, at least 0`);
  for (const [option, value] of Object.entries({ maxRecords, maxBytes }))
    if (!Number.isSafeInteger(value) || value < 0)
      throw invalid(name, `${option} is ${value}: give a whole number, or leave it out`);
}

function isFull<K, V>(
  { size, bytes }: RecordBuffer<K, V>,
  { maxRecords = Number.POSITIVE_INFINITY, maxBytes = Number.POSITIVE_INFINITY }: SuppressOptions<K, V>,
): boolean {
  return size > maxRecords || bytes > maxBytes;
}

function full<K, V>(
  name: string,
  { size, bytes }: RecordBuffer<K, V>,
  { maxRecords, maxBytes }: SuppressOptions<K, V>,
): SluiceError {
  const of = (is: number, may: number | undefined) => (may === undefined ? `${is}` : `${is} of ${may}`);
  return new SluiceError(
    'BUFFER_FULL',
    `${name}: ${of(size, maxRecords)} records and ${of(bytes, maxBytes)} bytes wait: give it more room, shorter windows or less grace, or say whenFull: 'emit-early'`,
  );
}

function invalid(name: string, message: string): SluiceError {
  return new SluiceError('CONFIG_INVALID', `${name}: ${message}`);
}
