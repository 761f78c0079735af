import type { Observable, OperatorFunction } from 'rxjs';
import { type OpenStep, StepInstance } from '../task/step-instance.ts';
import type { GraphNode, NodeSpec } from '../topology/node.ts';
import { Stream, streamOf } from '../topology/stream.ts';

export interface StepSpec extends Omit<NodeSpec, 'parents' | 'kind' | 'source'> {
  /** It keeps state by key, so records of one key must meet in one task. */
  readonly needsKeys?: boolean;
}

/**
 * An operator of ours: a node of its own in the lineage, and one instance per task, opened after the stores are restored and
 * kept when an error makes the task subscribe anew.
 */
export function step<A, B>(
  spec: StepSpec,
  open: (...args: [...Parameters<OpenStep<A, B>>, node: GraphNode]) => ReturnType<OpenStep<A, B>>,
): OperatorFunction<A, B> {
  return source => {
    const from = streamOf(source, spec.label);
    const { graph } = from;
    if (spec.needsKeys) graph.requireKeys([from.node], spec.label);
    const node = graph.add({ ...spec, kind: spec.sink ? 'sink' : 'step', parents: [from.node] });
    return new Stream(graph, node, subscriber => {
      const { instances, scope } = graph.wiring!;
      const known = instances.get(node.id) as StepInstance<A, B> | undefined;
      const instance =
        known ?? new StepInstance<A, B>((at, emit) => open(at.scopeOf(node), emit, node), scope);
      if (!known) instances.set(node.id, instance as never);
      return from.subscribe(instance.subscriber(subscriber as never) as never);
    }) as unknown as Observable<B>;
  };
}
