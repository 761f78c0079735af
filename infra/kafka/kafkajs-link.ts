import { setTimeout as sleep } from 'node:timers/promises';
import type { Kafka } from 'kafkajs';
import { SluiceError } from '#errors';
import { type FetchedPartition, readFetchResponse } from './fetch-response.ts';
import { fromKafkajs, isPassing } from './kafkajs-errors.ts';
import {
  type Broker,
  type Cluster,
  clusterOf,
  type Exchange,
  internals,
  type PartitionMetadata,
} from './kafkajs-internals.ts';
import type { TopicPartition } from './port.ts';

/** The protocol's stand-ins for a time. */
export const latest = -1;
export const earliest = -2;
export type Isolation = 'committed' | 'uncommitted';

const metadataMaxAgeMs = 60_000;
const firstRetryMs = 20;
const longestRetryMs = 1_000;
/** A topic just created may not be known to every broker yet. */
const unknownTopicGraceMs = 500;
const controllerTimeoutMs = 10_000;
/** The protocol's numbers. */
const topicResource = 2;
const transactionCoordinatorType = 1;

/**
 * One connection to the cluster, for requests that kafkajs has no consumer, producer or admin call for.
 *
 * Invariants: requests that fail on the way to a broker are tried again until the time is up; TOPIC_UNKNOWN is settled
 * within half a second.
 */
export class KafkajsLink {
  readonly #cluster: Cluster;
  readonly #patienceMs: number;
  readonly #topics = new Map<string, { partitions: readonly PartitionMetadata[]; until: number }>();
  #connected: Promise<void> | null = null;
  #closed = false;

  constructor(kafka: Kafka, patienceMs: number) {
    this.#cluster = clusterOf(kafka, metadataMaxAgeMs);
    this.#patienceMs = patienceMs;
  }

  /** Numbers of the topic's partitions, ascending; TOPIC_UNKNOWN. */
  async partitions(topic: string): Promise<readonly number[]> {
    return this.attempt(`Topic ${topic}`, async () => {
      const partitions = await this.#partitionsOf(topic);
      return partitions.map(partition => partition.partitionId).sort((a, b) => a - b);
    });
  }

  /** Number of the topic's partitions and the node that leads each, by partition; TOPIC_UNKNOWN. */
  async leaders(topic: string): Promise<readonly number[]> {
    return this.attempt(`Topic ${topic}`, async () => {
      const leaders: number[] = [];
      for (const { partitionId, leader } of await this.#partitionsOf(topic)) leaders[partitionId] = leader;
      return leaders;
    });
  }

  /** Has the topic looked up anew when it is next asked for. */
  forget(topic: string): void {
    this.#topics.delete(topic);
  }

  /** Settings of the topic, by name; none when this client may not ask. TOPIC_UNKNOWN. */
  async topicConfig(topic: string, configNames: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const resources = [{ type: topicResource, name: topic, configNames }];
    try {
      return await this.controller(`Topic ${topic}`, async broker => {
        const answer = await broker.describeConfigs({ resources });
        const entries = answer.resources[0]?.configEntries ?? [];
        return new Map(entries.map(({ configName, configValue }) => [configName, configValue]));
      });
    } catch (error) {
      if ((error as SluiceError).code === 'BROKER_REFUSED') return new Map();
      throw error;
    }
  }

  /** A connected broker, tried once. */
  async broker(nodeId: number): Promise<Broker> {
    await this.#connect();
    return this.#cluster.findBroker({ nodeId });
  }

  /** The coordinator of a transactional id, tried once. */
  async transactionCoordinator(transactionalId: string): Promise<Broker> {
    await this.#connect();
    return this.#cluster.findGroupCoordinator({
      groupId: transactionalId,
      coordinatorType: transactionCoordinatorType,
    });
  }

  /** Offsets by partition for a time, or `latest` or `earliest`; -1 where no record is that new. */
  async offsets(
    topic: string,
    timestampMs: number,
    isolation: Isolation,
  ): Promise<ReadonlyMap<number, number>> {
    return this.attempt(`Offsets of ${topic}`, async () => {
      const byLeader = Map.groupBy(await this.#partitionsOf(topic), partition => partition.leader);
      const found = new Map<number, number>();
      for (const [nodeId, led] of byLeader) {
        const broker = await this.#cluster.findBroker({ nodeId });
        const partitions = led.map(({ partitionId: partition }) => ({ partition, timestamp: timestampMs }));
        const isolationLevel = isolation === 'committed' ? 1 : 0;
        const { responses } = await broker.listOffsets({ isolationLevel, topics: [{ topic, partitions }] });
        for (const { partition, offset } of responses[0]!.partitions) found.set(partition, Number(offset));
      }
      return found;
    });
  }

  leader({ topic, partition }: TopicPartition): Promise<Broker> {
    return this.attempt(`Topic ${topic}, partition ${partition}`, async () => {
      const found = (await this.#partitionsOf(topic)).find(at => at.partitionId === partition);
      if (!found) throw new SluiceError('TOPIC_UNKNOWN', `Topic ${topic} has no partition ${partition}`);
      return this.#cluster.findBroker({ nodeId: found.leader });
    });
  }

  /** Every topic but the broker's own. */
  topics(): Promise<string[]> {
    return this.attempt('Listing topics', async () => {
      const broker = await this.#cluster.findControllerBroker();
      const { topicMetadata } = await broker.metadata([]);
      return topicMetadata.filter(each => !each.isInternal).map(each => each.topic);
    });
  }

  async brokerCount(): Promise<number> {
    return this.attempt('Listing brokers', async () => {
      const broker = await this.#cluster.findControllerBroker();
      return (await broker.metadata([])).brokers.length;
    });
  }

  /** Asks every broker the same. */
  everyBroker<T>(doing: string, act: (broker: Broker) => Promise<T>): Promise<T[]> {
    return this.attempt(doing, async () => {
      const { brokers } = await (await this.#cluster.findControllerBroker()).metadata([]);
      return Promise.all(brokers.map(async ({ nodeId }) => act(await this.#cluster.findBroker({ nodeId }))));
    });
  }

  /** Runs what needs the controller. */
  controller<T>(doing: string, act: (broker: Broker, timeoutMs: number) => Promise<T>): Promise<T> {
    return this.attempt(doing, async () =>
      act(await this.#cluster.findControllerBroker(), controllerTimeoutMs),
    );
  }

  /** Runs what needs the group's coordinator. */
  coordinator<T>(groupId: string, act: (broker: Broker) => Promise<T>): Promise<T> {
    return this.attempt(`Group ${groupId}`, async () =>
      act(await this.#cluster.findGroupCoordinator({ groupId })),
    );
  }

  /** Tries until it succeeds, fails for good or the time is up; rejects with an error of the catalogue. */
  async attempt<T>(doing: string, act: () => Promise<T>): Promise<T> {
    const started = performance.now();
    for (let waitMs = firstRetryMs; ; waitMs = Math.min(waitMs * 2, longestRetryMs)) {
      try {
        await this.#connect();
        return await act();
      } catch (error) {
        const known = fromKafkajs(error, doing);
        const patienceMs = isPassing(known)
          ? this.#patienceMs
          : known.code === 'TOPIC_UNKNOWN'
            ? unknownTopicGraceMs
            : 0;
        if (this.#closed || performance.now() - started + waitMs > patienceMs) throw known;
        await sleep(waitMs);
        this.#topics.clear();
        if (isPassing(known)) await this.#cluster.refreshMetadata().catch(() => {});
      }
    }
  }

  /** Whoever is still trying something gives up. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#connected?.catch(() => {});
    await this.#cluster.disconnect();
  }

  async #connect(): Promise<void> {
    if (this.#closed) throw new SluiceError('BUG', 'The connection is closed; make a new client');
    this.#connected ??= this.#cluster.connect().then(() => this.#cluster.refreshMetadata());
    try {
      await this.#connected;
    } catch (error) {
      this.#connected = null;
      throw error;
    }
  }

  /** Asked per topic, so that a deleted topic cannot spoil what is known of the others. */
  async #partitionsOf(topic: string): Promise<readonly PartitionMetadata[]> {
    const known = this.#topics.get(topic);
    if (known && performance.now() < known.until) return known.partitions;
    const broker = await this.#cluster.findControllerBroker();
    const { topicMetadata } = await broker.metadata([topic]);
    const partitions = topicMetadata[0]!.partitionMetadata;
    this.#topics.set(topic, { partitions, until: performance.now() + metadataMaxAgeMs });
    return partitions;
  }
}

export interface FetchRequest {
  readonly positions: readonly { topic: string; partition: number; offset: number }[];
  readonly maxWaitMs: number;
  readonly maxBytes: number;
  readonly maxBytesPerPartition: number;
}

const fetchVersion = 11;

/** Fetches readable records; partitions with an error carry its code. */
export async function fetchFrom(broker: Broker, request: FetchRequest): Promise<FetchedPartition[]> {
  const { positions, maxWaitMs, maxBytes, maxBytesPerPartition } = request;
  const asked = new Map(positions.map(at => [`${at.topic}/${at.partition}`, at.offset]));
  const topics = [...Map.groupBy(positions, at => at.topic)].map(([topic, at]) => ({
    topic,
    partitions: at.map(({ partition, offset }) => ({
      partition,
      fetchOffset: `${offset}`,
      maxBytes: maxBytesPerPartition,
    })),
  }));
  const exchange: Exchange = broker.lookupRequest(
    internals.apiKeys.Fetch,
    internals.requests.Fetch,
  )({ isolationLevel: 1, maxWaitTime: maxWaitMs, minBytes: 1, maxBytes, topics });
  const { apiVersion } = exchange.request;
  if (apiVersion !== fetchVersion) {
    throw new SluiceError(
      'BROKER_REFUSED',
      `The broker offers Fetch version ${apiVersion}; run Kafka 2.3 or newer`,
    );
  }
  const response = {
    decode: async (raw: Buffer) => ({
      clientSideThrottleTime: raw.readInt32BE(0),
      fetched: readFetchResponse(raw, (topic, partition) => asked.get(`${topic}/${partition}`)!),
    }),
    parse: async (decoded: unknown) => decoded,
  };
  try {
    const answer = await broker.connectionPool.send({ ...exchange, response });
    return (answer as { fetched: FetchedPartition[] }).fetched;
  } catch (error) {
    // As kafkajs does after every request it sends itself: a closed connection is not reused.
    if ((error as Error).name === 'KafkaJSConnectionClosedError') await broker.disconnect();
    throw error;
  }
}

/** The protocol's error of a fetched partition; null for none. */
export function fetchError({ errorCode }: FetchedPartition) {
  return errorCode === 0 ? null : internals.errorFromCode(errorCode);
}
