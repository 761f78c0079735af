/**
 * The log port: what Sluice needs of Kafka, and nothing else.
 *
 * Owns: the words record, topic partition, batch, producer, consumer, transaction, reader, admin.
 * Does not own: serialisation (#schemas), processing (#streams), broker addresses (#config).
 *
 * Every failure is a SluiceError of the catalogue. A buffer given to `send` must not change until `send` settles.
 *
 * Invariants every implementation keeps, proved by port.contract.ts on each of them:
 * P1 A record is delivered in partition order, at least once, with its key, value, headers and timestamp byte for byte.
 * P2 `send` resolves only when every record is acknowledged by all in-sync replicas; it rejects as a whole.
 * P3 A batch handler is never run concurrently for the same partition, and the next batch is not fetched before it resolves.
 * P4 An offset is committed only by `commit` (or `sendOffsets`); it means "the next record to read".
 * P5 After `onRevoked` resolves, no batch of those partitions is handed out until they are assigned again.
 * P6 Records of aborted and of open transactions are never handed out.
 * P7 A transactional producer made with an id fences every earlier one of that id, and ends its open transaction,
 *    before it is returned: offsets read after that are the last that were committed.
 */

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** Offsets are the next record to read; safe integers (Kafka's 63 bits are never reached in practice). */
export interface TopicPartitionOffset extends TopicPartition {
  readonly offset: number;
}

/** Where records that were written end. */
export interface PartitionEnd extends TopicPartition {
  /** One past the last of them. */
  readonly end: number;
}

export type Headers = Readonly<Record<string, Buffer>>;

/** Its buffers are views into what was fetched together: copy what is kept for long, or all of it stays in memory. */
export interface LogRecord extends TopicPartitionOffset {
  /** Create time, milliseconds since the epoch. */
  readonly timestampMs: number;
  readonly key: Buffer | null;
  /** null is a tombstone. */
  readonly value: Buffer | null;
  readonly headers: Headers;
}

export interface OutgoingRecord {
  readonly topic: string;
  /** Absent: murmur2 of the key, as the Java client does; without a key, in turn. */
  readonly partition?: number;
  /** What decides the partition instead of the key. */
  readonly partitionKey?: Buffer;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: Headers;
  /** Absent: now. */
  readonly timestampMs?: number;
}

export interface LogBatch extends TopicPartition {
  readonly records: readonly LogRecord[];
  /** End of the partition as the broker knew it with this batch; lag = highWatermark - next offset. */
  readonly highWatermark: number;
}

export interface BatchContext {
  /** Keeps the group membership while a batch takes long; cheap to call often. */
  heartbeat(): Promise<void>;
  /** True once the partition is being taken away, was moved by `seek`, or the consumer is stopping: stop early. */
  isStale(): boolean;
}

export interface AssignmentContext {
  /** True once this assignment is being taken away, or the consumer is stopping: what is not done yet is not worth doing. */
  isStale(): boolean;
}

/** What a member tells its group whenever it joins. Of the other members', what a newer version adds is ignored. */
export interface MemberInfo {
  /** Where this process answers queries, such as `host:port`. */
  readonly endpoint?: string;
  /** Numbers of the partitions whose state is at hand, in whatever role. */
  readonly warm: readonly number[];
}

/** The unit of assignment is partition p of every topic: its number stands for all of them. */
export interface GroupMember {
  readonly memberId: string;
  /** null when it told none. */
  readonly endpoint: string | null;
  /** Ascending. */
  readonly partitions: readonly number[];
  /** Partitions whose state it keeps a copy of, ascending; never one that it holds. */
  readonly standbys: readonly number[];
}

/** A group as one assignment made it. */
export interface GroupView {
  readonly me: GroupMember;
  /** By memberId, with `me`. Only `me` when the assignment was made by a member too old to tell of the others. */
  readonly members: readonly GroupMember[];
}

/**
 * What a consumer calls. A rejection is met by the reaction of its error: `retry` waits and hands the same records out again
 * (up to `failureLimit` times in a row), `rejoin` leaves and joins the group, anything else ends the consumer.
 */
export interface ConsumerHandler {
  /** Never with an empty batch. Resolving moves the position past the batch; it commits nothing. */
  onBatch(batch: LogBatch, context: BatchContext): Promise<void>;
  /**
   * All partitions this member now holds (none, when there are too few), before the first batch of any of them and before
   * the committed offsets are looked up. The membership is kept alive however long it takes, as long as the event loop
   * turns; a rebalance waits for it, so one that takes long asks `context.isStale` now and then.
   */
  onAssigned?(
    partitions: readonly TopicPartition[],
    group: GroupView,
    context: AssignmentContext,
  ): Promise<void>;
  /**
   * All partitions this member held: no handler of theirs is running, and none of them is given to another member before
   * this resolves. The last chance to commit. Also at `close`, and after a lost session, when a commit rejects with REBALANCED.
   */
  onRevoked?(partitions: readonly TopicPartition[]): Promise<void>;
  /**
   * The consumer ended by itself, after `onRevoked`, and will not be restarted. Called at most once. With CONSUMER_STOPPED
   * when it stopped silently and starting it anew did not help: another consumer may fare better.
   */
  onFailed?(error: Error): void;
}

export interface ConsumerOptions {
  readonly groupId: string;
  readonly topics: readonly string[];
  /** Where to start when the group has no committed offset, or one that the log no longer holds. */
  readonly startFrom: 'earliest' | 'latest';
  readonly sessionTimeoutMs?: number;
  readonly maxBytesPerPartition?: number;
  /** Longest wait of a fetch for new records. */
  readonly maxWaitMs?: number;
  /** How many partitions may be in a handler at the same time. Absent: one. */
  readonly partitionsAtOnce?: number;
  /** Failures in a row, without a batch done in between, after which the consumer ends. Absent: 10. */
  readonly failureLimit?: number;
  /** Asked at every join, after `onRevoked`. Absent: no endpoint, nothing warm. */
  readonly member?: () => MemberInfo;
  /**
   * How many other members are to keep a copy of each partition's state: the most that any member asks for counts, as far
   * as there are members that ask for at least one, which alone are given any. Absent: 0.
   */
  readonly standbys?: number;
}

/**
 * Partition p of every topic subscribed to goes to the same member, so that co-partitioned topics meet. Members with the
 * same topics hold as many as each other, give or take one; as far as that allows, a partition stays with the member that
 * held it, else goes to one where it is warm.
 */
export interface LogConsumer {
  /** Joins the group; resolves once the first assignment is known. Rejects with TOPIC_UNKNOWN when a topic is not there. */
  run(handler: ConsumerHandler): Promise<void>;
  /** Rejects with REBALANCED when a partition is not (or no longer) held by this member. */
  commit(offsets: readonly TopicPartitionOffset[]): Promise<void>;
  /** Moves the position of a held partition; the committed offset stays. Without effect on others. */
  seek(position: TopicPartitionOffset): void;
  /** No batch of them until `resume`, also after a rebalance; a running handler is not interrupted. */
  pause(partitions: readonly TopicPartition[]): void;
  resume(partitions: readonly TopicPartition[]): void;
  /** Waits for running handlers, revokes, leaves the group, disconnects. Idempotent. Never await it inside a handler. */
  close(): Promise<void>;
}

export interface ReaderOptions extends TopicPartition {
  /** First offset to read; below the earliest it starts at the earliest. */
  readonly from: number;
  /** Stops before this offset, waiting for records that are not there yet. Absent: the readable end as of the call. */
  readonly to?: number;
  /** Never with an empty batch; the next comes after it resolves. A rejection ends the reading with it. */
  onBatch(batch: LogBatch): void | Promise<void>;
  /** Ends the reading between two batches. */
  readonly signal?: AbortSignal;
}

export interface LogProducer {
  /**
   * Resolves with where the records end in each partition they went to. Within a partition they are written in the order
   * given, concurrent sends in the order of the calls.
   * Rejects with TOPIC_UNKNOWN or with VALUE_INVALID (a record that its topic would not take, for its size, its time or want
   * of a key), when nothing was written; or with the broker's trouble, after which some of the records may have been written.
   */
  send(records: readonly OutgoingRecord[]): Promise<readonly PartitionEnd[]>;
  close(): Promise<void>;
}

/**
 * After a rejected `send`, `sendOffsets`, `commit` or `abort` (VALUE_INVALID and TOPIC_UNKNOWN apart) its producer is spent:
 * `abort` what can be aborted, `close` it, and make another of the same id.
 */
export interface LogTransaction {
  /** As a producer's. */
  send(records: readonly OutgoingRecord[]): Promise<readonly PartitionEnd[]>;
  /** Commits offsets of a group with the transaction, whoever holds the partitions: fencing (P7) is what guards them. */
  sendOffsets(groupId: string, offsets: readonly TopicPartitionOffset[]): Promise<void>;
  /**
   * Resolves once the outcome is certain. Readers and `committed` see it a moment later; whoever must not wait for that
   * moment fences the id (P7).
   */
  commit(): Promise<void>;
  /** Likewise. */
  abort(): Promise<void>;
}

export interface TransactionalProducer {
  /** Rejects with BUG while a transaction is open, with PRODUCER_FENCED when the producer is spent. */
  begin(): Promise<LogTransaction>;
  /** Aborts an open transaction. Idempotent. */
  close(): Promise<void>;
}

export interface TopicSpec {
  readonly topic: string;
  readonly partitions: number;
  /** Absent: three, or one per broker where there are fewer. */
  readonly replicas?: number;
  readonly config?: Readonly<Record<string, string>>;
}

export interface PartitionRange extends TopicPartition {
  readonly earliest: number;
  /** One past the last record. */
  readonly latest: number;
}

export interface MemberDescription extends GroupMember {
  readonly clientId: string;
  /** As the broker sees it. */
  readonly host: string;
  /** What `partitions` stands for, by topic and partition. */
  readonly holds: readonly TopicPartition[];
}

/** A group as its broker knows it; members of other software tell no endpoint and have no standbys. */
export interface GroupDescription {
  readonly groupId: string;
  /** In words of Kafka: `Stable`, `PreparingRebalance`, `CompletingRebalance`, or `Empty`. */
  readonly state: string;
  /** By memberId; what they hold is only known of a stable group. */
  readonly members: readonly MemberDescription[];
}

export interface LogAdmin {
  /** Creates what is missing, leaves what is there; resolves with the names it created. */
  createTopics(topics: readonly TopicSpec[]): Promise<readonly string[]>;
  /** Names that are not there are left out. */
  deleteTopics(topics: readonly string[]): Promise<void>;
  listTopics(): Promise<readonly string[]>;
  /** Rejects with TOPIC_UNKNOWN when the topic is not there. */
  offsets(topic: string): Promise<readonly PartitionRange[]>;
  /** First offset whose record was made at or after the time, the end where there is none. */
  offsetsForTime(topic: string, timestampMs: number): Promise<readonly TopicPartitionOffset[]>;
  /** Committed offsets of a group; partitions without one are absent. */
  committed(groupId: string, topics: readonly string[]): Promise<readonly TopicPartitionOffset[]>;
  /**
   * Deletes the records before each offset for good; below the earliest there is nothing to do. Rejects with
   * TOPIC_UNKNOWN, or, when an offset is past the end of its partition, with BROKER_REFUSED: that partition loses nothing.
   */
  deleteRecords(before: readonly TopicPartitionOffset[]): Promise<void>;
  /** Ids of the groups that have members or committed offsets, sorted. */
  groups(): Promise<readonly string[]>;
  /** null when there is no such group. */
  group(groupId: string): Promise<GroupDescription | null>;
  close(): Promise<void>;
}

export interface LogClient {
  producer(): Promise<LogProducer>;
  transactionalProducer(transactionalId: string): Promise<TransactionalProducer>;
  consumer(options: ConsumerOptions): LogConsumer;
  /**
   * Reads one partition from an offset to an end, without a group. Resolves with the offset it stopped before: the next
   * to read. Rejects with TOPIC_UNKNOWN.
   */
  read(options: ReaderOptions): Promise<number>;
  admin(): Promise<LogAdmin>;
  /** Closes all it handed out. Idempotent. */
  close(): Promise<void>;
}
