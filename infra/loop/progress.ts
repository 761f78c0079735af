/** How far enrich is with what stands in the event topics. */

import type { LogClient, PartitionRange } from '#kafka';
import { type RecordTopicName, topicName } from '#schemas';

export interface TopicsOf {
  readonly client: LogClient;
  readonly tenant: string;
}

/** The ends of the topics as of now, of partitions that hold anything. */
export async function endsOf(
  { client, tenant }: TopicsOf,
  topics: readonly RecordTopicName[],
): Promise<readonly PartitionRange[]> {
  const admin = await client.admin();
  const ranges = await Promise.all(topics.map(topic => admin.offsets(topicName(tenant, topic))));
  await admin.close();
  return ranges.flat().filter(({ earliest, latest }) => latest > earliest);
}

/** Whether enrich has committed past all of these ends. */
export async function isEnriched(
  { client, tenant }: TopicsOf,
  ends: readonly PartitionRange[],
): Promise<boolean> {
  const admin = await client.admin();
  const committed = await admin.committed(`${tenant}.enrich`, [...new Set(ends.map(({ topic }) => topic))]);
  await admin.close();
  return ends.every(({ topic, partition, latest }) =>
    committed.some(at => at.topic === topic && at.partition === partition && at.offset >= latest),
  );
}
