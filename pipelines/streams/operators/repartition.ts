import type { Observable, OperatorFunction } from 'rxjs';
import type { StreamRecord } from '../record.ts';
import { streamOf } from '../topology/stream.ts';
import { sourceStream } from '../topology/topology.ts';
import { type SinkOptions, sink } from './to.ts';

export interface RepartitionOptions<K, V> extends Pick<SinkOptions<K, V>, 'key' | 'value'> {
  /** Part of the topic's name: `<application>-<name>-repartition`. */
  readonly name: string;
}

/**
 * Sends records through a topic of the application, so that those of one key meet in one task whatever it was before.
 * What follows is another sub-topology, with tasks of its own. Records without key or value are dead letters.
 */
export function repartition<K, V>(
  options: RepartitionOptions<K, V>,
): OperatorFunction<StreamRecord<K, V>, StreamRecord<K, V>> {
  return source => {
    const { graph } = streamOf(source, 'repartition');
    const topic = { repartition: options.name };
    source.pipe(sink(topic, options));
    return sourceStream(graph, topic, options) as Observable<StreamRecord<K, V>>;
  };
}
