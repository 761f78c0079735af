import type { OperatorFunction } from 'rxjs';
import { streamOf } from '../topology/stream.ts';
import { keyed, type RepartitionOptions } from './repartition.ts';
import { type StepSpec, step } from './step.ts';

export interface KeyedStepSpec extends Omit<StepSpec, 'needsKeys'> {
  /** How its input is repartitioned where its key may have changed; undefined: not at all, then that is an error. */
  readonly repartition: RepartitionOptions<unknown, unknown> | undefined;
}

/** A step that keeps state by key: records of one key meet in one task, by themselves or through a topic. */
export function keyedStep<A, B>(
  { repartition, ...spec }: KeyedStepSpec,
  open: Parameters<typeof step<A, B>>[1],
): OperatorFunction<A, B> {
  return source => {
    const stream = streamOf(source, spec.label);
    const input = repartition ? keyed(stream, repartition) : stream;
    return step<A, B>({ ...spec, needsKeys: true }, open)(input as never);
  };
}
