import type { Subscriber, TeardownLogic } from 'rxjs';
import type { TaskScope } from '../task/scope.ts';
import type { StepInstance } from '../task/step-instance.ts';
import type { GraphNode } from './node.ts';

export type Connect<T> = (subscriber: Subscriber<T>) => TeardownLogic;

/** What streams need of the task that subscribes to them. */
export interface Wires {
  readonly scope: TaskScope;
  /** Where records of a source enter, by node. */
  readonly entries: Map<number, Subscriber<never>>;
  readonly instances: Map<number, StepInstance<never, never>>;
  join<T>(node: GraphNode, subscriber: Subscriber<T>, connect: Connect<T>): TeardownLogic;
}
