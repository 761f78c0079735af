/**
 * One membership of the group after the other.
 *
 * Owns: the consumer, and what becomes of an error: another membership, or the end. The consumer never reacts on its own.
 * Does not own: tasks; `abandon` says that theirs are not to go on.
 */

import { classify, SluiceError } from '#errors';
import type { ConsumerHandler, LogConsumer } from '#kafka';
import type { Clock } from '../clock.ts';
import { backOffMs } from './back-off.ts';

export interface MembershipsOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly spread: () => number;
  consumer(): LogConsumer;
  readonly work: Required<Omit<ConsumerHandler, 'onFailed'>>;
  /** What was done since the last checkpoint does not count any more. */
  abandon(): void;
  onRestart(error: SluiceError, waitMs: number): void;
}

interface Membership {
  readonly consumer: LogConsumer;
  readonly trouble: PromiseWithResolvers<SluiceError>;
}

/** A store that cannot be restored does not get better by trying. */
const restoreLimit = 3;

const isMendable = ({ reaction }: SluiceError) =>
  reaction === 'retry' || reaction === 'rejoin' || reaction === 'restore';

export class Memberships {
  /** Memberships that ended in an error and were followed by another. */
  restarts = 0;
  readonly #options: MembershipsOptions;
  #current: Membership | null = null;
  /** In a row, without a checkpoint in between. */
  #failures = 0;
  #restoreFailures = 0;

  constructor(options: MembershipsOptions) {
    this.#options = options;
  }

  /** Of the present membership. */
  get consumer(): LogConsumer {
    if (!this.#current) throw new SluiceError('BUG', 'there is no membership yet');
    return this.#current.consumer;
  }

  /** Resolves with the error that another membership would not mend, or null when the signal ended it. */
  async run(): Promise<SluiceError | null> {
    const { clock, signal, spread, onRestart } = this.#options;
    while (!signal.aborted) {
      const error = await this.#member();
      if (signal.aborted) break;
      if (error.reaction === 'restore') this.#restoreFailures += 1;
      if (!isMendable(error) || this.#restoreFailures >= restoreLimit) return error;
      this.#failures += 1;
      this.restarts += 1;
      const waitMs = backOffMs(this.#failures, spread);
      onRestart(error, waitMs);
      await this.#current?.consumer.close();
      await clock.sleep(waitMs, signal);
    }
    return null;
  }

  /** An error besides the consumer's callbacks: it ends the membership. */
  fail(error: unknown): void {
    if (this.#current) this.#trouble(this.#current, error);
  }

  restored(): void {
    this.#restoreFailures = 0;
  }

  progressed(): void {
    this.#failures = 0;
  }

  /** After the signal: leaves the group, revoking in order. */
  async close(): Promise<void> {
    await this.#current?.consumer.close();
    this.#current?.trouble.resolve(new SluiceError('CONSUMER_STOPPED', 'closed'));
  }

  /** Joins the group; resolves with what ended the membership. */
  async #member(): Promise<SluiceError> {
    try {
      const consumer = this.#options.consumer();
      const membership = { consumer, trouble: Promise.withResolvers<SluiceError>() };
      this.#current = membership;
      this.#join(membership);
      return await membership.trouble.promise;
    } catch (error) {
      return classify(error);
    }
  }

  #join(membership: Membership): void {
    const { work } = this.#options;
    const running = membership.consumer.run({
      onBatch: (batch, context) => this.#guarded(membership, () => work.onBatch(batch, context)),
      onAssigned: (...assignment) => this.#guarded(membership, () => work.onAssigned(...assignment)),
      onRevoked: partitions => work.onRevoked(partitions),
      onFailed: error => this.#trouble(membership, error),
    });
    running.catch(error => this.#trouble(membership, error));
  }

  async #guarded(membership: Membership, work: () => Promise<void>): Promise<void> {
    if (membership !== this.#current) return;
    try {
      await work();
    } catch (error) {
      this.#trouble(membership, error);
    }
  }

  #trouble(membership: Membership, error: unknown): void {
    if (membership !== this.#current) return;
    this.#options.abandon();
    membership.trouble.resolve(classify(error));
  }
}
