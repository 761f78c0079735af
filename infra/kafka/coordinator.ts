import { setTimeout as sleep } from 'node:timers/promises';
import { fromKafkajs, isPassing, protocolTypeOf } from './kafkajs-errors.ts';
import type { Broker } from './kafkajs-internals.ts';

export interface CoordinatorSetup {
  /** What it coordinates, for messages. */
  readonly name: string;
  readonly patienceMs: number;
  find(): Promise<Broker>;
}

const firstRetryMs = 20;
const longestRetryMs = 1_000;
/** The markers of the last transaction are usually written within a few milliseconds. */
const firstBusyRetryMs = 2;
const longestBusyRetryMs = 20;
/** A topic just created may not be known to every broker yet. */
const unknownTopicGraceMs = 500;

/** The broker in charge of a transactional id or a group, found again whenever it moves. For requests that may be repeated. */
export class Coordinator {
  readonly #setup: CoordinatorSetup;
  #broker: Promise<Broker> | null = null;

  constructor(setup: CoordinatorSetup) {
    this.#setup = setup;
  }

  /** Asks until it succeeds, fails for good or the time is up; rejects with an error of the catalogue. */
  async ask<T>(doing: string, act: (broker: Broker) => Promise<T>): Promise<T> {
    const { name, patienceMs } = this.#setup;
    const started = performance.now();
    let [retryMs, busyRetryMs] = [firstRetryMs, firstBusyRetryMs];
    for (;;) {
      try {
        this.#broker ??= this.#setup.find();
        return await act(await this.#broker);
      } catch (error) {
        const known = fromKafkajs(error, `${name}: ${doing}`);
        const spentMs = performance.now() - started;
        const isNew = known.code === 'TOPIC_UNKNOWN' && spentMs < unknownTopicGraceMs;
        if (!isNew && (!isPassing(known) || spentMs > patienceMs)) throw known;
        if (protocolTypeOf(error) === 'CONCURRENT_TRANSACTIONS') {
          await sleep(busyRetryMs);
          busyRetryMs = Math.min(busyRetryMs * 2, longestBusyRetryMs);
          continue;
        }
        this.#broker = null;
        await sleep(retryMs);
        retryMs = Math.min(retryMs * 2, longestRetryMs);
      }
    }
  }
}
