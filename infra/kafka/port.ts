/**
 * The log port: what Sluice needs of Kafka, and nothing else.
 *
 * Owns: the words record, topic partition, batch, producer, consumer, transaction, reader, admin.
 * Does not own: serialisation (#schemas), processing (#streams), broker addresses (#config).
 *
 * Invariants every implementation keeps, proved by port.contract.ts on each of them:
 * P1 A record is delivered in partition order, at least once, with its key, value, headers and timestamp byte for byte.
 * P2 `send` resolves only when every record is acknowledged by all in-sync replicas; it rejects as a whole.
 * P3 A batch handler is never run concurrently for the same partition, and the next batch is not fetched before it resolves.
 * P4 An offset is committed only by `commit` (or `sendOffsets`); it means "the next record to read".
 * P5 After `onRevoked` resolves, no batch of those partitions is handed out until they are assigned again.
 * P6 Records of aborted and of open transactions are never handed out.
 * P7 A transactional producer made with an id fences every earlier one of that id before it is returned.
 */

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** Offsets are the next record to read; safe integers (Kafka's 63 bits are never reached in practice). */
export interface TopicPartitionOffset extends TopicPartition {
  readonly offset: number;
}

export type Headers = Readonly<Record<string, Buffer>>;

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
  /** Absent: murmur2 of the key, as the Java client does; without a key, any. */
  readonly partition?: number;
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
  /** True once the partition was revoked or the consumer is stopping: stop early, commit nothing. */
  isStale(): boolean;
}

export interface ConsumerHandler {
  onBatch(batch: LogBatch, context: BatchContext): Promise<void>;
  /** Before the first batch of newly assigned partitions. */
  onAssigned?(partitions: readonly TopicPartition[]): Promise<void>;
  /** Before the partitions are given to another member, and at `close`: the last chance to commit. */
  onRevoked?(partitions: readonly TopicPartition[]): Promise<void>;
  /** The consumer ended by itself and could not be restarted. Called at most once. */
  onFailed?(error: Error): void;
}

export interface ConsumerOptions {
  readonly groupId: string;
  readonly topics: readonly string[];
  /** Where to start when the group has no committed offset. */
  readonly startFrom: 'earliest' | 'latest';
  readonly sessionTimeoutMs?: number;
  readonly maxBytesPerPartition?: number;
  /** Longest wait of a fetch for new records. */
  readonly maxWaitMs?: number;
}

export interface LogConsumer {
  /** Joins the group; resolves once the first assignment is known. */
  run(handler: ConsumerHandler): Promise<void>;
  commit(offsets: readonly TopicPartitionOffset[]): Promise<void>;
  /** Moves the position of an assigned partition; the committed offset stays. */
  seek(position: TopicPartitionOffset): void;
  pause(partitions: readonly TopicPartition[]): void;
  resume(partitions: readonly TopicPartition[]): void;
  /** Revokes, leaves the group, disconnects. Idempotent. */
  close(): Promise<void>;
}

export interface ReaderOptions extends TopicPartition {
  /** First offset to read; below the earliest it starts at the earliest. */
  readonly from: number;
  /** Stops before this offset. Absent: the end as of the call. */
  readonly to?: number;
  onBatch(batch: LogBatch): void | Promise<void>;
  readonly signal?: AbortSignal;
}

export interface LogProducer {
  /** Resolves with the offset each record was written at, in order. */
  send(records: readonly OutgoingRecord[]): Promise<readonly TopicPartitionOffset[]>;
  close(): Promise<void>;
}

export interface LogTransaction {
  send(records: readonly OutgoingRecord[]): Promise<void>;
  sendOffsets(groupId: string, offsets: readonly TopicPartitionOffset[]): Promise<void>;
  commit(): Promise<void>;
  abort(): Promise<void>;
}

/** One open transaction at a time. */
export interface TransactionalProducer {
  begin(): Promise<LogTransaction>;
  close(): Promise<void>;
}

export interface TopicSpec {
  readonly topic: string;
  readonly partitions: number;
  readonly replicas?: number;
  readonly config?: Readonly<Record<string, string>>;
}

export interface PartitionRange extends TopicPartition {
  readonly earliest: number;
  /** One past the last record. */
  readonly latest: number;
}

export interface LogAdmin {
  /** Creates what is missing, leaves what is there; resolves with the names it created. */
  createTopics(topics: readonly TopicSpec[]): Promise<readonly string[]>;
  deleteTopics(topics: readonly string[]): Promise<void>;
  listTopics(): Promise<readonly string[]>;
  /** Rejects with TOPIC_UNKNOWN when the topic is not there. */
  offsets(topic: string): Promise<readonly PartitionRange[]>;
  /** First offset at or after the time, the end where there is none. */
  offsetsForTime(topic: string, timestampMs: number): Promise<readonly TopicPartitionOffset[]>;
  /** Committed offsets of a group; partitions without one are absent. */
  committed(groupId: string, topics: readonly string[]): Promise<readonly TopicPartitionOffset[]>;
  close(): Promise<void>;
}

export interface LogClient {
  producer(): Promise<LogProducer>;
  transactionalProducer(transactionalId: string): Promise<TransactionalProducer>;
  consumer(options: ConsumerOptions): LogConsumer;
  /** Reads one partition from an offset to an end, without a group. Resolves with the offset it stopped before. */
  read(options: ReaderOptions): Promise<number>;
  admin(): Promise<LogAdmin>;
  /** Closes all it handed out. Idempotent. */
  close(): Promise<void>;
}
