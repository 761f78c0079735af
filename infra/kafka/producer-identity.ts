import type { KafkajsLink } from './kafkajs-link.ts';
import type { Producer } from './outgoing-lane.ts';

const lastEpoch = 32_766;
/** Of no meaning without a transactional id, but the protocol wants one. */
const transactionTimeoutMs = 60_000;

/** Who an idempotent producer is to the brokers: an id they gave it, and an epoch that it counts up to start its numbers anew. */
export class ProducerIdentity {
  readonly #link: KafkajsLink;
  #current: Producer | null = null;
  #generations = 0;

  constructor(link: KafkajsLink) {
    this.#link = link;
  }

  get current(): Producer {
    return this.#current!;
  }

  /**
   * Becomes another producer. The new epoch fences what the old one may still have on its way. Only when nothing of the old
   * one can be repeated any more.
   */
  async renew(): Promise<void> {
    const { id, epoch } = this.#current ?? { id: -1n, epoch: lastEpoch };
    if (epoch < lastEpoch) {
      this.#become(id, epoch + 1);
      return;
    }
    const { producerId, producerEpoch } = await this.#link.controller('Asking for a producer id', broker =>
      broker.initProducerId({ transactionTimeout: transactionTimeoutMs }),
    );
    this.#become(BigInt(producerId), producerEpoch);
  }

  #become(id: bigint, epoch: number): void {
    this.#current = { id, epoch, generation: this.#generations++, transactionalId: null };
  }
}
