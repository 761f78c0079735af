import type { BufferPool } from './buffer-pool.ts';
import type { OutgoingRecord } from './port.ts';
import { RecordBatch, recordBound, stamp } from './record-batch.ts';
import type { Send } from './send.ts';

/** Who writes. Another generation is another producer to the broker, with numbers of its own. */
export interface Producer {
  readonly id: bigint;
  readonly epoch: number;
  readonly generation: number;
  readonly transactionalId: string | null;
}

/** A batch that will be or has been sent. */
export interface Batch {
  readonly lane: Lane;
  readonly bytes: Buffer;
  readonly count: number;
  /** Whose records it holds, in order; each up to a count of records. */
  readonly shares: readonly Share[];
  /** On the monotonic clock. */
  readonly deadlineMs: number;
  /** Position among the batches of its lane. */
  readonly order: number;
  /** Number of its first record; -1 before it is first sent. */
  sequence: number;
  /** It may have been written although no answer said so. */
  unsure: boolean;
  /** The broker does not take it from this producer any more, only from another. */
  astray: boolean;
  /** Nobody waits for it any more; an answer to it is too late. */
  settled: boolean;
}

interface Share {
  readonly send: Send;
  upTo: number;
}

interface OpenBatch {
  readonly records: RecordBatch;
  readonly shares: Share[];
  readonly deadlineMs: number;
  readonly order: number;
}

export interface Appending {
  readonly send: Send;
  readonly deadlineMs: number;
  readonly buffers: BufferPool;
}

export interface LaneSetup {
  readonly topic: string;
  readonly partition: number;
  readonly gzip: boolean;
  /** Number of the first record of the first producer. */
  readonly firstSequence: number;
}

/** A batch is closed at this size although its topic may take larger ones. */
const fullBatchBytes = 524_288;
const mostUnderWay = 5;
const lastSequence = 0x7fff_ffff;

/**
 * One partition's records on their way to its leader.
 *
 * Owns: their order, their numbers, what may be sent next. Does not own: connections, time, what callers are told.
 *
 * Invariants:
 * L1 Batches are written in the order in which they were made.
 * L2 A batch that may have been written is only ever repeated byte for byte, by the same producer under the same number: the
 *    broker drops what it has. One that was surely not written may be numbered anew.
 * L3 After a failure nothing new is sent before all that is under way was answered and all that failed was written or given
 *    up; what failed goes one batch at a time.
 * L4 At most five batches are under way: a broker remembers the last five of a producer. Its very first goes alone: from a
 *    producer it does not know, a broker takes any number, and would take the second although it refused the first.
 */
export class Lane {
  readonly topic: string;
  readonly partition: number;
  /** Node of the leader as last known. */
  leader = -1;
  /** The largest batch the topic takes. */
  limitBytes = 0;
  /** Kept by whoever sends: something of it is on its way. */
  isBusy = false;
  /** The transaction that this partition was last made part of. */
  transaction = 0;
  readonly #setup: LaneSetup;
  #open: OpenBatch | null = null;
  readonly #sealed: Batch[] = [];
  readonly #underWay: Batch[] = [];
  readonly #failed: Batch[] = [];
  #made = 0;
  /** Something failed since all was well: see L3. */
  #faltering = false;
  /** What failed waits until it is known where to send it. */
  #resting = false;
  #generation = -1;
  #nextSequence = 0;
  /** What the broker expects after the last batch it acknowledged. */
  #expectedSequence = 0;
  #writtenOrder = -1;
  /** The broker has taken something of this producer. */
  #isKnown = false;

  constructor(setup: LaneSetup) {
    this.#setup = setup;
    this.topic = setup.topic;
    this.partition = setup.partition;
  }

  /** Copies the record into the batch that is being filled; answers how many bytes it takes there. */
  append(record: OutgoingRecord, timestampMs: number, { send, deadlineMs, buffers }: Appending): number {
    let open = this.#open;
    if (open !== null && open.records.sizeBytes + recordBound(record) > this.#fullBytes) {
      this.#seal(open);
      open = null;
    }
    if (open === null) {
      open = { records: new RecordBatch(buffers.take()), shares: [], deadlineMs, order: this.#made++ };
      this.#open = open;
    }
    const sizeBytes = open.records.append(record, timestampMs);
    let share = open.shares.at(-1);
    if (share?.send !== send) {
      share = { send, upTo: 0 };
      open.shares.push(share);
      send.awaits();
    }
    share.upTo = open.records.count;
    return sizeBytes;
  }

  /**
   * The next batch that may be sent now, numbered and under way from here on; null when there is none.
   * `onlyUnsure`: while a producer gives way to another, nothing is sent but what may have been written by it, and what
   * comes before that.
   */
  take(producer: Producer, onlyUnsure: boolean): Batch | null {
    const isKnown = this.#isKnown && this.#generation === producer.generation;
    if (this.#underWay.length >= (isKnown ? mostUnderWay : 1)) return null;
    if (this.#faltering) {
      if (this.#underWay.length > 0 || this.#resting) return null;
      const [oldest] = this.#failed;
      if (oldest) {
        const mayGo = !onlyUnsure || (!oldest.astray && this.#failed.some(batch => batch.unsure));
        return mayGo ? this.#repeat(oldest, producer) : null;
      }
      this.#faltering = false;
      this.#nextSequence = this.#expectedSequence;
    }
    if (onlyUnsure) return null;
    if (this.#sealed.length === 0 && this.#open !== null) this.#seal(this.#open);
    const batch = this.#sealed.shift();
    if (!batch) return null;
    this.#meet(producer);
    this.#number(batch, producer, this.#nextSequence);
    this.#nextSequence = following(batch);
    this.#underWay.push(batch);
    return batch;
  }

  /** It is no longer under way. */
  answered(batch: Batch): void {
    remove(this.#underWay, batch);
  }

  isUnderWay(batch: Batch): boolean {
    return this.#underWay.includes(batch);
  }

  /** It was acknowledged. */
  written(batch: Batch): void {
    this.answered(batch);
    this.#isKnown = true;
    if (batch.order < this.#writtenOrder) return;
    this.#writtenOrder = batch.order;
    this.#expectedSequence = following(batch);
  }

  /** It goes again, once the lane is woken. */
  fails(batch: Batch, unsure: boolean): void {
    this.answered(batch);
    batch.unsure ||= unsure;
    this.#faltering = true;
    this.#resting = true;
    this.#failed.push(batch);
    this.#failed.sort((a, b) => a.order - b.order);
  }

  /** It will not be sent any more. */
  givesUp(batch: Batch): void {
    this.answered(batch);
    remove(this.#failed, batch);
    remove(this.#sealed, batch);
    if (batch.sequence >= 0) this.#faltering = true;
  }

  /** What failed may be sent again. */
  wake(): void {
    this.#resting = false;
  }

  /** The broker refused a batch as out of order although it is the one that it should expect. */
  isAstray(batch: Batch): boolean {
    return batch.sequence === this.#expectedSequence;
  }

  /** What may have been written, but will never be known to be: behind one that the broker does not take. */
  doomed(): readonly Batch[] {
    if (this.#underWay.length > 0 || !this.#failed[0]?.astray) return [];
    return this.#failed.filter(batch => batch.unsure);
  }

  /** Everything not yet settled, oldest first. Seals what is being filled. */
  unsettled(): readonly Batch[] {
    if (this.#open !== null) this.#seal(this.#open);
    return [...this.#failed, ...this.#underWay, ...this.#sealed].sort((a, b) => a.order - b.order);
  }

  /** Drops what was never sent and nobody waits for any more. */
  dropAbandoned(): void {
    const abandoned = ({ shares }: OpenBatch | Batch) => shares.every(({ send }) => send.isFailed);
    if (this.#open !== null && abandoned(this.#open)) this.#open = null;
    for (const batch of this.#sealed.filter(abandoned)) remove(this.#sealed, batch);
  }

  /** Earliest deadline of all that is not settled. */
  get deadlineMs(): number {
    const oldest = [this.#failed[0], this.#underWay[0], this.#sealed[0] ?? this.#open];
    return Math.min(...oldest.map(batch => batch?.deadlineMs ?? Number.POSITIVE_INFINITY));
  }

  get isEmpty(): boolean {
    const { length } = this.#sealed;
    return this.#open === null && length + this.#underWay.length + this.#failed.length === 0;
  }

  /** Whether a batch of it may have been written and is not yet known to be. */
  get isUncertain(): boolean {
    return this.#underWay.length > 0 || this.#failed.some(batch => batch.unsure);
  }

  get #fullBytes(): number {
    return Math.min(this.limitBytes, fullBatchBytes);
  }

  #repeat(batch: Batch, producer: Producer): Batch {
    this.#failed.shift();
    if (!batch.unsure) {
      this.#meet(producer);
      this.#number(batch, producer, this.#expectedSequence);
    }
    this.#underWay.push(batch);
    return batch;
  }

  #meet({ generation }: Producer): void {
    if (generation === this.#generation) return;
    this.#generation = generation;
    this.#isKnown = false;
    // A later producer has a higher epoch, which brokers take from 0 on only.
    this.#expectedSequence = generation === 0 ? this.#setup.firstSequence : 0;
    this.#nextSequence = this.#expectedSequence;
  }

  #number(batch: Batch, { id, epoch, transactionalId }: Producer, sequence: number): void {
    batch.sequence = sequence;
    batch.astray = false;
    const transactional = transactionalId !== null;
    stamp(batch.bytes, { producerId: id, producerEpoch: epoch, sequence, transactional });
  }

  #seal({ records, shares, deadlineMs, order }: OpenBatch): void {
    this.#open = null;
    this.#sealed.push({
      lane: this,
      bytes: records.seal({ gzip: this.#setup.gzip }),
      count: records.count,
      shares,
      deadlineMs,
      order,
      sequence: -1,
      unsure: false,
      astray: false,
      settled: false,
    });
  }
}

/** Numbers start over at 0 after the largest 32-bit integer. */
function following({ sequence, count }: Batch): number {
  const next = sequence + count;
  return next > lastSequence ? next - lastSequence - 1 : next;
}

function remove<T>(all: T[], one: T): void {
  const at = all.indexOf(one);
  if (at >= 0) all.splice(at, 1);
}
