import { SluiceError } from '#errors';
import type { BufferPool } from './buffer-pool.ts';
import type { KafkajsLink } from './kafkajs-link.ts';
import type { LogProducer, OutgoingRecord, PartitionEnd } from './port.ts';
import { ProducerIdentity } from './producer-identity.ts';
import { RecordSender } from './record-sender.ts';

export interface ProducerSetup {
  /** Its own: brokers answer the requests of one connection one after another. */
  readonly link: KafkajsLink;
  readonly deliveryTimeoutMs: number;
  readonly gzip: boolean;
  readonly buffers: BufferPool;
  /** Number of the first record of each partition. Absent: 0. */
  readonly firstSequence?: number;
  /** Before the first repetition of what failed; doubled each time. Absent: 20. */
  readonly firstRetryMs?: number;
  onClosed(): void;
}

/** The idempotent producer: acknowledged by all in-sync replicas, written once however often it had to be sent. */
export class KafkajsProducer implements LogProducer {
  readonly #setup: ProducerSetup;
  readonly #identity: ProducerIdentity;
  readonly #sender: RecordSender;
  #closed: Promise<void> | null = null;

  constructor(setup: ProducerSetup) {
    this.#setup = setup;
    const identity = new ProducerIdentity(setup.link);
    this.#identity = identity;
    this.#sender = new RecordSender({
      firstSequence: 0,
      firstRetryMs: 20,
      ...setup,
      transactionalId: null,
      producer: () => identity.current,
      renew: () => identity.renew(),
    });
  }

  /** Connects and asks for a producer id, so that an unreachable broker is known before the first record. */
  async open(): Promise<this> {
    try {
      await this.#identity.renew();
      return this;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  send(records: readonly OutgoingRecord[]): Promise<readonly PartitionEnd[]> {
    if (this.#closed) return Promise.reject(new SluiceError('BUG', 'The producer is closed; make a new one'));
    return this.#sender.send(records);
  }

  close(): Promise<void> {
    this.#closed ??= this.#shut();
    return this.#closed;
  }

  async #shut(): Promise<void> {
    await this.#sender.settled();
    await this.#setup.link.close();
    this.#setup.onClosed();
  }
}
