import { type Graph, invalid, type SubTopology } from '../topology/graph.ts';
import { changelogOf, checkpointsOf, resolveTopic, type TopicRef } from '../topology/topic-ref.ts';

/** A topic that belongs to the application. */
export interface InternalTopic {
  readonly topic: string;
  readonly partitions: number;
  readonly cleanup: 'compact' | 'delete';
}

export interface Plan {
  readonly parts: readonly { readonly sub: SubTopology; readonly partitions: number }[];
  /** All source topics, those of repartitions too. */
  readonly sources: readonly string[];
  readonly internal: readonly InternalTopic[];
}

/**
 * How many tasks each sub-topology has, and which topics the application needs.
 * Errors: CONFIG_INVALID when topics that must be co-partitioned are not.
 */
export function planOf(graph: Graph, applicationId: string, partitionsOf: (topic: string) => number): Plan {
  const subs = graph.subTopologies();
  const repartitions = repartitionCounts(graph, subs, partitionsOf);
  const countOf = (ref: TopicRef) =>
    'topic' in ref ? partitionsOf(ref.topic) : (repartitions.get(ref.repartition) ?? 1);
  const parts = subs.map(sub => ({ sub, partitions: taskCount(graph, sub, countOf) }));
  const changelogs = parts.flatMap(({ sub, partitions }) =>
    sub.stores
      .filter(store => store.changelog)
      .map(({ name }) => ({
        topic: changelogOf(applicationId, name),
        partitions,
        cleanup: 'compact' as const,
      })),
  );
  const checkpoints = {
    topic: checkpointsOf(applicationId),
    partitions: Math.max(1, ...changelogs.map(({ partitions }) => partitions)),
    cleanup: 'compact' as const,
  };
  const between = [...repartitions].map(([repartition, partitions]) => ({
    topic: resolveTopic({ repartition }, applicationId),
    partitions,
    cleanup: 'delete' as const,
  }));
  return {
    parts,
    sources: parts.flatMap(({ sub }) => sub.sources.map(source => resolveTopic(source.topic, applicationId))),
    internal: [...between, ...changelogs, ...(changelogs.length > 0 ? [checkpoints] : [])],
  };
}

function taskCount(graph: Graph, sub: SubTopology, countOf: (ref: TopicRef) => number): number {
  const counts = sub.sources.map(({ topic }) => ({ topic, partitions: countOf(topic) }));
  const most = Math.max(...counts.map(({ partitions }) => partitions));
  if (sub.stores.length === 0 || counts.every(({ partitions }) => partitions === most)) return most;
  const list = counts.map(
    ({ topic, partitions }) => `${'topic' in topic ? topic.topic : topic.repartition} ${partitions}`,
  );
  throw invalid(
    graph.name,
    `topics that share state must have the same number of partitions (${list.join(', ')}): make them equal, or repartition() one`,
  );
}

/**
 * A repartition has as many partitions as it was told; else as the topics it meets state with; else as the widest topic read
 * before it.
 */
function repartitionCounts(
  graph: Graph,
  subs: readonly SubTopology[],
  partitionsOf: (topic: string) => number,
): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  const read = (ref: TopicRef) =>
    'topic' in ref ? partitionsOf(ref.topic) : (ref.partitions ?? counts.get(ref.repartition) ?? 0);
  const given = (ref: TopicRef) => ('topic' in ref ? partitionsOf(ref.topic) : (ref.partitions ?? 0));
  const widest = (refs: readonly { readonly topic: TopicRef }[], of: (ref: TopicRef) => number) =>
    Math.max(0, ...refs.map(({ topic }) => of(topic)));
  // As many rounds as there may be repartitions one after the other.
  for (const _round of subs) {
    for (const { nodes, sources } of subs) {
      for (const { sink } of nodes) {
        if (!sink || 'topic' in sink) continue;
        const met = subs.find(each => each.sources.some(({ topic }) => isSame(topic, sink)));
        const meets = met && met.stores.length > 0 ? met.sources : [];
        const count =
          sink.partitions ?? (widest(meets, given) || Math.max(widest(sources, read), widest(meets, read)));
        counts.set(sink.repartition, Math.max(count, counts.get(sink.repartition) ?? 0));
      }
    }
  }
  for (const [name, partitions] of counts)
    if (partitions === 0) throw invalid(graph.name, `repartition ${name} reads nothing but itself`);
  return counts;
}

const isSame = (ref: TopicRef, other: TopicRef) =>
  'repartition' in ref && 'repartition' in other && ref.repartition === other.repartition;
