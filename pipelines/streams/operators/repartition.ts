import type { Observable, OperatorFunction } from 'rxjs';
import type { Serde } from '#schemas';
import type { StreamRecord } from '../record.ts';
import { invalid } from '../topology/graph.ts';
import { type Stream, streamOf } from '../topology/stream.ts';
import { sourceStream } from '../topology/topology.ts';
import { type SinkOptions, sink } from './to.ts';

export interface RepartitionOptions<K, V> extends Pick<SinkOptions<K, V>, 'key' | 'value'> {
  /** Part of the topic's name: `<application>-<name>-repartition`. */
  readonly name: string;
  /** Absent: as many as the topics it meets state with, else as the widest topic read before it. */
  readonly partitions?: number;
  /** What becomes of records without key. `keep`: they go to any partition. Absent: they are dropped and counted (`null-key`). */
  readonly nullKeys?: 'keep';
}

/** What a step that keeps state by key needs to repartition its input by itself. */
export interface Repartition<K, V> {
  readonly value: Serde<V>;
  /** Absent: the store's. */
  readonly key?: Serde<K>;
  /** Absent: the store's. */
  readonly name?: string;
}

/**
 * Sends records through a topic of the application, so that those of one key meet in one task whatever it was before.
 * What follows is another sub-topology, with tasks of its own. A record without value arrives without.
 */
export function repartition<K, V>(
  options: RepartitionOptions<K, V>,
): OperatorFunction<StreamRecord<K, V>, StreamRecord<K, V>> {
  return source =>
    through(streamOf(source, 'repartition'), options as never) as unknown as Observable<StreamRecord<K, V>>;
}

/** The stream itself where its keys are where they were; otherwise through a topic. */
export function keyed(
  stream: Stream<unknown, unknown>,
  options: RepartitionOptions<unknown, unknown>,
): Stream<unknown, unknown> {
  return stream.node.keys === 'changed' ? through(stream, options) : stream;
}

/** How a step's input is repartitioned, where it is. */
export function repartitionBy<K, V>(
  store: { readonly name: string; readonly key: Serde<K> },
  options: Repartition<K, V> | undefined,
): RepartitionOptions<unknown, unknown> | undefined {
  if (!options) return undefined;
  const { value, key = store.key, name = store.name } = options;
  return { name, key, value } as unknown as RepartitionOptions<unknown, unknown>;
}

function through(
  stream: Stream<unknown, unknown>,
  options: RepartitionOptions<unknown, unknown>,
): Stream<unknown, unknown> {
  const topic = {
    repartition: options.name,
    ...(options.partitions !== undefined && { partitions: options.partitions }),
  };
  const { graph } = stream;
  if (
    graph.nodes.some(
      node => node.sink && 'repartition' in node.sink && node.sink.repartition === options.name,
    )
  )
    throw invalid(
      graph.name,
      `two repartitions are called ${options.name}: rename one, since they share a topic`,
    );
  stream.pipe(sink(topic, options));
  return sourceStream<unknown, unknown>(graph, topic, { ...options, nulls: 'keep' });
}
