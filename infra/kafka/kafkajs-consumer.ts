import { setTimeout as sleep } from 'node:timers/promises';
import type { Kafka } from 'kafkajs';
import { classify, SluiceError } from '#errors';
import { keyOf } from './assignment.ts';
import { type ConsumerTimes, timesOf } from './consumer-times.ts';
import { isPassing } from './kafkajs-errors.ts';
import type { KafkajsLink } from './kafkajs-link.ts';
import type { TransportLogger } from './kafkajs-log.ts';
import { type FetchedBatch, Positions } from './kafkajs-positions.ts';
import { KafkajsSession, type Place } from './kafkajs-session.ts';
import type {
  ConsumerHandler,
  ConsumerOptions,
  GroupView,
  LogConsumer,
  TopicPartition,
  TopicPartitionOffset,
} from './port.ts';

export interface ConsumerSetup {
  readonly kafka: Kafka;
  readonly link: KafkajsLink;
  readonly logger: TransportLogger;
  /** In place of what `timesOf` derives. */
  readonly stallMs?: number;
  /** How long `run` tries to join at first. */
  readonly patienceMs: number;
  /** Counts restarts, by what caused them. */
  readonly onRestart: (reason: 'crashed' | 'stalled', groupId: string) => void;
}

const defaultFailureLimit = 10;
/** Stops in a row, without a fetch answered in between, that are met with another session. */
const stallLimit = 3;
const longestWatchMs = 1_000;
const firstBackOffMs = 100;
const longestBackOffMs = 2_000;

/**
 * A member of a consumer group that outlives what happens to kafkajs: a crash or a silent stop ends the session, and the
 * consumer starts another after a pause. Only errors of the handler, refusals by the broker, and one silent stop after the
 * other end the consumer itself.
 *
 * A silent stop is: no fetch, no join and no handler for `stallMs`, be it that kafkajs' loop ended or that a broker never
 * answers; or no heartbeat answered for as long as a session lasts.
 */
export class KafkajsConsumer implements LogConsumer {
  readonly #setup: ConsumerSetup;
  readonly #options: ConsumerOptions;
  readonly #times: ConsumerTimes;
  readonly #positions = new Positions();
  readonly #place: Place = { memberId: null, owned: [], generation: -1 };
  #handler: ConsumerHandler | null = null;
  #session: KafkajsSession | null = null;
  #watchdog: NodeJS.Timeout | null = null;
  #restarting: Promise<void> | null = null;
  #isStarting = false;
  #revoking: Promise<void> | null = null;
  /** Handlers and callbacks under way: as long as there are any, silence is not a stall. */
  #busy = 0;
  #failures = 0;
  #stalls = 0;
  #stopping = false;
  #closed: Promise<void> | null = null;

  constructor(options: ConsumerOptions, setup: ConsumerSetup) {
    this.#options = options;
    this.#setup = setup;
    this.#times = timesOf(options, setup.stallMs);
  }

  async run(handler: ConsumerHandler): Promise<void> {
    if (this.#handler || this.#stopping) {
      throw new SluiceError(
        'BUG',
        `${this.#name}: run was called on a consumer that already ran or was closed; make a new one`,
      );
    }
    this.#handler = handler;
    // Settled here within half a second; kafkajs would take its time.
    for (const topic of this.#options.topics) await this.#setup.link.partitions(topic);
    const everyMs = Math.min(this.#times.stallMs / 4, longestWatchMs);
    this.#watchdog = setInterval(() => this.#watch(), everyMs).unref();
    try {
      await this.#startFirst();
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async commit(offsets: readonly TopicPartitionOffset[]): Promise<void> {
    const lost = offsets.find(position => !this.#positions.find(position));
    if (lost || !this.#session) {
      const what = lost ? keyOf(lost) : 'anything';
      throw new SluiceError(
        'REBALANCED',
        `${this.#name} does not hold ${what}, so no offset was committed; its new holder starts from the last commit`,
      );
    }
    await this.#session.commit(offsets);
  }

  seek(position: TopicPartitionOffset): void {
    this.#positions.seek(position);
  }

  pause(partitions: readonly TopicPartition[]): void {
    this.#positions.pause(partitions);
  }

  resume(partitions: readonly TopicPartition[]): void {
    this.#positions.resume(partitions);
  }

  close(): Promise<void> {
    this.#closed ??= this.#end();
    return this.#closed;
  }

  async #end(): Promise<void> {
    this.#stopping = true;
    if (this.#watchdog) clearInterval(this.#watchdog);
    await this.#restarting;
    await this.#session?.end('leave');
    this.#session = null;
  }

  /** A broker that has just come up is given the time that any request is given. */
  async #startFirst(): Promise<void> {
    const deadline = performance.now() + this.#setup.patienceMs;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#startSession();
      } catch (error) {
        if (!isPassing(error) || this.#stopping || performance.now() > deadline) throw error;
        await sleep(backOffMs(attempt));
      }
    }
  }

  async #startSession(): Promise<void> {
    const { kafka, link, logger } = this.#setup;
    const session: KafkajsSession = new KafkajsSession({
      kafka,
      link,
      logger,
      options: this.#options,
      times: this.#times,
      positions: this.#positions,
      place: this.#place,
      revoke: () => this.#revoke(),
      assigned: (partitions, group) => this.#assigned(session, partitions, group),
      handle: batch => this.#handle(session, batch),
      crashed: error => this.#restart(session, 'crashed', error),
    });
    this.#session = session;
    this.#isStarting = true;
    try {
      await session.start();
    } catch (error) {
      this.#isStarting = false;
      await session.end('keep');
      throw error;
    } finally {
      this.#isStarting = false;
    }
  }

  /** Waits for handlers, calls `onRevoked` once per assignment, drops all. */
  #revoke(): Promise<void> {
    this.#revoking ??= this.#during(async () => {
      await Promise.all(this.#positions.all.map(holding => holding.running));
      const { partitions } = this.#positions;
      try {
        if (partitions.length > 0) await this.#handler!.onRevoked?.(partitions);
      } catch (error) {
        this.#failed(error);
      }
      this.#positions.drop();
    }).finally(() => {
      this.#revoking = null;
    });
    return this.#revoking;
  }

  async #assigned(
    session: KafkajsSession,
    partitions: readonly TopicPartition[],
    group: GroupView,
  ): Promise<void> {
    if (session !== this.#session || this.#stopping) return;
    this.#positions.take(partitions);
    // While it runs this member joins nothing else, so being a member is being one of this assignment.
    const isStale = () => this.#stopping || session !== this.#session || !session.isMember;
    await this.#during(async () => {
      try {
        await this.#handler!.onAssigned?.(partitions, group, { isStale });
      } catch (error) {
        if (this.#failed(error)) await this.#backOff(session);
        // Nothing is handed out of an assignment that was not accepted.
        session.rejoin();
      }
    });
  }

  async #handle(session: KafkajsSession, batch: FetchedBatch): Promise<'go on' | 'rejoin'> {
    const { holding } = batch;
    const isStale = () =>
      this.#stopping ||
      session !== this.#session ||
      !session.isMember ||
      holding.seeks !== batch.seeks ||
      !this.#positions.holds(holding);
    if (isStale() || holding.running || this.#positions.isPaused(holding)) return 'go on';
    let next: 'go on' | 'rejoin' = 'go on';
    holding.running = this.#during(async () => {
      try {
        await this.#handler!.onBatch(batch.toLogBatch(), { isStale, heartbeat: () => session.heartbeat() });
        if (holding.seeks === batch.seeks) holding.position = batch.fetched.nextOffset;
        this.#failures = 0;
      } catch (error) {
        const mendable = this.#failed(error);
        if (mendable === 'rejoin') next = 'rejoin';
        if (mendable === 'retry') await this.#backOff(session);
      }
    });
    await holding.running;
    holding.running = null;
    return next;
  }

  /** Ends the consumer unless the error can be met otherwise; answers how. Does not wait for the end. */
  #failed(error: unknown): 'retry' | 'rejoin' | null {
    const known = classify(error);
    const { reaction } = known;
    this.#failures += 1;
    if (this.#stopping) return null;
    if ((reaction === 'retry' || reaction === 'rejoin') && this.#failures < this.#failureLimit) {
      this.#setup.logger.warn(
        { groupId: this.#options.groupId, code: known.code },
        `${this.#name}: ${known.message}`,
      );
      return reaction;
    }
    this.#giveUp(known);
    return null;
  }

  #giveUp(error: SluiceError): void {
    if (this.#stopping) return;
    this.#setup.logger.error(
      { groupId: this.#options.groupId, code: error.code },
      `${this.#name} ended: ${error.message}`,
    );
    void this.close().then(() => this.#handler!.onFailed?.(error));
  }

  async #backOff(session: KafkajsSession): Promise<void> {
    const deadline = performance.now() + backOffMs(this.#failures);
    while (performance.now() < deadline && session.isMember && !this.#stopping) await sleep(20);
  }

  #watch(): void {
    const session = this.#session;
    if (!session || this.#stopping) return;
    const { stallMs, sessionTimeoutMs } = this.#times;
    const { unansweredMs } = session;
    const idleMs = this.#busy > 0 ? 0 : session.idleMs;
    if (idleMs < stallMs && unansweredMs < sessionTimeoutMs) return;
    const message =
      unansweredMs < sessionTimeoutMs
        ? `it did nothing for ${Math.round(idleMs)} ms`
        : `its group answered no heartbeat for ${unansweredMs} ms`;
    const stopped = new SluiceError('CONSUMER_STOPPED', `${this.#name} stopped silently: ${message}`);
    if (this.#isStarting) session.abandon(stopped);
    else this.#restart(session, 'stalled', stopped);
  }

  #restart(ended: KafkajsSession, reason: 'crashed' | 'stalled', cause: SluiceError): void {
    if (ended !== this.#session || this.#restarting || this.#stopping) return;
    this.#restarting = this.#startAgain(ended, reason, cause).finally(() => {
      this.#restarting = null;
    });
  }

  async #startAgain(ended: KafkajsSession, reason: 'crashed' | 'stalled', cause: SluiceError): Promise<void> {
    const { logger, onRestart } = this.#setup;
    const { groupId } = this.#options;
    let error = cause;
    if (ended.fetches > 0) this.#stalls = 0;
    await ended.end('keep');
    for (let attempt = 1; !this.#stopping; attempt += 1) {
      if (this.#isTooMuch(error)) return this.#giveUp(error);
      onRestart(reason, groupId);
      logger.warn({ groupId, reason, attempt }, `${this.#name} is started again: ${error.message}`);
      const deadline = performance.now() + backOffMs(attempt);
      while (performance.now() < deadline && !this.#stopping) await sleep(20);
      if (this.#stopping) return;
      try {
        return await this.#startSession();
      } catch (failure) {
        error = classify(failure);
      }
    }
  }

  /** Of what ended a session, or kept one from starting. */
  #isTooMuch(error: SluiceError): boolean {
    if (isPassing(error) || error.code === 'REBALANCED') return false;
    if (error.code === 'CONSUMER_STOPPED') {
      this.#stalls += 1;
      return this.#stalls > stallLimit;
    }
    this.#failures += 1;
    return error.reaction === 'halt' || this.#failures >= this.#failureLimit;
  }

  async #during<T>(act: () => Promise<T>): Promise<T> {
    this.#busy += 1;
    try {
      return await act();
    } finally {
      this.#busy -= 1;
    }
  }

  get #failureLimit(): number {
    return this.#options.failureLimit ?? defaultFailureLimit;
  }

  get #name(): string {
    return `Consumer of group ${this.#options.groupId}`;
  }
}

function backOffMs(attempt: number): number {
  return Math.min(firstBackOffMs * 2 ** (attempt - 1), longestBackOffMs);
}
