/**
 * The surface: an Observable of records that remembers where it comes from.
 *
 * `pipe` takes any RxJS operator; RxJS makes the next Observable through `lift`, which is where lineage is kept.
 * Nothing is subscribed until a task is wired; then every stream is subscribed exactly once per task, however many
 * streams were derived from it, so that no step runs twice for a record.
 */

import { Observable, type Operator, type Subscriber } from 'rxjs';
import { SluiceError } from '#errors';
import type { StreamRecord } from '../record.ts';
import { type Graph, invalid } from './graph.ts';
import type { GraphNode } from './node.ts';
import type { Connect } from './wires.ts';

export class Stream<K, V> extends Observable<StreamRecord<K, V>> {
  readonly graph: Graph;
  readonly node: GraphNode;

  constructor(graph: Graph, node: GraphNode, connect: Connect<StreamRecord<K, V>>) {
    super(subscriber => {
      if (!graph.wiring)
        throw new SluiceError(
          'BUG',
          `topology ${graph.name}: a stream is subscribed by its tasks only; end it with to() or tap()`,
        );
      return graph.wiring.join(node, subscriber, connect);
    });
    this.graph = graph;
    this.node = node;
    graph.streams.set(node, this);
  }

  override lift<R>(operator?: Operator<StreamRecord<K, V>, R>): Observable<R> {
    const node = this.graph.add({ kind: 'rxjs', label: 'rxjs', parents: [this.node] });
    const connect = (subscriber: Subscriber<R>) =>
      operator ? operator.call(subscriber, this) : this.subscribe(subscriber as never);
    return new Stream(this.graph, node, connect as never) as unknown as Observable<R>;
  }
}

/** The stream that an operator of ours was piped onto. Errors: CONFIG_INVALID when lineage was lost on the way. */
export function streamOf(source: Observable<unknown>, operator: string): Stream<unknown, unknown> {
  if (source instanceof Stream) return source as Stream<unknown, unknown>;
  throw invalid(
    '?',
    `${operator} is piped onto an Observable that is no stream: combine streams with merge() of #streams, and avoid RxJS operators that multicast`,
  );
}
