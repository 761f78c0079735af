import type { TopicPartition } from './port.ts';

export interface Subscription {
  readonly memberId: string;
  readonly topics: readonly string[];
}

/**
 * Gives partition p of every topic to the p-th of the members that subscribe to it (sorted by id, counted round and round).
 * Deterministic; members with the same topics hold the same partition numbers of each.
 */
export function assign(
  members: readonly Subscription[],
  partitionsOf: ReadonlyMap<string, number>,
): Map<string, TopicPartition[]> {
  const sorted = [...members].sort((a, b) => (a.memberId < b.memberId ? -1 : 1));
  const assignment = new Map(sorted.map(member => [member.memberId, [] as TopicPartition[]]));
  const topics = new Set(sorted.flatMap(member => member.topics));
  for (const topic of [...topics].sort()) {
    const subscribers = sorted.filter(member => member.topics.includes(topic));
    for (let partition = 0; partition < (partitionsOf.get(topic) ?? 0); partition += 1) {
      assignment.get(subscribers[partition % subscribers.length]!.memberId)!.push({ topic, partition });
    }
  }
  return assignment;
}

/** A partition as a map key; topic names never hold a slash. */
export function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}
