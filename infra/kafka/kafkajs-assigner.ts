import kafkajs, { type PartitionAssigner } from 'kafkajs';
import { assign } from './assignment.ts';
import type { Cluster } from './kafkajs-internals.ts';
import type { DrivenAssigner, GroupDriver } from './kafkajs-mends.ts';

const { MemberAssignment, MemberMetadata } = kafkajs.AssignerProtocol;
const name = 'sluice-by-number';
const version = 0;

/** Our assignment (see `assign`) as a kafkajs assigner, which also carries the driver to the group. */
export function drivenAssigner(driver: GroupDriver): PartitionAssigner {
  return ({ cluster }) => {
    const { findTopicPartitionMetadata } = cluster as unknown as Cluster;
    const count = (topic: string) => findTopicPartitionMetadata.call(cluster, topic).length;
    const assigner: DrivenAssigner = {
      driver,
      name,
      version,
      protocol: ({ topics }) => ({
        name,
        metadata: MemberMetadata.encode({ version, topics, userData: Buffer.alloc(0) }),
      }),
      assign: async ({ members }) => {
        const subscriptions = members.map(({ memberId, memberMetadata }) => ({
          memberId,
          topics: MemberMetadata.decode(memberMetadata)!.topics,
        }));
        const topics = new Set(subscriptions.flatMap(each => each.topics));
        const assignment = assign(subscriptions, new Map([...topics].map(topic => [topic, count(topic)])));
        return [...assignment].map(([memberId, held]) => {
          const byTopic = Map.groupBy(held, at => at.topic);
          const numbers = [...byTopic].map(([topic, each]) => [topic, each.map(at => at.partition)]);
          return {
            memberId,
            memberAssignment: MemberAssignment.encode({
              version,
              assignment: Object.fromEntries(numbers),
              userData: Buffer.alloc(0),
            }),
          };
        });
      },
    };
    return assigner;
  };
}
