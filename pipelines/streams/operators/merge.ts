import { merge as mergeAll, type Observable } from 'rxjs';
import type { StreamRecord } from '../record.ts';
import { invalid } from '../topology/graph.ts';
import { Stream, streamOf } from '../topology/stream.ts';

/** One stream of several; a record appears when its input record is processed. Merging across topologies is an error. */
export function merge<K, V>(...streams: readonly Observable<StreamRecord<K, V>>[]): Stream<K, V> {
  const parents = streams.map(stream => streamOf(stream, 'merge'));
  const [first] = parents;
  if (!first) throw invalid('?', 'merge() needs at least one stream');
  const { graph } = first;
  if (parents.some(parent => parent.graph !== graph))
    throw invalid(graph.name, 'merge() was given a stream of another topology: topologies meet in topics');
  const node = graph.add({ kind: 'merge', label: 'merge', parents: parents.map(parent => parent.node) });
  return new Stream<K, V>(graph, node, subscriber =>
    mergeAll(...(streams as Observable<StreamRecord<K, V>>[])).subscribe(subscriber),
  );
}
