import { SluiceError } from '#errors';
import type { LogAdmin, TopicSpec } from '#kafka';
import { type InternalTopic, type Plan, planOf } from '../task/plan.ts';
import type { Graph } from '../topology/graph.ts';

/**
 * Changes younger than the lag are never compacted away, so that those of a torn checkpoint cannot replace what counts.
 * Small segments keep a restore short. What is deleted is deleted when it was processed (purge.ts), never by age: an
 * application that stood still goes on where it was. A key's whole state is one record, which may be large.
 */
const largestRecord = { 'max.message.bytes': `${16 * 1_048_576}` };
const configs: Readonly<Record<InternalTopic['cleanup'], Readonly<Record<string, string>>>> = {
  compact: {
    ...largestRecord,
    'cleanup.policy': 'compact',
    'min.compaction.lag.ms': '600000',
    'segment.bytes': `${64 * 1_048_576}`,
    'segment.ms': '3600000',
  },
  delete: {
    ...largestRecord,
    'cleanup.policy': 'delete',
    'retention.ms': '-1',
    'retention.bytes': '-1',
    'segment.bytes': `${64 * 1_048_576}`,
  },
};

/**
 * Plans against the topics that are there, and creates those of the application.
 * Errors: TOPIC_UNKNOWN for a source that is not there; CONFIG_INVALID for partition counts that do not fit.
 */
export async function prepareTopics(admin: LogAdmin, graph: Graph, applicationId: string): Promise<Plan> {
  const counts = new Map<string, number>();
  const outside = graph.nodes.flatMap(({ source }) =>
    source && 'topic' in source.topic ? source.topic.topic : [],
  );
  for (const topic of outside) counts.set(topic, (await admin.offsets(topic)).length);
  const plan = planOf(graph, applicationId, topic => counts.get(topic)!);
  const created = await admin.createTopics(plan.internal.map(specOf));
  for (const { topic, partitions } of plan.internal) {
    if (created.includes(topic)) continue;
    const found = (await admin.offsets(topic)).length;
    if (found !== partitions) throw misfit(topic, found, partitions);
  }
  return plan;
}

const specOf = ({ topic, partitions, cleanup }: InternalTopic): TopicSpec => ({
  topic,
  partitions,
  config: configs[cleanup],
});

function misfit(topic: string, found: number, wanted: number): SluiceError {
  return new SluiceError(
    'CONFIG_INVALID',
    `${topic} has ${found} partitions and needs ${wanted}, as many as the topics read: when those have grown, keys moved; delete the application's own topics and read its input from the start under a new application id`,
  );
}
