import type { Serde } from '#schemas';
import {
  type GlobalSpec,
  type GlobalTable,
  type GlobalView,
  type TableView,
  tableView,
} from '../store/global.ts';
import type { Table } from '../table/change.ts';
import { sourceTable, type TableOptions } from '../table/source-table.ts';
import { describeGraph } from './describe.ts';
import { Graph, invalid } from './graph.ts';
import { mermaidGraph } from './mermaid.ts';
import type { SourceOptions, SourceSpec } from './source.ts';
import { Stream } from './stream.ts';
import type { TopicRef } from './topic-ref.ts';

export interface Builder {
  /**
   * A topic as a stream. Reading a topic twice is an error: derive both streams from one source.
   * Records that cannot be deserialised are dead letters.
   */
  source<K, V>(
    topic: string,
    options: SourceOptions<K, V> & { readonly nulls: 'keep' },
  ): Stream<K | null, V | null>;
  source<K, V>(topic: string, options: SourceOptions<K, V>): Stream<K, V>;
  /**
   * A topic as a table: the latest value of each key, null deletes. Its store has a changelog of its own, since a topic that is
   * compacted forgets what a restore of the state at some offset needs.
   */
  table<K, V>(topic: string, options: TableOptions<K, V>): Table<K, V>;
  /** The latest value of each key of a whole topic, the same in every task; read to its end before the first record. */
  globalTable<K, V>(topic: string, options: GlobalOptions<K, V>): GlobalTable<TableView<K, V>>;
  /** As `globalTable`, but what is kept of the records is up to `view`: an index, intervals, counts. */
  globalView<K, V, W extends GlobalView<K, V>>(
    topic: string,
    options: GlobalOptions<K, V> & { readonly view: () => W },
  ): GlobalTable<W>;
}

export interface GlobalOptions<K, V> {
  readonly key: Serde<K>;
  readonly value: Serde<V>;
  /**
   * How far back the topic is read at a start, milliseconds of the records' times in the log: for topics of statements that are
   * repeated, of which old ones say nothing. Absent: from its start.
   */
  readonly lookBackMs?: number;
}

/** What may run: by `runStreams` on a log, by `testDriver` in a test. */
export interface Topology {
  readonly name: string;
  readonly graph: Graph;
  /** Nodes, stores, topics and how they hang together, as text; made for a golden file. */
  describe(): string;
  /** The same as a picture, a Mermaid flowchart. */
  mermaid(): string;
}

/**
 * Describes a topology. `build` runs once, however many tasks there will be: what its closures keep is shared by all of
 * them, so state belongs in stores.
 * Errors: CONFIG_INVALID, with what to change.
 */
export function topology(name: string, build: (builder: Builder) => void): Topology {
  const graph = new Graph(name);
  build(builderOf(graph));
  if (graph.nodes.length === 0) throw invalid(name, 'it has no source: call source() in its body');
  return { name, graph, describe: () => describeGraph(graph), mermaid: () => mermaidGraph(graph) };
}

function builderOf(graph: Graph): Builder {
  const unique = (topic: string) => {
    const taken =
      graph.globals.some(global => global.topic === topic) ||
      graph.nodes.some(
        node => node.source && 'topic' in node.source.topic && node.source.topic.topic === topic,
      );
    if (taken) throw invalid(graph.name, `${topic} is read twice: derive both streams from one source`);
  };
  return {
    source<K, V>(topic: string, options: SourceOptions<K, V>) {
      unique(topic);
      return sourceStream<K, V>(graph, { topic }, options) as Stream<K, V> & Stream<K | null, V | null>;
    },
    table<K, V>(topic: string, options: TableOptions<K, V>) {
      unique(topic);
      const { store: _, ...source } = options;
      const records = sourceStream<K | null, V | null>(graph, { topic }, {
        ...source,
        nulls: 'keep',
      } as never);
      return sourceTable(records, topic, options);
    },
    globalTable(topic, options) {
      unique(topic);
      return global(graph, { topic, ...options, view: () => tableView(options.key) });
    },
    globalView(topic, options) {
      unique(topic);
      return global(graph, { topic, ...options });
    },
  };
}

/** A source node and its stream; also the reading side of a repartition. */
export function sourceStream<K, V>(
  graph: Graph,
  topic: TopicRef,
  options: SourceOptions<K, V>,
): Stream<K, V> {
  const source = { ...options, nodeId: graph.nodes.length, topic } as unknown as SourceSpec;
  const label = 'topic' in topic ? topic.topic : topic.repartition;
  const node = graph.add({ kind: 'source', label, parents: [], source });
  return new Stream<K, V>(graph, node, subscriber => {
    graph.wiring!.entries.set(node.id, subscriber as never);
  });
}

function global<W>(graph: Graph, spec: GlobalSpec<W>): GlobalTable<W> {
  graph.globals.push(spec);
  return spec;
}
