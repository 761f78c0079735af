import type { Producer, Transaction } from 'kafkajs';
import { SluiceError } from '#errors';
import { fromKafkajs } from './kafkajs-errors.ts';
import { chunked, type Prepared } from './kafkajs-outgoing.ts';
import {
  type ProducerSetup,
  partitionGiven,
  patiently,
  retriesWithin,
  topicsOf,
  toTopicMessages,
} from './kafkajs-producer.ts';
import type { LogTransaction, OutgoingRecord, TopicPartitionOffset, TransactionalProducer } from './port.ts';

const transactionTimeoutMs = 60_000;

/**
 * A transactional producer over kafkajs.
 *
 * Invariant: it never takes its id back from a newer producer. kafkajs can only fence blindly, so a producer that failed
 * once is spent, and whoever still owns the id makes another.
 */
export class KafkajsTransactionalProducer implements TransactionalProducer {
  readonly #id: string;
  readonly #setup: ProducerSetup;
  readonly #producer: Producer;
  /** Begun already at `open`, because that is how kafkajs fences; taken by the first `begin`. */
  #begun: Transaction | null = null;
  #open: Transaction | null = null;
  #spent: SluiceError | null = null;
  #closed: Promise<void> | null = null;

  constructor(id: string, setup: ProducerSetup) {
    this.#id = id;
    this.#setup = setup;
    this.#producer = setup.kafka.producer({
      transactionalId: id,
      transactionTimeout: transactionTimeoutMs,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      retry: retriesWithin(setup.deliveryTimeoutMs),
      createPartitioner: () => partitionGiven,
    });
  }

  /** Resolves once every earlier producer of the id is fenced. */
  async open(): Promise<this> {
    try {
      this.#begun = await patiently(this.#setup.deliveryTimeoutMs, async () => {
        await this.#producer.connect();
        return this.#producer.transaction();
      });
      return this;
    } catch (error) {
      await this.#producer.disconnect().catch(() => {});
      throw fromKafkajs(error, `${this.#name}: fencing earlier producers`);
    }
  }

  async begin(): Promise<LogTransaction> {
    if (this.#closed) throw new SluiceError('BUG', `${this.#name}: the producer is closed; make a new one`);
    if (this.#open)
      throw new SluiceError('BUG', `${this.#name}: end the open transaction before beginning another`);
    if (this.#spent) {
      const message = `${this.#name}: the producer is spent (${this.#spent.message}); close it and make another`;
      throw new SluiceError('PRODUCER_FENCED', message, { cause: this.#spent });
    }
    const transaction = this.#begun ?? (await this.#producer.transaction());
    this.#begun = null;
    this.#open = transaction;
    return {
      send: records => this.#send(transaction, records),
      sendOffsets: (groupId, offsets) =>
        this.#within(transaction, `sending offsets of ${groupId}`, () =>
          transaction.sendOffsets({ consumerGroupId: groupId, topics: byTopic(offsets) }),
        ),
      commit: () => this.#end(transaction, 'commit'),
      abort: () => this.#end(transaction, 'abort'),
    };
  }

  close(): Promise<void> {
    this.#closed ??= this.#shut();
    return this.#closed;
  }

  async #shut(): Promise<void> {
    // What cannot be aborted here is aborted by the broker: when the id is fenced, or after the transaction's timeout.
    if (this.#open) await this.#open.abort().catch(() => {});
    this.#open = null;
    await this.#producer.disconnect().catch(() => {});
  }

  async #send(transaction: Transaction, records: readonly OutgoingRecord[]): Promise<void> {
    this.#guard(transaction);
    const rest: Prepared[] = [...(await this.#setup.router.prepare(records))];
    while (rest.length > 0) {
      const chunk = rest.splice(
        0,
        chunked(rest, record => record.sizeBytes),
      );
      await this.#within(transaction, `sending to ${topicsOf(chunk)}`, () =>
        transaction.sendBatch({
          acks: -1,
          compression: this.#setup.gzip ? 1 : 0,
          topicMessages: toTopicMessages(chunk),
        }),
      );
    }
  }

  async #end(transaction: Transaction, how: 'commit' | 'abort'): Promise<void> {
    this.#guard(transaction);
    try {
      await this.#within(transaction, how, () => transaction[how]());
    } finally {
      this.#open = null;
    }
  }

  async #within(transaction: Transaction, doing: string, act: () => Promise<unknown>): Promise<void> {
    this.#guard(transaction);
    try {
      await act();
    } catch (error) {
      this.#spent = fromKafkajs(error, `${this.#name}: ${doing}`);
      throw this.#spent;
    }
  }

  #guard(transaction: Transaction): void {
    if (transaction === this.#open) return;
    if (this.#spent?.code === 'PRODUCER_FENCED') throw this.#spent;
    throw new SluiceError('BUG', `${this.#name}: the transaction has ended; begin another`);
  }

  get #name(): string {
    return `Transactional id ${this.#id}`;
  }
}

function byTopic(offsets: readonly TopicPartitionOffset[]) {
  return [...Map.groupBy(offsets, at => at.topic)].map(([topic, each]) => ({
    topic,
    partitions: each.map(({ partition, offset }) => ({ partition, offset: `${offset}` })),
  }));
}
