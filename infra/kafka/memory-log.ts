import { SluiceError } from '#errors';
import { MemoryConsumer, type MemorySource } from './memory-consumer.ts';
import { MemoryGroup } from './memory-group.ts';
import { MemoryTopics } from './memory-topics.ts';
import { type MemoryTransactionalProducer, MemoryTransactions } from './memory-transaction.ts';
import type {
  ConsumerOptions,
  LogAdmin,
  LogClient,
  LogProducer,
  LogRecord,
  ReaderOptions,
  TopicPartition,
} from './port.ts';
import { endsOf } from './written-ends.ts';

export interface MemoryLogOptions {
  /** Stamps records that carry no time. Absent: the wall clock. */
  readonly now?: () => number;
}

export interface MemoryClient extends LogClient {
  /** Ends as a killed process does: no callback, no commit, open transactions stay open until their id is fenced. */
  kill(): void;
}

/**
 * A log in this process: the port without a broker.
 *
 * Guarantees: the port's contract, Kafka's partitioner and offsets (the end of a transaction takes one), and no timers.
 * Keeps for ever what is not deleted: no retention, no compaction, no sessions that time out.
 */
export interface MemoryLog {
  /** Each is what one process would hold; all see the same topics and groups. */
  client(): MemoryClient;
  /** All readable records of a topic by partition and offset; TOPIC_UNKNOWN. */
  records(topic: string): readonly LogRecord[];
  /**
   * Resolves once no running consumer has anything left to do: all caught up (or paused), no handler or rebalance
   * under way. What a handler started without awaiting does not count.
   */
  idle(): Promise<void>;
}

export function memoryLog({ now = Date.now }: MemoryLogOptions = {}): MemoryLog {
  const topics = new MemoryTopics(now);
  const groups = new Map<string, MemoryGroup>();
  const group = (groupId: string) => {
    const found = groups.get(groupId) ?? new MemoryGroup(topic => topics.count(topic));
    groups.set(groupId, found);
    return found;
  };
  const activity = new Activity();
  const shared: Shared = {
    topics,
    groups,
    group,
    activity,
    transactions: new MemoryTransactions(topics, group),
  };
  let clients = 0;
  return {
    client: () => client(shared, `client-${++clients}`),
    records: topic => topics.partitions(topic).flatMap(log => log.slice(0, Number.POSITIVE_INFINITY).records),
    idle: () => activity.quiet(),
  };
}

interface Shared {
  readonly topics: MemoryTopics;
  readonly groups: Map<string, MemoryGroup>;
  readonly group: (groupId: string) => MemoryGroup;
  readonly activity: Activity;
  readonly transactions: MemoryTransactions;
}

function client(shared: Shared, clientId: string): MemoryClient {
  const { topics, activity, transactions } = shared;
  const consumers = new Set<MemoryConsumer>();
  const producers = new Set<MemoryTransactionalProducer>();
  const ended = new AbortController();
  const guard = () => {
    if (ended.signal.aborted) throw new SluiceError('BUG', `${clientId} is closed; make a new client`);
  };
  const source: MemorySource = {
    partition: where => topics.partition(where),
    requireTopic: topic => topics.partitions(topic),
    group: shared.group,
    busy: work => activity.during(work),
  };
  return {
    async producer(): Promise<LogProducer> {
      guard();
      let open = true;
      return {
        async send(records) {
          guard();
          if (!open) throw new SluiceError('BUG', `${clientId}: the producer is closed`);
          return endsOf(topics.append(records));
        },
        async close() {
          open = false;
        },
      };
    },
    async transactionalProducer(transactionalId) {
      guard();
      const made = transactions.producer(transactionalId);
      producers.add(made);
      return made;
    },
    consumer(options: ConsumerOptions) {
      guard();
      const made = new MemoryConsumer(source, options, { clientId, turn: consumers.size });
      consumers.add(made);
      return made;
    },
    async read(options) {
      guard();
      return read(shared, options, ended.signal);
    },
    async admin() {
      guard();
      return admin(shared);
    },
    async close() {
      await Promise.all([...consumers].map(consumer => consumer.close()));
      await Promise.all([...producers].map(producer => producer.close()));
      ended.abort();
    },
    kill() {
      ended.abort();
      for (const consumer of consumers) consumer.kill();
      for (const producer of producers) producer.abandon();
    },
  };
}

const readBatchBytes = 1_048_576;

async function read(shared: Shared, options: ReaderOptions, ended: AbortSignal): Promise<number> {
  const { topics, activity } = shared;
  const log = topics.partition(options);
  const to = options.to ?? log.readableEnd;
  let position = Math.max(log.earliest, options.from);
  const signal = options.signal ? AbortSignal.any([options.signal, ended]) : ended;
  while (position < to && !signal.aborted) {
    if (position >= log.readableEnd) {
      await appended(log, signal);
      continue;
    }
    const { nextOffset, ...batch } = log.slice(position, readBatchBytes, to);
    position = nextOffset;
    if (batch.records.length > 0) await activity.during(async () => options.onBatch(batch));
  }
  return position;
}

/** Resolves at the next change of the partition, or when the signal aborts. */
function appended(log: { listeners: Set<() => void> }, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      log.listeners.delete(done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    log.listeners.add(done);
    signal.addEventListener('abort', done);
  });
}

function admin({ topics, groups, group }: Shared): LogAdmin {
  const where = ({ topic, partition }: TopicPartition) => ({ topic, partition });
  return {
    createTopics: async specs => specs.filter(spec => topics.create(spec)).map(spec => spec.topic),
    async deleteTopics(names) {
      for (const name of names) {
        topics.delete(name);
        for (const each of groups.values()) each.forget(name);
      }
    },
    listTopics: async () => topics.names,
    offsets: async topic =>
      topics.partitions(topic).map(log => ({ ...where(log), earliest: log.earliest, latest: log.end })),
    offsetsForTime: async (topic, timestampMs) =>
      topics.partitions(topic).map(log => ({ ...where(log), offset: log.offsetAt(timestampMs) })),
    committed: async (groupId, names) =>
      names.flatMap(topic =>
        topics.partitions(topic).flatMap(log => {
          const offset = group(groupId).committed(log);
          return offset === undefined ? [] : [{ ...where(log), offset }];
        }),
      ),
    deleteRecords: async before => topics.deleteRecords(before),
    groups: async () => [...groups].flatMap(([groupId, each]) => (each.isKnown ? [groupId] : [])).sort(),
    async group(groupId) {
      const found = groups.get(groupId);
      return found?.isKnown ? { groupId, state: found.state, members: found.describe() } : null;
    },
    close: async () => {},
  };
}

/** Counts what is under way, to tell when all is quiet. */
class Activity {
  #running = 0;
  #waiting: (() => void)[] = [];

  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#running += 1;
    try {
      return await work();
    } finally {
      this.#running -= 1;
      if (this.#running === 0) this.#release();
    }
  }

  quiet(): Promise<void> {
    if (this.#running === 0) return Promise.resolve();
    return new Promise(resolve => this.#waiting.push(resolve));
  }

  #release(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
