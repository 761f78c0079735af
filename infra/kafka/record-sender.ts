import { SluiceError } from '#errors';
import type { BufferPool } from './buffer-pool.ts';
import { fromKafkajs, isPassing } from './kafkajs-errors.ts';
import type { KafkajsLink } from './kafkajs-link.ts';
import type { Batch, Lane, Producer } from './outgoing-lane.ts';
import type { OutgoingRecord, PartitionEnd } from './port.ts';
import { type ChannelDesk, ProduceChannel } from './produce-channel.ts';
import type { PartitionAnswer } from './produce-request.ts';
import { type Verdict, verdictOf } from './produce-verdict.ts';
import { RecordRouter } from './record-router.ts';
import { Send } from './send.ts';
import { TopicRecovery } from './topic-recovery.ts';

export interface SenderSetup {
  readonly link: KafkajsLink;
  readonly deliveryTimeoutMs: number;
  readonly gzip: boolean;
  readonly buffers: BufferPool;
  readonly transactionalId: string | null;
  /** Number of the first record in each partition. */
  readonly firstSequence: number;
  /** Before the first repetition of what failed; doubled each time. */
  readonly firstRetryMs: number;
  /** Who sends. Looked at anew for each batch. */
  producer(): Producer;
  /** Has the producer become another; null when it cannot, then the sender ends with the first trouble that asks for it. */
  readonly renew: (() => Promise<void>) | null;
}

/** What has to happen before so many records may go to these partitions; null when nothing. */
export type Admission = (lanes: readonly Lane[], count: number) => Promise<void> | null;

/** Enough to send while more is being copied. */
const drainBytes = 262_144;
const longestReplicaWaitMs = 30_000;
const overdueCheckMs = 200;

/**
 * Sends records with the guarantees of an idempotent producer.
 *
 * Owns: what happens when: batching, retries, deadlines, giving up. Does not own: the order and numbers of a partition
 * (`Lane`), connections (`ProduceChannel`), who the producer is (`SenderSetup.producer`).
 *
 * Invariants:
 * R1 Sends are taken in the order of the calls; a send is checked whole before any record of it is taken.
 * R2 Every send settles within the delivery timeout after it was taken.
 * R3 When a batch that may have been written is given up, nothing new is sent by the same producer: another, with numbers
 *    of its own, takes over once nothing of the old one is under way.
 */
export class RecordSender implements ChannelDesk {
  readonly #setup: SenderSetup;
  readonly #router: RecordRouter;
  readonly #recovery: TopicRecovery;
  readonly #channels = new Map<number, ProduceChannel>();
  /** Lanes with something on its way; those served last come last. */
  readonly #busy = new Set<Lane>();
  readonly #placed: Lane[] = [];
  /** Sends that wait for something before they are taken, one after another. */
  #queue: Promise<void> | null = null;
  #drainDue = false;
  #trouble: SluiceError | null = null;
  #renewal: { started: boolean } | null = null;
  #watch: NodeJS.Timeout | null = null;
  #ended: SluiceError | null = null;
  #idle: PromiseWithResolvers<void> | null = null;

  constructor(setup: SenderSetup) {
    this.#setup = setup;
    const { link, gzip, firstSequence, firstRetryMs } = setup;
    this.#router = new RecordRouter({ link, gzip, firstSequence });
    this.#recovery = new TopicRecovery({
      firstRetryMs,
      relocate: topic => this.#router.relocate(topic),
      onDone: (topic, error) => this.#recovered(topic, error),
    });
  }

  /** It failed in a way that it cannot go on after. */
  get hasEnded(): boolean {
    return this.#ended !== null;
  }

  /** Resolves with where each partition written to ended. */
  send(records: readonly OutgoingRecord[], admit?: Admission): Promise<readonly PartitionEnd[]> {
    if (records.length === 0) return Promise.resolve([]);
    if (this.#queue === null) {
      try {
        const placed = this.#router.place(records, this.#placed);
        if (placed && !admit) return this.#take(records, this.#placed);
      } catch (error) {
        return Promise.reject(error);
      }
    }
    const prepared = (this.#queue ?? Promise.resolve()).then(() => this.#prepare(records, admit));
    const queue: Promise<void> = prepared.then(
      () => this.#left(queue),
      () => this.#left(queue),
    );
    this.#queue = queue;
    return prepared.then(({ done }) => done);
  }

  /** Resolves once every send has settled. */
  async settled(): Promise<void> {
    while (this.#queue !== null) await this.#queue;
    if (this.#busy.size === 0) return;
    this.#idle ??= Promise.withResolvers();
    await this.#idle.promise;
  }

  take(nodeId: number, sizeBytes: number): Batch[] {
    const batches: Batch[] = [];
    let takenBytes = 0;
    for (const lane of this.#busy) {
      if (lane.leader !== nodeId) continue;
      const batch = lane.take(this.#setup.producer(), this.#renewal !== null);
      if (batch === null) continue;
      batches.push(batch);
      takenBytes += batch.bytes.length;
      if (takenBytes >= sizeBytes) break;
    }
    for (const { lane } of batches) {
      this.#busy.delete(lane);
      this.#busy.add(lane);
    }
    return batches;
  }

  answered(batch: Batch, { errorCode, baseOffset }: PartitionAnswer): void {
    if (batch.settled) return;
    const { verdict, error } = verdictOf(errorCode);
    if (verdict === 'written') this.#written(batch, baseOffset);
    else this.#refused(batch, verdict, fromKafkajs(error, `Sending to ${placeOf(batch)}`));
  }

  unanswered(batch: Batch, error: unknown): void {
    if (batch.settled) return;
    this.#trouble = fromKafkajs(error, `Sending to ${placeOf(batch)}`);
    this.#again(batch, true);
  }

  released(): void {
    this.#drain();
  }

  unreachable(nodeId: number, error: unknown): void {
    const known = fromKafkajs(error, 'Connecting a producer');
    this.#trouble = known;
    for (const lane of [...this.#busy]) {
      if (lane.leader !== nodeId) continue;
      if (isPassing(known)) this.#recovery.begin(lane.topic);
      else this.#abandon(lane, known);
    }
  }

  #left(queue: Promise<void>): void {
    if (this.#queue === queue) this.#queue = null;
  }

  async #prepare(records: readonly OutgoingRecord[], admit?: Admission) {
    const lanes: Lane[] = [];
    while (!this.#router.place(records, lanes)) await this.#router.load(records);
    const admission = admit?.(lanes, records.length);
    if (admission) await admission;
    return { done: this.#take(records, lanes) };
  }

  #take(records: readonly OutgoingRecord[], lanes: readonly Lane[]): Promise<readonly PartitionEnd[]> {
    if (this.#ended) return Promise.reject(this.#ended);
    const send = new Send();
    const deadlineMs = performance.now() + this.#setup.deliveryTimeoutMs;
    const appending = { send, deadlineMs, buffers: this.#setup.buffers };
    const nowMs = Date.now();
    let unsentBytes = 0;
    for (let index = 0; index < records.length; index += 1) {
      const record = records[index]!;
      const lane = lanes[index]!;
      if (!lane.isBusy) {
        lane.isBusy = true;
        this.#busy.add(lane);
      }
      unsentBytes += lane.append(record, record.timestampMs ?? nowMs, appending);
      if (unsentBytes < drainBytes) continue;
      unsentBytes = 0;
      this.#drain();
    }
    this.#watch ??= setTimeout(() => this.#giveUpOverdue(), overdueCheckMs);
    this.#drainSoon();
    return send.done;
  }

  /** What is sent in one go of the caller goes together. */
  #drainSoon(): void {
    if (this.#drainDue) return;
    this.#drainDue = true;
    queueMicrotask(() => {
      this.#drainDue = false;
      this.#drain();
    });
  }

  #drain(): void {
    if (this.#renewal) this.#tryRenewal();
    const nodes = new Set<number>();
    for (const { leader } of this.#busy) nodes.add(leader);
    for (const nodeId of nodes) this.#channel(nodeId).drain();
  }

  #channel(nodeId: number): ProduceChannel {
    const known = this.#channels.get(nodeId);
    if (known) return known;
    const { link, transactionalId, deliveryTimeoutMs } = this.#setup;
    const made = new ProduceChannel({
      nodeId,
      connect: () => link.broker(nodeId),
      desk: this,
      transactionalId,
      timeoutMs: Math.min(deliveryTimeoutMs, longestReplicaWaitMs),
    });
    this.#channels.set(nodeId, made);
    return made;
  }

  #written(batch: Batch, baseOffset: number): void {
    const { lane, shares } = batch;
    batch.settled = true;
    this.#recovery.succeeded(lane.topic);
    lane.written(batch);
    for (const { send, upTo } of shares) send.written(lane, baseOffset + upTo);
    // What was on a connection that broke may still be held by it.
    if (!batch.unsure) this.#setup.buffers.give(batch.bytes);
    this.#retire(lane);
  }

  #refused(batch: Batch, verdict: Verdict, known: SluiceError): void {
    this.#trouble = known;
    const { lane } = batch;
    if (verdict === 'rejected') {
      // Its limit may have been lowered since it was looked up.
      if (known.code === 'VALUE_INVALID') this.#router.forget(lane.topic);
      lane.answered(batch);
      this.#giveUp(batch, known);
      return;
    }
    const lostTrack = verdict === 'fenced' || (verdict === 'astray' && lane.isAstray(batch));
    if (batch.unsure && (lostTrack || verdict === 'astray')) {
      this.#giveUp(batch, known);
      return;
    }
    batch.astray = lostTrack;
    this.#again(batch, verdict === 'unsure');
    if (lostTrack) this.#renew(known);
  }

  #again(batch: Batch, unsure: boolean): void {
    batch.lane.fails(batch, unsure);
    this.#recovery.begin(batch.lane.topic);
  }

  #recovered(topic: string, error: unknown): void {
    const known = error === null ? null : fromKafkajs(error, `Sending to ${topic}`);
    for (const lane of [...this.#busy]) {
      if (lane.topic !== topic) continue;
      if (known && !isPassing(known)) this.#abandon(lane, known);
      else lane.wake();
    }
    this.#drain();
  }

  #giveUpOverdue(): void {
    this.#watch = null;
    const now = performance.now();
    for (const lane of [...this.#busy]) {
      if (lane.deadlineMs > now) continue;
      for (const batch of lane.unsettled()) {
        if (batch.deadlineMs > now) continue;
        if (lane.isUnderWay(batch)) this.#channels.get(lane.leader)?.cut();
        this.#giveUp(batch, this.#overdue(batch));
      }
    }
    if (this.#busy.size > 0) this.#watch ??= setTimeout(() => this.#giveUpOverdue(), overdueCheckMs);
  }

  #overdue(batch: Batch): SluiceError {
    const { deliveryTimeoutMs } = this.#setup;
    const why = this.#trouble ? `; ${this.#trouble.message}` : ' (check that the broker runs)';
    const message = `Sending to ${placeOf(batch)}: not acknowledged within ${deliveryTimeoutMs} ms${why}`;
    return new SluiceError('BROKER_UNREACHABLE', message, { cause: this.#trouble });
  }

  #abandon(lane: Lane, error: SluiceError): void {
    for (const batch of lane.unsettled()) this.#giveUp(batch, error);
  }

  #giveUp(batch: Batch, error: SluiceError): void {
    if (batch.settled) return;
    const { lane, shares } = batch;
    const inDoubt = batch.unsure || lane.isUnderWay(batch);
    batch.settled = true;
    lane.givesUp(batch);
    for (const { send } of shares) send.fail(send.isInOneBatch && !inDoubt ? error : inPart(error));
    for (const each of [...this.#busy]) {
      each.dropAbandoned();
      this.#retire(each);
    }
    if (inDoubt) this.#renew(error);
  }

  #retire(lane: Lane): void {
    if (!lane.isEmpty) return;
    lane.isBusy = false;
    this.#busy.delete(lane);
    if (this.#busy.size > 0) return;
    if (this.#watch) clearTimeout(this.#watch);
    this.#watch = null;
    this.#idle?.resolve();
    this.#idle = null;
  }

  #renew(cause: SluiceError): void {
    if (this.#setup.renew === null) {
      this.#end(cause);
      return;
    }
    this.#renewal ??= { started: false };
    this.#tryRenewal();
  }

  #tryRenewal(): void {
    const renewal = this.#renewal;
    if (!renewal || renewal.started) return;
    for (const lane of [...this.#busy]) {
      for (const batch of lane.doomed()) this.#giveUp(batch, this.#trouble!);
    }
    if (renewal.started || [...this.#busy].some(lane => lane.isUncertain)) return;
    renewal.started = true;
    this.#setup.renew!().then(
      () => {
        this.#renewal = null;
        this.#drain();
      },
      error => {
        renewal.started = false;
        this.#trouble = fromKafkajs(error, 'Asking for a producer id');
        for (const { topic } of this.#busy) this.#recovery.begin(topic);
      },
    );
  }

  #end(cause: SluiceError): void {
    if (this.#ended) return;
    this.#ended = cause;
    for (const lane of [...this.#busy]) this.#abandon(lane, cause);
  }
}

/** VALUE_INVALID and TOPIC_UNKNOWN say that nothing was written. */
function inPart(error: SluiceError): SluiceError {
  if (error.code !== 'VALUE_INVALID' && error.code !== 'TOPIC_UNKNOWN') return error;
  const message = `${error.message} (records of the same send may have been written)`;
  return new SluiceError('BROKER_REFUSED', message, { cause: error });
}

function placeOf({ lane: { topic, partition } }: Batch): string {
  return `${topic}/${partition}`;
}
