import { fromKafkajs } from './kafkajs-errors.ts';
import type { ConsumerGroup } from './kafkajs-internals.ts';

/**
 * Keeps the membership of one group alive from a timer of its own, whatever handlers and callbacks do meanwhile.
 *
 * Silence is counted in beats and not in time: an event loop that was held up for long proves nothing about the group.
 */
export class Heart {
  readonly #group: ConsumerGroup;
  readonly #everyMs: number;
  readonly #isWanted: () => boolean;
  readonly #askedToRejoin: () => void;
  readonly #timer: NodeJS.Timeout;
  #unanswered = 0;

  constructor(
    group: ConsumerGroup,
    { everyMs, isWanted, askedToRejoin }: { everyMs: number; isWanted(): boolean; askedToRejoin(): void },
  ) {
    this.#group = group;
    this.#everyMs = everyMs;
    this.#isWanted = isWanted;
    this.#askedToRejoin = askedToRejoin;
    this.#timer = setInterval(() => {
      if (!this.#isWanted()) return;
      this.#unanswered += 1;
      void this.beat(everyMs / 2);
    }, everyMs).unref();
  }

  /** How long the group has not answered, at the least. */
  get silentMs(): number {
    return Math.max(0, this.#unanswered - 1) * this.#everyMs;
  }

  /** Of the group, whatever the request that showed it. */
  heard(): void {
    this.#unanswered = 0;
  }

  /** At most once in the interval. */
  async beat(interval = this.#everyMs): Promise<void> {
    if (!this.#isWanted()) return;
    try {
      await this.#group.heartbeat({ interval });
      this.heard();
    } catch (error) {
      // Whatever else went wrong shows in the next fetch, or in the silence.
      if (fromKafkajs(error, 'heartbeat').code !== 'REBALANCED') return;
      this.heard();
      this.#askedToRejoin();
    }
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
