import { Subscriber } from 'rxjs';
import { SluiceError } from '#errors';
import type { StreamRecord } from '../record.ts';
import type { TaskScope } from './scope.ts';

/** A step of ours in one task. What it throws goes the way of the record's failure. */
export interface Step<A> {
  next(record: A): void;
  /** At every checkpoint, before outputs and changes are taken: emit what was held back. Upstream steps first. */
  settle?(): void;
  /** Once, at the end of the task; not after a crash. Nothing may be emitted. */
  close?(): void;
}

/** Called once per task, after its stores are restored. */
export type OpenStep<A, B> = (scope: TaskScope, emit: (record: B) => void) => Step<A>;

/** A step with its place in the present subscriptions, which change when an error ended them. */
export class StepInstance<A, B> {
  readonly step: Step<A>;
  readonly scope: TaskScope;
  #destination: Subscriber<B> | null = null;

  constructor(open: OpenStep<A, B>, scope: TaskScope) {
    this.scope = scope;
    this.step = open(scope, record => this.#emit(record));
  }

  subscriber(destination: Subscriber<B>): Subscriber<A> {
    this.#destination = destination;
    return new StepSubscriber(destination, this);
  }

  #emit(record: B): void {
    if (!this.scope.active) throw outsideOfRecord();
    const { scope } = this;
    if (scope.failing) {
      const send = () => void this.#destination!.next(record);
      scope.later({ record: record as StreamRecord<unknown, unknown>, send });
      return;
    }
    if (scope.received !== null || scope.emitting) {
      this.#destination!.next(record);
      return;
    }
    scope.emitting = true;
    this.#destination!.next(record);
    scope.emitting = false;
    scope.settled(record as StreamRecord<unknown, unknown>);
  }
}

class StepSubscriber<A, B> extends Subscriber<A> {
  readonly #instance: StepInstance<A, B>;

  constructor(destination: Subscriber<B>, instance: StepInstance<A, B>) {
    super(destination);
    this.#instance = instance;
  }

  protected override _next(record: A): void {
    try {
      if (!this.#instance.scope.active) throw outsideOfRecord();
      this.#instance.step.next(record);
    } catch (error) {
      this.error(error);
    }
  }
}

function outsideOfRecord(): SluiceError {
  return new SluiceError(
    'CONFIG_INVALID',
    'a record was emitted outside of its turn: asynchronous RxJS operators (debounceTime, delay, mergeMap of a promise, …) have no place in a topology, since a checkpoint would miss what they hold; use process() with context.schedule()',
  );
}
