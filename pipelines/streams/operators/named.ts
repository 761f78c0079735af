import type { OperatorFunction } from 'rxjs';
import { streamOf } from '../topology/stream.ts';

/** Gives an RxJS operator a name in `describe()`, where it would read `rxjs`. */
export function named<A, B>(name: string, operator: OperatorFunction<A, B>): OperatorFunction<A, B> {
  return source => {
    const { graph } = streamOf(source, name);
    const before = graph.nodes.length;
    const result = operator(source);
    for (const node of graph.nodes.slice(before)) if (node.kind === 'rxjs') node.label = name;
    return result;
  };
}
