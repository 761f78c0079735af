import { setTimeout as sleep } from 'node:timers/promises';
import type { ConsumerTimes } from './consumer-times.ts';
import type { Cluster } from './kafkajs-internals.ts';
import { earliest, fetchError, fetchFrom, type KafkajsLink, latest } from './kafkajs-link.ts';
import type { TransportLogger } from './kafkajs-log.ts';
import { FetchedBatch, type Holding, type Positions } from './kafkajs-positions.ts';
import type { ConsumerOptions, TopicPartition } from './port.ts';

export interface FetchingSetup {
  readonly link: KafkajsLink;
  readonly options: ConsumerOptions;
  readonly times: ConsumerTimes;
  readonly positions: Positions;
  readonly logger: TransportLogger;
}

const defaultMaxBytesPerPartition = 1_048_576;
const maxBytes = 10 * 1_048_576;
const nothingToFetchMs = 50;

/** Fetches what is held, from where it stands. Owns: where a partition starts. Does not own: which are held. */
export class Fetching {
  /** Fetches that a broker answered. */
  answered = 0;
  readonly #setup: FetchingSetup;

  constructor(setup: FetchingSetup) {
    this.#setup = setup;
  }

  /** Of the partitions that the broker leads, those that nobody handles or paused. */
  async fetch(cluster: Cluster, nodeId: string): Promise<readonly FetchedBatch[]> {
    const { positions, options, times } = this.#setup;
    await this.#locate(positions.all.filter(holding => holding.position === null));
    const wanted = positions.all.filter(
      holding => !holding.running && !positions.isPaused(holding) && leads(cluster, nodeId, holding),
    );
    if (wanted.length === 0) {
      await sleep(Math.min(nothingToFetchMs, times.maxWaitMs));
      return [];
    }
    const seeks = new Map(wanted.map(holding => [holding, holding.seeks]));
    const fetched = await fetchFrom(await cluster.findBroker({ nodeId }), {
      positions: wanted.map(({ topic, partition, position }) => ({ topic, partition, offset: position! })),
      maxWaitMs: times.maxWaitMs,
      maxBytes,
      maxBytesPerPartition: options.maxBytesPerPartition ?? defaultMaxBytesPerPartition,
    });
    this.answered += 1;
    const batches: FetchedBatch[] = [];
    for (const each of fetched) {
      const holding = positions.find(each);
      if (!holding || seeks.get(holding) !== holding.seeks || positions.isPaused(holding)) continue;
      const error = fetchError(each);
      if (error?.type === 'OFFSET_OUT_OF_RANGE') await this.#restart(holding);
      else if (error) throw error;
      else if (each.records.length > 0) batches.push(new FetchedBatch(each, holding));
      else holding.position = each.nextOffset;
    }
    return batches;
  }

  /** Positions of partitions new to this member: committed, else where to start. */
  async #locate(holdings: readonly Holding[]): Promise<void> {
    if (holdings.length === 0) return;
    const { link, options } = this.#setup;
    const topics = [...Map.groupBy(holdings, at => at.topic)].map(([topic, each]) => ({
      topic,
      partitions: each.map(({ partition }) => ({ partition })),
    }));
    const { groupId } = options;
    const { responses } = await link.coordinator(groupId, broker => broker.offsetFetch({ groupId, topics }));
    for (const { topic, partitions } of responses) {
      const uncommitted = partitions.some(({ offset }) => Number(offset) < 0);
      const starts = uncommitted ? await this.#starts(topic) : new Map<number, number>();
      for (const { partition, offset } of partitions) {
        const holding = holdings.find(at => at.topic === topic && at.partition === partition);
        const start = Number(offset) >= 0 ? Number(offset) : starts.get(partition);
        // A seek while this was looked up counts.
        if (holding?.position === null && start !== undefined) holding.position = start;
      }
    }
  }

  #starts(topic: string): Promise<ReadonlyMap<number, number>> {
    const { link, options } = this.#setup;
    return link.offsets(topic, options.startFrom === 'earliest' ? earliest : latest, 'uncommitted');
  }

  /** The log no longer holds the position: retention was shorter than this group's absence. */
  async #restart(holding: Holding): Promise<void> {
    const { logger, options } = this.#setup;
    const { topic, partition, position } = holding;
    const start = (await this.#starts(topic)).get(partition)!;
    const fields = { groupId: options.groupId, topic, partition, position, start };
    logger.error(fields, `${topic}/${partition} no longer holds offset ${position}: going on at ${start}`);
    if (holding.position === position) holding.position = start;
  }
}

function leads(cluster: Cluster, nodeId: string, { topic, partition }: TopicPartition): boolean {
  const found = cluster.findTopicPartitionMetadata(topic).find(at => at.partitionId === partition);
  return `${found?.leader}` === nodeId;
}
