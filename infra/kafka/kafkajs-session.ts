import { setTimeout as sleep } from 'node:timers/promises';
import type { Consumer, Kafka } from 'kafkajs';
import { SluiceError } from '#errors';
import type { Claims } from './claims.ts';
import type { ConsumerTimes } from './consumer-times.ts';
import { numbersOf } from './group-members.ts';
import { decodeAssignment, drivenAssigner } from './kafkajs-assigner.ts';
import { fromKafkajs, isPassing, protocolTypeOf } from './kafkajs-errors.ts';
import { Fetching, type FetchingSetup } from './kafkajs-fetching.ts';
import { Heart } from './kafkajs-heart.ts';
import type { Broker, ConsumerGroup } from './kafkajs-internals.ts';
import type { GroupDriver } from './kafkajs-mends.ts';
import type { FetchedBatch } from './kafkajs-positions.ts';
import type { GroupView, TopicPartition, TopicPartitionOffset } from './port.ts';

/** What one session leaves to the next: its member id, and what it was given last. */
export interface Place {
  memberId: string | null;
  owned: readonly number[];
  generation: number;
}

export interface SessionSetup extends FetchingSetup {
  readonly kafka: Kafka;
  readonly times: ConsumerTimes;
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

const endedPollMs = 50;
const endStepMs = 2_000;
const commitPatienceMs = 15_000;
/** What kafkajs takes for a sign to join the group again. */
const rejoinSign = () =>
  Object.assign(new Error('joining the group again'), { type: 'REBALANCE_IN_PROGRESS' });

/**
 * One life of a kafkajs consumer, from connecting to its end; after a crash the consumer starts another.
 *
 * Owns: membership. Does not own: positions and handlers, which outlive it.
 * kafkajs keeps: the group protocol, the loop that fetches and hands out, retries on the way.
 */
export class KafkajsSession implements GroupDriver {
  readonly #setup: SessionSetup;
  readonly #consumer: Consumer;
  readonly #fetching: Fetching;
  readonly #firstJoin = Promise.withResolvers<void>();
  #heart: Heart | null = null;
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
  #ending = false;
  /** When kafkajs last did something of its own accord: fetched, joined or handed out. */
  #activeAtMs = performance.now();

  constructor(setup: SessionSetup) {
    this.#setup = setup;
    this.#fetching = new Fetching(setup);
    const { options, times } = setup;
    this.#consumer = setup.kafka.consumer({
      groupId: options.groupId,
      sessionTimeout: times.sessionTimeoutMs,
      rebalanceTimeout: times.rebalanceTimeoutMs,
      heartbeatInterval: times.heartbeatMs,
      maxWaitTimeInMs: times.maxWaitMs,
      allowAutoTopicCreation: false,
      metadataMaxAge: times.rebalanceTimeoutMs,
      partitionAssigners: [drivenAssigner(this, () => this.#claims())],
      retry: { initialRetryTime: 100, maxRetryTime: 2_000, retries: 5, restartOnFailure: async () => false },
    });
    this.#firstJoin.promise.catch(() => {});
  }

  /** Resolves once the first assignment is known; rejects with an error of the catalogue. */
  async start(): Promise<void> {
    const doing = `Consumer of group ${this.#setup.options.groupId}`;
    try {
      await Promise.race([this.#firstJoin.promise, this.#run(doing)]);
      await this.#firstJoin.promise;
    } catch (error) {
      throw fromKafkajs(error, doing);
    }
  }

  /** Has a session that has not started yet reject; without effect on one that has. */
  abandon(error: SluiceError): void {
    this.#firstJoin.reject(error);
  }

  get isMember(): boolean {
    return this.#state === 'member' && !this.#lostPlace && !this.#ending;
  }

  /** Fetches that a broker answered. */
  get fetches(): number {
    return this.#fetching.answered;
  }

  /** How long kafkajs has done nothing, beyond what a join may take. */
  get idleMs(): number {
    const joinMs = this.#state === 'member' ? 0 : this.#setup.times.rebalanceTimeoutMs;
    return performance.now() - this.#activeAtMs - joinMs;
  }

  /** How long the group has not answered a heartbeat. */
  get unansweredMs(): number {
    return this.#state === 'member' ? (this.#heart?.silentMs ?? 0) : 0;
  }

  /** Keeps the membership, at most once in the interval; notes when the group asks to join again. */
  async heartbeat(): Promise<void> {
    await this.#heart?.beat();
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
    this.#ending = true;
    await this.#inTurn(async () => {
      if (this.#state !== 'ended') await this.#setup.revoke();
      this.#state = 'ended';
    });
    this.#heart?.stop();
    const memberId = this.#group?.memberId ?? this.#setup.place.memberId;
    // kafkajs leaves only after its fetches have ended, which may be never.
    if (this.#group) this.#group.memberId = null;
    this.#setup.place.memberId = place === 'keep' ? memberId : null;
    if (memberId && place === 'leave') await within(endStepMs, this.#leave(memberId));
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
      this.#heart ??= new Heart(group, {
        everyMs: this.#setup.times.heartbeatMs,
        isWanted: () => group.memberId !== null && this.#state !== 'joining' && this.#state !== 'ended',
        askedToRejoin: () => this.rejoin(),
      });
      await this.#assigning;
      await this.#setup.revoke();
      this.#state = 'joining';
      this.#alive();
    });
  }

  joined(group: ConsumerGroup, assignment: Buffer): void {
    this.#alive();
    this.#heart?.heard();
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

  async fetch(group: ConsumerGroup, nodeId: string): Promise<readonly FetchedBatch[]> {
    this.#alive();
    if (this.#state === 'ended') {
      await sleep(endedPollMs);
      return [];
    }
    await this.#assigning;
    if (this.#lostPlace) throw rejoinSign();
    try {
      await group.cluster.refreshMetadataIfNecessary();
      group.checkForStaleAssignment();
      return await this.#fetching.fetch(group.cluster, nodeId);
    } catch (error) {
      await this.#recover(group, error);
      return [];
    } finally {
      this.#alive();
    }
  }

  async #run(doing: string): Promise<void> {
    const { options } = this.#setup;
    const consumer = this.#consumer;
    consumer.on(consumer.events.CRASH, ({ payload }) => this.#crashed(fromKafkajs(payload.error, doing)));
    await consumer.connect();
    await consumer.subscribe({ topics: [...options.topics] });
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: options.partitionsAtOnce ?? 1,
      eachBatch: ({ batch }) => this.#handOut(batch as unknown as FetchedBatch),
    });
  }

  #claims(): Claims {
    const { options, place } = this.#setup;
    const { endpoint = null, warm = [] } = options.member?.() ?? {};
    this.#endpoint = endpoint;
    const { owned, generation } = place;
    return { endpoint, warm, owned, generation, standbys: options.standbys ?? 0 };
  }

  async #leave(memberId: string): Promise<void> {
    const { link, options } = this.#setup;
    const { groupId } = options;
    const leave = (broker: Broker) => broker.leaveGroup({ groupId, memberId });
    await (this.#group ? leave(this.#group.coordinator) : link.coordinator(groupId, leave));
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
    this.#activeAtMs = performance.now();
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
