import { setTimeout as sleep } from 'node:timers/promises';
import type { Consumer, Kafka } from 'kafkajs';
import { SluiceError } from '#errors';
import type { Claims } from './claims.ts';
import { numbersOf } from './group-members.ts';
import { decodeAssignment, drivenAssigner } from './kafkajs-assigner.ts';
import { fromKafkajs, isPassing, protocolTypeOf } from './kafkajs-errors.ts';
import type { Cluster, ConsumerGroup } from './kafkajs-internals.ts';
import { earliest, fetchError, fetchFrom, type KafkajsLink, latest } from './kafkajs-link.ts';
import type { TransportLogger } from './kafkajs-log.ts';
import type { GroupDriver } from './kafkajs-mends.ts';
import { FetchedBatch, type Holding, type Positions } from './kafkajs-positions.ts';
import type { ConsumerOptions, GroupView, TopicPartition, TopicPartitionOffset } from './port.ts';

/** What one session leaves to the next: its member id, and what it was given last. */
export interface Place {
  memberId: string | null;
  owned: readonly number[];
  generation: number;
}

export interface SessionSetup {
  readonly kafka: Kafka;
  readonly link: KafkajsLink;
  readonly options: ConsumerOptions;
  readonly positions: Positions;
  readonly logger: TransportLogger;
  readonly place: Place;
  /** All partitions are about to be lost; waits for handlers and calls `onRevoked`. */
  revoke(): Promise<void>;
  /** Takes the partitions over; nothing is fetched before it resolves. */
  assigned(partitions: readonly TopicPartition[], group: GroupView): Promise<void>;
  /** Handles one batch; never rejects. Answers whether to join the group again. */
  handle(batch: FetchedBatch): Promise<'go on' | 'rejoin'>;
  /** kafkajs gave up on a session that had started. */
  crashed(error: SluiceError): void;
}

const defaultSessionTimeoutMs = 30_000;
const defaultMaxWaitMs = 500;
const defaultMaxBytesPerPartition = 1_048_576;
const maxBytes = 10 * 1_048_576;
const heartbeatMs = 1_000;
const rebalanceTimeoutMs = 60_000;
const nothingToFetchMs = 50;
const endStepMs = 2_000;
const commitPatienceMs = 15_000;
/** What kafkajs takes for a sign to join the group again. */
const rejoinSign = () =>
  Object.assign(new Error('joining the group again'), { type: 'REBALANCE_IN_PROGRESS' });

/**
 * One life of a kafkajs consumer, from connecting to its end; after a crash the consumer starts another.
 *
 * Owns: membership, heartbeats, fetching. Does not own: positions and handlers, which outlive it.
 * kafkajs keeps: the group protocol, the loop that fetches and hands out, retries on the way.
 */
export class KafkajsSession implements GroupDriver {
  readonly #setup: SessionSetup;
  readonly #consumer: Consumer;
  readonly #firstJoin = Promise.withResolvers<void>();
  #heart: NodeJS.Timeout | null = null;
  #group: ConsumerGroup | null = null;
  /** Joining and ending take turns. */
  #turn: Promise<void> = Promise.resolve();
  #assigning: Promise<void> = Promise.resolve();
  #state: 'starting' | 'joining' | 'member' | 'ended' = 'starting';
  #hasJoined = false;
  /** As told when this member joined last. */
  #endpoint: string | null = null;
  /** The group asked this member to join again. */
  #lostPlace = false;
  /** When kafkajs last did something of its own accord: fetched, joined or handed out. */
  activeAtMs = performance.now();

  constructor(setup: SessionSetup) {
    this.#setup = setup;
    const { options } = setup;
    const sessionTimeout = options.sessionTimeoutMs ?? defaultSessionTimeoutMs;
    this.#consumer = setup.kafka.consumer({
      groupId: options.groupId,
      sessionTimeout,
      rebalanceTimeout: Math.max(rebalanceTimeoutMs, sessionTimeout),
      heartbeatInterval: Math.min(heartbeatMs, sessionTimeout / 3),
      maxWaitTimeInMs: options.maxWaitMs ?? defaultMaxWaitMs,
      allowAutoTopicCreation: false,
      metadataMaxAge: rebalanceTimeoutMs,
      partitionAssigners: [drivenAssigner(this, () => this.#claims())],
      retry: { initialRetryTime: 100, maxRetryTime: 2_000, retries: 5, restartOnFailure: async () => false },
    });
    this.#firstJoin.promise.catch(() => {});
  }

  /** Resolves once the first assignment is known; rejects with an error of the catalogue. */
  async start(): Promise<void> {
    const { options } = this.#setup;
    const doing = `Consumer of group ${options.groupId}`;
    const consumer = this.#consumer;
    try {
      consumer.on(consumer.events.CRASH, ({ payload }) => this.#crashed(fromKafkajs(payload.error, doing)));
      await consumer.connect();
      await consumer.subscribe({ topics: [...options.topics] });
      await consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: options.partitionsAtOnce ?? 1,
        eachBatch: ({ batch }) => this.#handOut(batch as unknown as FetchedBatch),
      });
      await this.#firstJoin.promise;
    } catch (error) {
      throw fromKafkajs(error, doing);
    }
  }

  get isMember(): boolean {
    return this.#state === 'member' && !this.#lostPlace;
  }

  /** Keeps the membership, at most once in the interval; notes when the group asks to join again. */
  async heartbeat(interval = heartbeatMs): Promise<void> {
    const group = this.#group;
    if (!group?.memberId || this.#state === 'joining' || this.#state === 'ended') return;
    try {
      await group.heartbeat({ interval });
    } catch (error) {
      // Whatever else went wrong shows in the next fetch.
      if (fromKafkajs(error, 'heartbeat').code === 'REBALANCED') this.#lostPlace = true;
    }
  }

  async commit(offsets: readonly TopicPartitionOffset[]): Promise<void> {
    const group = this.#group;
    if (!group?.memberId) throw new SluiceError('REBALANCED', 'This member has left its group');
    const { groupId, memberId, generationId: groupGenerationId } = group;
    const topics = [...Map.groupBy(offsets, at => at.topic)].map(([topic, each]) => ({
      topic,
      partitions: each.map(({ partition, offset }) => ({ partition, offset: `${offset}` })),
    }));
    const doing = `Committing offsets of group ${groupId}`;
    const deadline = performance.now() + commitPatienceMs;
    for (;;) {
      try {
        await group.coordinator.offsetCommit({ groupId, memberId, groupGenerationId, topics });
        return;
      } catch (error) {
        const known = fromKafkajs(error, doing);
        if (known.code === 'REBALANCED') this.#lostPlace = true;
        if (!isPassing(known) || performance.now() > deadline) throw known;
        await sleep(100);
        const found = await group.cluster.findGroupCoordinator({ groupId }).catch(() => null);
        if (found) group.coordinator = found;
      }
    }
  }

  /**
   * Gives up the partitions and disconnects; leaves the group, or keeps the place in it for the session that follows, which
   * would else wait until the broker has given this one up. Does not wait for ever on a kafkajs that hangs.
   */
  async end(place: 'leave' | 'keep'): Promise<void> {
    await this.#inTurn(async () => {
      if (this.#state !== 'ended') await this.#setup.revoke();
      this.#state = 'ended';
    });
    if (this.#heart) clearInterval(this.#heart);
    const group = this.#group;
    if (group?.memberId) {
      const { groupId, memberId } = group;
      // kafkajs leaves only after its fetches have ended, which may be never.
      group.memberId = null;
      if (place === 'keep') this.#setup.place.memberId = memberId;
      else await within(endStepMs, group.coordinator.leaveGroup({ groupId, memberId }));
    }
    // Out of turn: kafkajs may be about to join, and must first be told that there is nothing to join any more.
    await within(endStepMs, this.#consumer.disconnect());
  }

  /** Has the group joined again, as if it had been asked to. */
  rejoin(): void {
    this.#lostPlace = true;
  }

  beforeJoin(group: ConsumerGroup): Promise<void> {
    return this.#inTurn(async () => {
      this.#alive();
      if (this.#state === 'ended') throw new Error('The consumer has ended');
      this.#group = group;
      // Only the first time; UNKNOWN_MEMBER_ID, when the place was given away meanwhile, is met by kafkajs.
      group.memberId ??= this.#setup.place.memberId;
      this.#setup.place.memberId = null;
      this.#lostPlace = true;
      this.#heart ??= setInterval(() => void this.heartbeat(heartbeatMs / 2), heartbeatMs).unref();
      await this.#assigning;
      await this.#setup.revoke();
      this.#state = 'joining';
    });
  }

  joined(group: ConsumerGroup, assignment: Buffer): void {
    this.#alive();
    if (this.#state === 'ended') return;
    this.#state = 'member';
    this.#lostPlace = false;
    const { partitions, members } = decodeAssignment(assignment);
    const memberId = group.memberId!;
    const owned = numbersOf(partitions);
    Object.assign(this.#setup.place, { owned, generation: group.generationId });
    const unseen = { memberId, endpoint: this.#endpoint, partitions: owned, standbys: [] };
    const me = members.find(member => member.memberId === memberId) ?? unseen;
    this.#assigning = this.#setup.assigned(partitions, { me, members: members.length > 0 ? members : [me] });
    this.#hasJoined = true;
    this.#firstJoin.resolve();
  }

  #claims(): Claims {
    const { options, place } = this.#setup;
    const { endpoint = null, warm = [] } = options.member?.() ?? {};
    this.#endpoint = endpoint;
    const { owned, generation } = place;
    return { endpoint, warm, owned, generation, standbys: options.standbys ?? 0 };
  }

  async fetch(group: ConsumerGroup, nodeId: string): Promise<readonly FetchedBatch[]> {
    this.#alive();
    if (this.#state === 'ended') {
      await sleep(nothingToFetchMs);
      return [];
    }
    await this.#assigning;
    if (this.#lostPlace) throw rejoinSign();
    try {
      await group.cluster.refreshMetadataIfNecessary();
      group.checkForStaleAssignment();
      return await this.#fetch(group.cluster, nodeId);
    } catch (error) {
      await this.#recover(group, error);
      return [];
    } finally {
      this.#alive();
    }
  }

  async #fetch(cluster: Cluster, nodeId: string): Promise<readonly FetchedBatch[]> {
    const { positions, options } = this.#setup;
    await this.#locate(positions.all.filter(holding => holding.position === null));
    const wanted = positions.all.filter(
      holding => !holding.running && !positions.isPaused(holding) && leads(cluster, nodeId, holding),
    );
    const maxWaitMs = options.maxWaitMs ?? defaultMaxWaitMs;
    if (wanted.length === 0) {
      await sleep(Math.min(nothingToFetchMs, maxWaitMs));
      return [];
    }
    const seeks = new Map(wanted.map(holding => [holding, holding.seeks]));
    const fetched = await fetchFrom(await cluster.findBroker({ nodeId }), {
      positions: wanted.map(({ topic, partition, position }) => ({ topic, partition, offset: position! })),
      maxWaitMs,
      maxBytes,
      maxBytesPerPartition: options.maxBytesPerPartition ?? defaultMaxBytesPerPartition,
    });
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

  async #recover(group: ConsumerGroup, error: unknown): Promise<void> {
    const type = protocolTypeOf(error);
    if (type && staleLeader.has(type)) await group.cluster.refreshMetadata();
    else await group.recoverFromFetch(error);
  }

  async #handOut(batch: FetchedBatch): Promise<void> {
    this.#alive();
    if (this.#state === 'member' && !this.#lostPlace) {
      const next = await this.#setup.handle(batch);
      this.#alive();
      if (next === 'rejoin') throw rejoinSign();
    }
    if (this.#lostPlace && this.#state !== 'ended') throw rejoinSign();
  }

  /** Before the first assignment `start` rejects, and whoever called it decides; told twice, two would start again. */
  #crashed(error: SluiceError): void {
    if (this.#state === 'ended') return;
    if (this.#hasJoined) this.#setup.crashed(error);
    else this.#firstJoin.reject(error);
  }

  #alive(): void {
    this.activeAtMs = performance.now();
  }

  #inTurn(act: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(act);
    this.#turn = done.catch(() => {});
    return done;
  }
}

const staleLeader = new Set([
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_FOR_PARTITION',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
  'UNKNOWN_TOPIC_OR_PARTITION',
  'REPLICA_NOT_AVAILABLE',
]);

/** Ignores how it ends, and whether it does. */
async function within(timeMs: number, act: Promise<unknown>): Promise<void> {
  await Promise.race([act.catch(() => {}), sleep(timeMs, undefined, { ref: false })]);
}

function leads(cluster: Cluster, nodeId: string, { topic, partition }: TopicPartition): boolean {
  const found = cluster.findTopicPartitionMetadata(topic).find(at => at.partitionId === partition);
  return `${found?.leader}` === nodeId;
}
