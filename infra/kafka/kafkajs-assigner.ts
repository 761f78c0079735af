import kafkajs, { type PartitionAssigner } from 'kafkajs';
import { assign } from './assignment.ts';
import type { Claims } from './claims.ts';
import { groupMembers } from './group-members.ts';
import { decodeClaims, decodeMembers, encodeClaims, encodeMembers } from './group-wire.ts';
import type { Cluster } from './kafkajs-internals.ts';
import type { DrivenAssigner, GroupDriver } from './kafkajs-mends.ts';
import type { GroupMember, TopicPartition } from './port.ts';

const { MemberAssignment, MemberMetadata } = kafkajs.AssignerProtocol;
/** Members of one group must share it; what they tell each other beyond Kafka's own is versioned in group-wire.ts. */
export const assignerName = 'sluice-by-number';
const version = 0;

/** Our assignment (see `assign`) as a kafkajs assigner, which also carries the driver to the group. */
export function drivenAssigner(driver: GroupDriver, claims: () => Claims): PartitionAssigner {
  return ({ cluster }) => {
    const { findTopicPartitionMetadata } = cluster as unknown as Cluster;
    const count = (topic: string) => findTopicPartitionMetadata.call(cluster, topic).length;
    const assigner: DrivenAssigner = {
      driver,
      name: assignerName,
      version,
      protocol: ({ topics }) => ({
        name: assignerName,
        metadata: MemberMetadata.encode({ version, topics, userData: encodeClaims(claims()) }),
      }),
      assign: async ({ members }) => {
        const subscriptions = members.map(({ memberId, memberMetadata }) => {
          const { topics, userData } = MemberMetadata.decode(memberMetadata)!;
          return { memberId, topics, ...decodeClaims(userData) };
        });
        const topics = new Set(subscriptions.flatMap(each => each.topics));
        const shares = assign(subscriptions, new Map([...topics].map(topic => [topic, count(topic)])));
        const userData = encodeMembers(groupMembers(subscriptions, shares));
        return [...shares].map(([memberId, { partitions }]) => ({
          memberId,
          memberAssignment: MemberAssignment.encode({ version, assignment: byTopic(partitions), userData }),
        }));
      },
    };
    return assigner;
  };
}

export interface DecodedAssignment {
  readonly partitions: readonly TopicPartition[];
  /** All of the group; none when it was not made by an assigner of this version or newer. */
  readonly members: readonly GroupMember[];
}

/** An assignment in Kafka's own form, whichever assigner made it. */
export function decodeAssignment(bytes: Buffer): DecodedAssignment {
  const decoded = MemberAssignment.decode(bytes);
  if (!decoded) return { partitions: [], members: [] };
  const partitions = Object.entries(decoded.assignment).flatMap(([topic, numbers]) =>
    numbers.map(partition => ({ topic, partition })),
  );
  return { partitions, members: decodeMembers(decoded.userData) };
}

function byTopic(partitions: readonly TopicPartition[]): Record<string, number[]> {
  const grouped = Map.groupBy(partitions, at => at.topic);
  return Object.fromEntries([...grouped].map(([topic, each]) => [topic, each.map(at => at.partition)]));
}
