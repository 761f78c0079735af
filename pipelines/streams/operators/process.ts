import type { OperatorFunction } from 'rxjs';
import { SluiceError } from '#errors';
import type { LogRecord } from '#kafka';
import type { Clock } from '../clock.ts';
import { counted } from '../counters.ts';
import type { StreamRecord } from '../record.ts';
import type { GlobalTable } from '../store/global.ts';
import type { AnyStore, StoreSpec } from '../store/store.ts';
import type { DeadLetterCause } from '../task/dead-letter.ts';
import type { Punctuation, PunctuationType } from '../task/punctuators.ts';
import type { TaskScope } from '../task/scope.ts';
import { step } from './step.ts';

/** A step written by hand. One instance per task; synchronous throughout. */
export interface Processor<KIn, VIn, KOut, VOut> {
  /** Once, before the first record, after the stores are restored. Nothing may be forwarded yet. */
  init?(context: ProcessorContext<KOut, VOut>): void;
  /** For every record, one at a time. What it throws is that record's failure; what it did before stays done. */
  process(record: StreamRecord<KIn, VIn>): void;
  /** Once, when the task ends in order (a rebalance, close), never after a crash. Nothing may be forwarded any more. */
  close?(): void;
}

export interface ProcessorContext<K, V> {
  /** `<sub-topology>_<partition>`. */
  readonly taskId: string;
  readonly partition: number;
  readonly clock: Pick<Clock, 'now'>;
  /** Highest timestamp this task has seen; -1 before the first record. Survives restarts where there are stores. */
  readonly streamTimeMs: number;
  /** The input record as it was read; null in a punctuation. */
  readonly received: LogRecord | null;
  /** One of the stores named in the step's options. Errors: CONFIG_INVALID for another. */
  store<S>(spec: StoreSpec<S>): S;
  global<W>(table: GlobalTable<W>): W;
  /** Sends a record on; returns when everything downstream has dealt with it. */
  forward(record: StreamRecord<K, V>): void;
  /** Runs at intervals until cancelled: see PunctuationType. What it throws halts the application. */
  schedule(intervalMs: number, type: PunctuationType, run: (timeMs: number) => void): Punctuation;
  /** Counts into the metrics, under any name. */
  count(name: string, by?: number): void;
  /** Counts a record that goes nowhere on purpose, under its reason. */
  drop(reason: string): void;
  /** Puts a record aside that this step kept for a while; for the one being processed, throw instead. */
  deadLetter(record: LogRecord, cause: DeadLetterCause): void;
}

export interface ProcessOptions {
  /** In `describe()`. Absent: process. */
  readonly name?: string;
  readonly stores?: readonly AnyStore[];
  /** What is known of forwarded keys, as with `selectKey`. Absent: they may be any. */
  readonly partitioning?: 'kept';
}

/** Has records processed by hand: state, time, any number of records on. */
export function process<KIn, VIn, KOut, VOut>(
  make: () => Processor<KIn, VIn, KOut, VOut>,
  { name = 'process', stores = [], partitioning }: ProcessOptions = {},
): OperatorFunction<StreamRecord<KIn, VIn>, StreamRecord<KOut, VOut>> {
  const spec = {
    label: name,
    stores: stores as unknown as readonly StoreSpec[],
    keys: partitioning ?? ('changed' as const),
    needsKeys: stores.length > 0,
  };
  return step(spec, (scope, emit) => {
    const processor = make();
    processor.init?.(new Context(scope, emit, spec));
    return {
      next(record) {
        scope.observe(record.timestampMs);
        processor.process(record);
      },
      ...(processor.close && { close: () => processor.close!() }),
    };
  });
}

class Context<K, V> implements ProcessorContext<K, V> {
  readonly forward: (record: StreamRecord<K, V>) => void;
  readonly #scope: TaskScope;
  readonly #step: { readonly label: string; readonly stores: readonly StoreSpec[] };

  constructor(
    scope: TaskScope,
    emit: (record: StreamRecord<K, V>) => void,
    spec: { readonly label: string; readonly stores: readonly StoreSpec[] },
  ) {
    this.#scope = scope;
    this.#step = spec;
    this.forward = emit;
  }

  get taskId(): string {
    return this.#scope.taskId;
  }

  get partition(): number {
    return this.#scope.partition;
  }

  get clock(): Pick<Clock, 'now'> {
    return this.#scope.clock;
  }

  get streamTimeMs(): number {
    return this.#scope.taskTimeMs;
  }

  get received(): LogRecord | null {
    return this.#scope.received;
  }

  store<S>(spec: StoreSpec<S>): S {
    const { label, stores } = this.#step;
    if (stores.includes(spec)) return this.#scope.store(spec);
    throw new SluiceError(
      'CONFIG_INVALID',
      `${label} uses the store ${spec.name} without naming it: add it to the stores of process()`,
    );
  }

  global<W>(table: GlobalTable<W>): W {
    return this.#scope.global(table);
  }

  schedule(intervalMs: number, type: PunctuationType, run: (timeMs: number) => void): Punctuation {
    return this.#scope.schedule(intervalMs, type, run);
  }

  count(name: string, by?: number): void {
    this.#scope.count(name, by);
  }

  drop(reason: string): void {
    this.#scope.count(counted.dropped(reason));
  }

  deadLetter(record: LogRecord, cause: DeadLetterCause): void {
    this.#scope.deadLetter(record, cause);
  }
}
