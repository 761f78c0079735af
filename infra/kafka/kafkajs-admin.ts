import { setTimeout as sleep } from 'node:timers/promises';
import { protocolTypeOf } from './kafkajs-errors.ts';
import { earliest, type KafkajsLink, latest } from './kafkajs-link.ts';
import type { LogAdmin, TopicPartitionOffset, TopicSpec } from './port.ts';

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

  close(): Promise<void> {
    return this.#link.close();
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
