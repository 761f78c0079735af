import { setTimeout as sleep } from 'node:timers/promises';
import type { Kafka, Message, Producer, RecordMetadata } from 'kafkajs';
import { SluiceError } from '#errors';
import { fromKafkajs, isPassing } from './kafkajs-errors.ts';
import { chunked, type Prepared, type RecordRouter } from './kafkajs-outgoing.ts';
import type { LogProducer, OutgoingRecord, TopicPartitionOffset } from './port.ts';

export interface ProducerSetup {
  readonly kafka: Kafka;
  readonly router: RecordRouter;
  readonly deliveryTimeoutMs: number;
  readonly gzip: boolean;
}

/** One `send` call on its way. */
interface Pending {
  readonly prepared: readonly Prepared[];
  readonly written: TopicPartitionOffset[];
  readonly resolve: (written: readonly TopicPartitionOffset[]) => void;
  readonly reject: (error: SluiceError) => void;
  failed: boolean;
}

/**
 * The idempotent producer: acks from all in-sync replicas, one request at a time.
 *
 * Invariants: what waits while a request is under way goes out together in the next; a send is checked whole (topics, sizes)
 * before any of it is queued. After any failed request the kafkajs producer is thrown away: kafkajs takes back the sequence
 * numbers of the whole request although the broker may have kept a part, and records sent under them later would be dropped
 * as duplicates.
 */
export class KafkajsProducer implements LogProducer {
  readonly #setup: ProducerSetup;
  readonly #queue: { pending: Pending; record: Prepared; at: number }[] = [];
  /** Sends are checked one after another, so that they are queued in the order of the calls. */
  #checking: Promise<unknown> = Promise.resolve();
  #draining: Promise<void> | null = null;
  #producer: Promise<Producer> | null = null;
  #closed = false;

  constructor(setup: ProducerSetup) {
    this.#setup = setup;
  }

  /** Connects, so that an unreachable broker is known before the first record. */
  async open(): Promise<this> {
    await this.#connected();
    return this;
  }

  send(records: readonly OutgoingRecord[]): Promise<readonly TopicPartitionOffset[]> {
    if (this.#closed) return Promise.reject(new SluiceError('BUG', 'The producer is closed; make a new one'));
    const checked = this.#checking.then(() => this.#setup.router.prepare(records));
    this.#checking = checked.catch(() => {});
    return checked.then(prepared => this.#enqueue(prepared));
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#checking;
    await this.#draining;
    await this.#discard();
  }

  #enqueue(prepared: readonly Prepared[]): Promise<readonly TopicPartitionOffset[]> {
    if (prepared.length === 0) return Promise.resolve([]);
    return new Promise((resolve, reject) => {
      const pending: Pending = { prepared, written: [], resolve, reject, failed: false };
      prepared.forEach((record, at) => {
        this.#queue.push({ pending, record, at });
      });
      this.#draining ??= this.#drain().finally(() => {
        this.#draining = null;
      });
    });
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0) {
      const chunk = this.#queue.splice(
        0,
        chunked(this.#queue, entry => entry.record.sizeBytes),
      );
      const live = chunk.filter(entry => !entry.pending.failed);
      if (live.length === 0) continue;
      try {
        const written = await this.#write(live.map(entry => entry.record));
        live.forEach(({ pending, at }, index) => {
          pending.written[at] = written[index]!;
          if (at === pending.prepared.length - 1) pending.resolve(pending.written);
        });
      } catch (error) {
        const known = fromKafkajs(error, `Sending to ${topicsOf(live.map(entry => entry.record))}`);
        for (const { pending } of live) {
          if (!pending.failed) pending.reject(known);
          pending.failed = true;
        }
        await this.#discard();
      }
    }
  }

  async #write(records: readonly Prepared[]): Promise<TopicPartitionOffset[]> {
    const producer = await this.#connected();
    const answer = await producer.sendBatch({
      acks: -1,
      compression: this.#setup.gzip ? 1 : 0,
      topicMessages: toTopicMessages(records),
    });
    return offsetsOf(records, answer);
  }

  #connected(): Promise<Producer> {
    this.#producer ??= connect(this.#setup).catch(error => {
      this.#producer = null;
      throw fromKafkajs(error, 'Connecting a producer');
    });
    return this.#producer;
  }

  async #discard(): Promise<void> {
    const producer = this.#producer;
    this.#producer = null;
    await producer?.then(made => made.disconnect()).catch(() => {});
  }
}

function connect({ kafka, deliveryTimeoutMs }: ProducerSetup): Promise<Producer> {
  const producer = kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    retry: retriesWithin(deliveryTimeoutMs),
    createPartitioner: () => partitionGiven,
  });
  return patiently(deliveryTimeoutMs, async () => {
    await producer.connect();
    return producer;
  }).catch(async error => {
    await producer.disconnect().catch(() => {});
    throw error;
  });
}

/** Acts again while what it fails of may pass; kafkajs makes some requests with its own, short patience. */
export async function patiently<T>(timeMs: number, act: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + timeMs;
  for (;;) {
    try {
      return await act();
    } catch (error) {
      if (!isPassing(error) || performance.now() > deadline) throw error;
      await sleep(firstRetryMs);
    }
  }
}

/** Every message carries its partition already: a choice made anew at each retry would break the sequence of both. */
export const partitionGiven = ({ message }: { message: Message }) => message.partition!;

const firstRetryMs = 50;
const longestRetryMs = 1_000;

/** kafkajs counts retries; this many of them take about the time. */
export function retriesWithin(timeMs: number) {
  let retries = 1;
  for (let waitMs = firstRetryMs, waitedMs = 0; waitedMs < timeMs; retries += 1) {
    waitedMs += waitMs;
    waitMs = Math.min(waitMs * 2, longestRetryMs);
  }
  return {
    initialRetryTime: firstRetryMs,
    maxRetryTime: longestRetryMs,
    multiplier: 2,
    factor: 0.1,
    retries,
  };
}

export function toTopicMessages(records: readonly Prepared[]) {
  const byTopic = Map.groupBy(records, record => record.topic);
  return [...byTopic].map(([topic, each]) => ({ topic, messages: each.map(record => record.message) }));
}

export function topicsOf(records: readonly Prepared[]): string {
  return [...new Set(records.map(record => record.topic))].join(', ');
}

/** Counts up from each partition's first offset, in the order in which its records were given. */
function offsetsOf(records: readonly Prepared[], answer: readonly RecordMetadata[]): TopicPartitionOffset[] {
  const next = new Map(answer.map(at => [`${at.topicName}/${at.partition}`, Number(at.baseOffset)]));
  return records.map(({ topic, message }) => {
    const partition = message.partition!;
    const key = `${topic}/${partition}`;
    const offset = next.get(key)!;
    next.set(key, offset + 1);
    return { topic, partition, offset };
  });
}
