import { setTimeout as sleep } from 'node:timers/promises';
import { SluiceError } from '#errors';
import { protocolTypeOf } from './kafkajs-errors.ts';
import { groupDescription } from './kafkajs-group.ts';
import { earliest, type KafkajsLink, latest } from './kafkajs-link.ts';
import type { GroupDescription, LogAdmin, TopicPartitionOffset, TopicSpec } from './port.ts';

const usualReplicas = 3;
const settlePollMs = 20;
const settleTimeoutMs = 10_000;

export class KafkajsAdmin implements LogAdmin {
  readonly #link: KafkajsLink;

  constructor(link: KafkajsLink) {
    this.#link = link;
  }

  async createTopics(topics: readonly TopicSpec[]): Promise<readonly string[]> {
    const there = new Set(await this.#link.topics());
    const missing = topics.filter(({ topic }) => !there.has(topic));
    if (missing.length === 0) return [];
    const replicas = Math.min(usualReplicas, await this.#link.brokerCount());
    const request = missing.map(spec => ({
      topic: spec.topic,
      numPartitions: spec.partitions,
      replicationFactor: spec.replicas ?? replicas,
      configEntries: Object.entries(spec.config ?? {}).map(([name, value]) => ({ name, value })),
    }));
    const names = missing.map(spec => spec.topic);
    const lost = await this.#link.controller(`Creating topics ${names.join(', ')}`, (broker, timeout) =>
      broker.createTopics({ topics: request, timeout }).then(() => new Set<string>(), createdByOthers),
    );
    await this.#settled(names, true);
    return names.filter(name => !lost.has(name));
  }

  async deleteTopics(topics: readonly string[]): Promise<void> {
    const there = new Set(await this.#link.topics());
    const names = topics.filter(topic => there.has(topic));
    if (names.length === 0) return;
    await this.#link.controller(`Deleting topics ${names.join(', ')}`, async (broker, timeout) => {
      for (const name of names) {
        await broker.deleteTopics({ topics: [name], timeout }).catch(error => {
          if (protocolTypeOf(error) !== 'UNKNOWN_TOPIC_OR_PARTITION') throw error;
        });
      }
    });
    await this.#settled(names, false);
  }

  listTopics(): Promise<readonly string[]> {
    return this.#link.topics();
  }

  async offsets(topic: string) {
    const first = await this.#link.offsets(topic, earliest, 'uncommitted');
    const end = await this.#link.offsets(topic, latest, 'uncommitted');
    const partitions = [...first.keys()].sort((a, b) => a - b);
    return partitions.map(partition => ({
      topic,
      partition,
      earliest: first.get(partition)!,
      latest: end.get(partition)!,
    }));
  }

  async offsetsForTime(topic: string, timestampMs: number): Promise<readonly TopicPartitionOffset[]> {
    const end = await this.#link.offsets(topic, latest, 'uncommitted');
    const found = await this.#link.offsets(topic, timestampMs, 'uncommitted');
    const partitions = [...found.keys()].sort((a, b) => a - b);
    return partitions.map(partition => {
      const offset = found.get(partition)!;
      return { topic, partition, offset: offset < 0 ? end.get(partition)! : offset };
    });
  }

  async committed(groupId: string, topics: readonly string[]): Promise<readonly TopicPartitionOffset[]> {
    const asked = await Promise.all(
      topics.map(async topic => {
        const partitions = await this.#link.partitions(topic);
        return { topic, partitions: partitions.map(partition => ({ partition })) };
      }),
    );
    if (asked.length === 0) return [];
    const { responses } = await this.#link.coordinator(groupId, broker =>
      broker.offsetFetch({ groupId, topics: asked }),
    );
    return responses.flatMap(({ topic, partitions }) =>
      partitions
        .map(({ partition, offset }) => ({ topic, partition, offset: Number(offset) }))
        .filter(({ offset }) => offset >= 0),
    );
  }

  async deleteRecords(before: readonly TopicPartitionOffset[]): Promise<void> {
    await Promise.all(before.map(position => this.#deleteRecords(position)));
  }

  async groups(): Promise<readonly string[]> {
    const answers = await this.#link.everyBroker('Listing groups', broker => broker.listGroups());
    return [...new Set(answers.flatMap(({ groups }) => groups.map(({ groupId }) => groupId)))].sort();
  }

  async group(groupId: string): Promise<GroupDescription | null> {
    const { groups } = await this.#link.coordinator(groupId, broker =>
      broker.describeGroups({ groupIds: [groupId] }),
    );
    return groupDescription(groups[0]!);
  }

  close(): Promise<void> {
    return this.#link.close();
  }

  /** One partition a request: kafkajs tells the errors of one topic at most. */
  #deleteRecords({ topic, partition, offset }: TopicPartitionOffset): Promise<void> {
    const doing = `Deleting records of ${topic}/${partition} before ${offset}`;
    return this.#link.attempt(doing, async () => {
      const leader = await this.#link.leader({ topic, partition });
      const request = { topics: [{ topic, partitions: [{ partition, offset: `${offset}` }] }] };
      try {
        await leader.deleteRecords(request);
      } catch (error) {
        const root = deletionError(error);
        if (root.type !== 'OFFSET_OUT_OF_RANGE') throw root;
        const mend = 'the offset is past the end of the partition; ask for no more than it holds';
        throw new SluiceError('BROKER_REFUSED', `${doing}: ${mend}`, { cause: error });
      }
    });
  }

  /** Waits until brokers know (or no longer know) the topics, so that the next call finds what this one did. */
  async #settled(names: readonly string[], wanted: boolean): Promise<void> {
    const deadline = performance.now() + settleTimeoutMs;
    for (;;) {
      const there = new Set(await this.#link.topics());
      if (names.every(name => there.has(name) === wanted) || performance.now() > deadline) return;
      await sleep(settlePollMs);
    }
  }
}

/** Names of topics that another client created in between; throws on anything else. */
function createdByOthers(error: { errors?: readonly { type?: string; topic?: string }[] }): Set<string> {
  const { errors } = error;
  const real = errors?.find(each => each.type !== 'TOPIC_ALREADY_EXISTS');
  if (!errors || real) throw real ?? error;
  return new Set(errors.map(each => each.topic!));
}

/** kafkajs wraps the partition's own error, beside which it keeps the offset asked for. */
function deletionError(error: unknown): { type?: string } {
  const { partitions } = error as { partitions?: readonly { error: { type: string } }[] };
  return partitions?.[0]?.error ?? (error as { type?: string });
}
