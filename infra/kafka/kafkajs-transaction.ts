import { SluiceError } from '#errors';
import { Coordinator } from './coordinator.ts';
import { fromKafkajs } from './kafkajs-errors.ts';
import type { ProducerName } from './kafkajs-internals.ts';
import type { ProducerSetup } from './kafkajs-producer.ts';
import type { Lane, Producer } from './outgoing-lane.ts';
import type {
  LogTransaction,
  OutgoingRecord,
  PartitionEnd,
  TopicPartitionOffset,
  TransactionalProducer,
} from './port.ts';
import { RecordSender } from './record-sender.ts';

const transactionTimeoutMs = 60_000;

interface Open {
  /** Tells partitions that are part of it from those of earlier ones. */
  readonly number: number;
  readonly groups: Set<string>;
  /** Something is part of it, so the coordinator has to end it. */
  ongoing: boolean;
}

/**
 * A transactional producer, by the first version of the protocol: partitions and groups are made part of a transaction one
 * by one, and the producer's epoch stays.
 *
 * Invariant: it never takes its id back from a newer producer. Fencing is blind, so a producer that failed once is spent,
 * and whoever still owns the id makes another.
 */
export class KafkajsTransactionalProducer implements TransactionalProducer {
  readonly #id: string;
  readonly #setup: ProducerSetup;
  readonly #sender: RecordSender;
  readonly #coordinator: Coordinator;
  readonly #groups = new Map<string, Coordinator>();
  #producer: Producer | null = null;
  #begun = 0;
  #open: Open | null = null;
  #spent: SluiceError | null = null;
  #closed: Promise<void> | null = null;

  constructor(id: string, setup: ProducerSetup) {
    const { link, deliveryTimeoutMs } = setup;
    this.#id = id;
    this.#setup = setup;
    this.#coordinator = new Coordinator({
      name: this.#name,
      patienceMs: deliveryTimeoutMs,
      find: () => link.transactionCoordinator(id),
    });
    this.#sender = new RecordSender({
      firstSequence: 0,
      firstRetryMs: 20,
      ...setup,
      transactionalId: id,
      producer: () => this.#producer!,
      renew: null,
    });
  }

  /** Resolves once every earlier producer of the id is fenced and its transaction ended. */
  async open(): Promise<this> {
    try {
      const named = await this.#coordinator.ask('fencing earlier producers', broker =>
        broker.initProducerId({ transactionalId: this.#id, transactionTimeout: transactionTimeoutMs }),
      );
      const [id, epoch] = [BigInt(named.producerId), named.producerEpoch];
      this.#producer = { id, epoch, generation: 0, transactionalId: this.#id };
      return this;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async begin(): Promise<LogTransaction> {
    if (this.#closed) throw new SluiceError('BUG', `${this.#name}: the producer is closed; make a new one`);
    if (this.#open)
      throw new SluiceError('BUG', `${this.#name}: end the open transaction before beginning another`);
    this.#requireFresh();
    this.#begun += 1;
    const open: Open = { number: this.#begun, groups: new Set(), ongoing: false };
    this.#open = open;
    return {
      send: records => this.#within(open, () => this.#send(open, records)),
      sendOffsets: (groupId, offsets) => this.#within(open, () => this.#sendOffsets(open, groupId, offsets)),
      commit: () => this.#end(open, true),
      abort: () => this.#end(open, false),
    };
  }

  close(): Promise<void> {
    this.#closed ??= this.#shut();
    return this.#closed;
  }

  async #shut(): Promise<void> {
    // What cannot be aborted here is aborted by the broker: when the id is fenced, or after the transaction's timeout.
    if (this.#open) await this.#end(this.#open, false).catch(() => {});
    await this.#setup.link.close();
    this.#setup.onClosed();
  }

  async #send(open: Open, records: readonly OutgoingRecord[]): Promise<readonly PartitionEnd[]> {
    this.#requireFresh();
    return this.#sender.send(records, (lanes, count) => {
      const added = new Set<Lane>();
      for (let at = 0; at < count; at += 1) {
        if (lanes[at]!.transaction !== open.number) added.add(lanes[at]!);
      }
      return added.size === 0 ? null : this.#addPartitions(open, added);
    });
  }

  async #addPartitions(open: Open, lanes: ReadonlySet<Lane>): Promise<void> {
    const topics = [...Map.groupBy(lanes, lane => lane.topic)].map(([topic, each]) => ({
      topic,
      partitions: each.map(lane => lane.partition),
    }));
    open.ongoing = true;
    const names = topics.map(each => each.topic).join(', ');
    await this.#coordinator.ask(`adding partitions of ${names}`, broker =>
      broker.addPartitionsToTxn({ ...this.#producerName, topics }),
    );
    for (const lane of lanes) lane.transaction = open.number;
  }

  async #sendOffsets(open: Open, groupId: string, offsets: readonly TopicPartitionOffset[]): Promise<void> {
    this.#requireFresh();
    const name = this.#producerName;
    open.ongoing = true;
    if (!open.groups.has(groupId)) {
      await this.#coordinator.ask(`adding group ${groupId}`, broker =>
        broker.addOffsetsToTxn({ ...name, groupId }),
      );
      open.groups.add(groupId);
    }
    await this.#group(groupId).ask('sending offsets', broker =>
      broker.txnOffsetCommit({ ...name, groupId, topics: byTopic(offsets) }),
    );
  }

  #group(groupId: string): Coordinator {
    const known = this.#groups.get(groupId);
    if (known) return known;
    const { link, deliveryTimeoutMs } = this.#setup;
    const made = new Coordinator({
      name: `${this.#name}, group ${groupId}`,
      patienceMs: deliveryTimeoutMs,
      find: () => link.coordinator(groupId, async broker => broker),
    });
    this.#groups.set(groupId, made);
    return made;
  }

  async #end(open: Open, commits: boolean): Promise<void> {
    this.#guard(open);
    try {
      await this.#within(open, async () => {
        await this.#sender.settled();
        if (commits && this.#spent) throw this.#spent;
        if (!open.ongoing) return;
        await this.#coordinator.ask(commits ? 'committing' : 'aborting', broker =>
          broker.endTxn({ ...this.#producerName, transactionResult: commits }),
        );
      });
    } finally {
      this.#open = null;
    }
  }

  async #within<T>(open: Open, act: () => Promise<T>): Promise<T> {
    this.#guard(open);
    try {
      return await act();
    } catch (error) {
      const known = fromKafkajs(error, this.#name);
      const goesOn = known.code === 'VALUE_INVALID' || known.code === 'TOPIC_UNKNOWN';
      if (!goesOn || this.#sender.hasEnded) this.#spent ??= known;
      throw known;
    }
  }

  #requireFresh(): void {
    if (!this.#spent) return;
    if (this.#spent.code === 'PRODUCER_FENCED') throw this.#spent;
    const message = `${this.#name}: the producer is spent (${this.#spent.message}); close it and make another`;
    throw new SluiceError('PRODUCER_FENCED', message, { cause: this.#spent });
  }

  #guard(open: Open): void {
    if (open === this.#open) return;
    if (this.#spent?.code === 'PRODUCER_FENCED') throw this.#spent;
    throw new SluiceError('BUG', `${this.#name}: the transaction has ended; begin another`);
  }

  get #producerName(): ProducerName {
    const { id, epoch } = this.#producer!;
    return { transactionalId: this.#id, producerId: `${id}`, producerEpoch: epoch };
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
