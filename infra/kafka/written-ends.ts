import type { PartitionEnd, TopicPartitionOffset } from './port.ts';

/** Where each partition of the records ends; offsets ascend within a partition. */
export function endsOf(written: readonly TopicPartitionOffset[]): PartitionEnd[] {
  const ends = new Map<string, PartitionEnd>();
  for (const { topic, partition, offset } of written) {
    ends.set(`${topic}/${partition}`, { topic, partition, end: offset + 1 });
  }
  return [...ends.values()];
}
