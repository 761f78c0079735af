import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import type { Assigner, Kafka } from 'kafkajs';

/**
 * The parts of kafkajs 2.2.4 that its typings leave out, as far as this folder uses them.
 *
 * Owns: reaching them. kafkajs has had no release since 2023 and is pinned, so its inside is as stable as its face; another
 * version must be read against this file first.
 */

export interface PartitionMetadata {
  readonly partitionId: number;
  readonly leader: number;
  readonly partitionErrorCode: number;
}

interface Metadata {
  readonly brokers: readonly { nodeId: number }[];
  readonly topicMetadata: readonly {
    topic: string;
    isInternal?: boolean;
    partitionMetadata: readonly PartitionMetadata[];
  }[];
}

interface OffsetsRequest {
  readonly isolationLevel: number;
  readonly topics: readonly {
    topic: string;
    partitions: readonly { partition: number; timestamp: number }[];
  }[];
}

interface Answers<Partition> {
  readonly responses: readonly { topic: string; partitions: readonly Partition[] }[];
}

export interface DescribedGroup {
  readonly groupId: string;
  readonly state: string;
  /** Name of the assigner. */
  readonly protocol: string;
  readonly members: readonly {
    readonly memberId: string;
    readonly clientId: string;
    readonly clientHost: string;
    readonly memberMetadata: Buffer;
    readonly memberAssignment: Buffer;
  }[];
}

/** What a connection sends: how to write the request and how to read the answer. */
export interface Exchange {
  request: { apiKey: number; apiVersion: number; apiName: string; encode(): Promise<unknown> };
  response: { decode(raw: Buffer): Promise<unknown>; parse(decoded: unknown): Promise<unknown> };
  requestTimeout?: number;
}

/** One socket to a broker and what is under way on it. */
export interface Connection {
  readonly clientId: string;
  readonly broker: string;
  readonly sasl: unknown;
  readonly socket: Socket;
  readonly requestQueue: {
    push(request: {
      entry: {
        apiKey: number;
        apiVersion: number;
        apiName: string;
        correlationId: number;
        resolve(answer: { payload: Buffer }): void;
        reject(error: Error): void;
      };
      expectResponse: boolean;
      requestTimeout: number | null;
      sendRequest(): void;
    }): void;
    maybeThrottle(timeMs: number): void;
  };
  isConnected(): boolean;
  isAuthenticated(): boolean;
  authenticate(): Promise<void>;
  nextCorrelationId(): number;
}

/** The names of a transactional producer in the protocol. */
export interface ProducerName {
  readonly transactionalId: string;
  readonly producerId: string;
  readonly producerEpoch: number;
}

export interface Broker {
  readonly nodeId: number;
  readonly connectionPool: {
    send(exchange: Exchange): Promise<unknown>;
    getConnection(index: number): Promise<Connection>;
  };
  lookupRequest(apiKey: number, definition: unknown): (payload: object) => Exchange;
  isConnected(): boolean;
  disconnect(): Promise<void>;
  metadata(topics: readonly string[]): Promise<Metadata>;
  describeConfigs(request: {
    resources: readonly { type: number; name: string; configNames: readonly string[] }[];
  }): Promise<{
    resources: readonly { configEntries: readonly { configName: string; configValue: string }[] }[];
  }>;
  initProducerId(request: {
    transactionalId?: string;
    transactionTimeout: number;
  }): Promise<{ producerId: string; producerEpoch: number }>;
  addPartitionsToTxn(
    request: ProducerName & { topics: readonly { topic: string; partitions: readonly number[] }[] },
  ): Promise<unknown>;
  addOffsetsToTxn(request: ProducerName & { groupId: string }): Promise<unknown>;
  txnOffsetCommit(
    request: ProducerName & {
      groupId: string;
      topics: readonly { topic: string; partitions: readonly { partition: number; offset: string }[] }[];
    },
  ): Promise<unknown>;
  endTxn(request: ProducerName & { transactionResult: boolean }): Promise<unknown>;
  createTopics(request: { topics: readonly object[]; timeout: number }): Promise<unknown>;
  deleteTopics(request: { topics: readonly string[]; timeout: number }): Promise<unknown>;
  listOffsets(request: OffsetsRequest): Promise<Answers<{ partition: number; offset: string }>>;
  offsetFetch(request: {
    groupId: string;
    topics: readonly { topic: string; partitions: readonly { partition: number }[] }[];
  }): Promise<Answers<{ partition: number; offset: string }>>;
  deleteRecords(request: {
    topics: readonly { topic: string; partitions: readonly { partition: number; offset: string }[] }[];
  }): Promise<unknown>;
  listGroups(): Promise<{ readonly groups: readonly { groupId: string }[] }>;
  describeGroups(request: { groupIds: readonly string[] }): Promise<{ groups: readonly DescribedGroup[] }>;
  leaveGroup(member: { groupId: string; memberId: string }): Promise<unknown>;
  offsetCommit(request: {
    groupId: string;
    memberId: string;
    groupGenerationId: number;
    topics: readonly { topic: string; partitions: readonly { partition: number; offset: string }[] }[];
  }): Promise<unknown>;
}

export interface Cluster {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  isConnected(): boolean;
  removeBroker(address: { host: string; port: number }): void;
  addMultipleTargetTopics(topics: readonly string[]): Promise<void>;
  refreshMetadata(): Promise<void>;
  refreshMetadataIfNecessary(): Promise<void>;
  findBroker(node: { nodeId: number | string }): Promise<Broker>;
  findControllerBroker(): Promise<Broker>;
  findGroupCoordinator(of: { groupId: string; coordinatorType?: number }): Promise<Broker>;
  findTopicPartitionMetadata(topic: string): readonly PartitionMetadata[];
  readonly brokerPool: { readonly metadata: Metadata | null };
}

export interface ConsumerGroup {
  readonly assigners: readonly Assigner[];
  readonly cluster: Cluster;
  coordinator: Broker;
  readonly groupId: string;
  memberId: string | null;
  readonly generationId: number;
  assigned(): readonly { topic: string; partitions: readonly number[] }[];
  checkForStaleAssignment(): void;
  heartbeat(options: { interval: number }): Promise<void>;
  joinAndSync(): Promise<void>;
  fetch(nodeId: string): Promise<readonly unknown[]>;
  recoverFromFetch(error: unknown): Promise<void>;
}

export interface RequestQueue {
  readonly pending: readonly unknown[];
  readonly throttledUntil: number;
  throttleCheckTimeoutId: NodeJS.Timeout | null;
  checkPendingRequests(): void;
  scheduleCheckPendingRequests(): void;
}

type Prototype<T> = { prototype: T };
const load = createRequire(import.meta.url);

export const internals = {
  RequestQueue: load('kafkajs/src/network/requestQueue') as Prototype<RequestQueue>,
  ConsumerGroup: load('kafkajs/src/consumer/consumerGroup') as Prototype<ConsumerGroup>,
  Broker: load('kafkajs/src/broker') as Prototype<Record<string, (request: object) => Promise<unknown>>>,
  apiKeys: load('kafkajs/src/protocol/requests/apiKeys') as {
    readonly Fetch: number;
    readonly Produce: number;
  },
  requests: (
    load('kafkajs/src/protocol/requests') as {
      requests: { readonly Fetch: unknown; readonly Produce: unknown };
    }
  ).requests,
  errorFromCode: (
    load('kafkajs/src/protocol/error') as {
      createErrorFromCode(code: number): Error & { type: string; retriable: boolean };
    }
  ).createErrorFromCode,
};

/** A cluster connection of its own: kafkajs hands one to every partition assigner, and only there. */
export function clusterOf(kafka: Kafka, metadataMaxAgeMs: number): Cluster {
  let found: unknown;
  kafka.consumer({
    groupId: 'unused',
    metadataMaxAge: metadataMaxAgeMs,
    allowAutoTopicCreation: false,
    partitionAssigners: [
      ({ cluster }) => {
        found = cluster;
        return { name: 'unused', version: 0 } as Assigner;
      },
    ],
  });
  return found as Cluster;
}
