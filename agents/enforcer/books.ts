/**
 * The books of one boot: every number the kernel gave out is delivered, held, or dropped for a reason.
 *
 * Owns: the arithmetic of I8 and the point from which a restarted agent goes on.
 * Does not own: reading the kernel's counters (loader.ts), finding what was delivered before (recovery.ts).
 *
 * B1 emitted = delivered + spooled + every dropped, at each statement; a statement that cannot say so names the fault.
 * B2 A number missing after `reorderMs` is declared dropped once: `ring-full` as far as the kernel counted such drops,
 *    `restart` for the rest if it was given out before the loader of this session started, else `unexplained`.
 * B3 A declared number that arrives all the same is taken out of the drops again.
 * B4 Everything up to `settled.sequence` is delivered or declared; a successor that starts there counts nothing twice.
 */

import { Ranges } from './ranges.ts';
import { Arrivals, Watermark } from './sequence.ts';

export type DropReason = 'ring-full' | 'restart' | 'invalid' | 'unexplained';

/** What the kernel part counted. */
export interface KernelCount {
  /** Numbers given out so far. */
  readonly emitted: number;
  /** Of these, the ones that found no room in the ring buffer. */
  readonly ringFull: number;
}

/** Where a predecessor on the same boot left off. */
export interface Resume {
  readonly settledSequence: number;
  readonly dropped: Readonly<Record<string, number>>;
  /** Numbers above `settledSequence` that are in Kafka. */
  readonly deliveredAfter: Iterable<number>;
}

export interface Statement {
  readonly emitted: number;
  readonly delivered: number;
  readonly spooled: number;
  readonly dropped: Readonly<Record<string, number>>;
  readonly settled: { readonly sequence: number; readonly dropped: Readonly<Record<string, number>> };
  /** Empty when the books balance. */
  readonly faults: readonly string[];
}

export class Books {
  readonly #reorderMs: number;
  #arrivals = new Arrivals();
  #settled = new Watermark();
  #kernel: KernelCount = { emitted: 0, ringFull: 0 };
  #boundary: KernelCount = { emitted: 0, ringFull: 0 };
  #received = 0;
  #delivered = 0;
  #dropped = new Map<string, number>();
  /** Numbers declared by this process, by reason. */
  readonly #declared = new Map<DropReason, Ranges>();
  #duplicates = 0;

  constructor({ reorderMs = 3000 }: { readonly reorderMs?: number } = {}) {
    this.#reorderMs = reorderMs;
  }

  get duplicates(): number {
    return this.#duplicates;
  }

  /** A loader started: what it was not handed in time is lost with its predecessor. */
  session(kernel: KernelCount): void {
    this.#boundary = kernel;
    this.#kernel = kernel;
  }

  /** Takes up the count of a predecessor. At most once, and before anything is received. */
  resume({ settledSequence, dropped, deliveredAfter }: Resume, nowMs: number): void {
    this.#arrivals = new Arrivals(settledSequence);
    this.#settled = new Watermark(settledSequence);
    this.#dropped = new Map(Object.entries(dropped));
    this.#delivered = settledSequence - sum(this.#dropped);
    this.#received = this.#delivered + (this.#dropped.get('invalid') ?? 0);
    const before = [...new Set(deliveredAfter)].filter(n => n > settledSequence).sort((a, b) => a - b);
    for (const n of before) this.received(n, nowMs);
    this.delivered(before);
  }

  /** True when the number is new; a record must be made of it exactly then. */
  received(sequence: number, nowMs: number): boolean {
    if (this.#arrivals.add(sequence, nowMs) || this.#undeclare(sequence)) {
      this.#received += 1;
      return true;
    }
    this.#duplicates += 1;
    return false;
  }

  delivered(sequences: readonly number[]): void {
    this.#delivered += sequences.length;
    for (const n of sequences) this.#settled.add(n);
  }

  /** A received number that no record could be made of. */
  refused(sequence: number): void {
    this.#drop('invalid', sequence, sequence);
  }

  /**
   * The kernel's count. `drained`: every number it names that still exists has been received, so the rest is missing.
   * Holes older than `reorderMs` are declared.
   */
  count(kernel: KernelCount, { drained, nowMs }: { drained: boolean; nowMs: number }): void {
    this.#kernel = kernel;
    if (drained) this.#arrivals.extend(kernel.emitted, nowMs);
    for (const { first, last } of this.#arrivals.takeHoles(nowMs - this.#reorderMs)) {
      const boundary = this.#boundary.emitted;
      if (first <= boundary)
        this.#declare(first, Math.min(last, boundary), this.#boundary.ringFull, 'restart');
      if (last > boundary) {
        this.#declare(Math.max(first, boundary + 1), last, kernel.ringFull, 'unexplained');
      }
    }
  }

  /** `queued`: numbers received, made records of, and not yet delivered, as counted in the queue itself. */
  statement(queued: number): Statement {
    const unread = Math.max(0, this.#kernel.emitted - this.#arrivals.highest);
    const emitted = this.#arrivals.highest + unread;
    const spooled = queued + unread + this.#arrivals.missing;
    const dropped = Object.fromEntries(this.#dropped);
    const total = this.#delivered + spooled + sum(this.#dropped);
    const faults: string[] = [];
    const invalid = this.#dropped.get('invalid') ?? 0;
    if (this.#received !== this.#delivered + queued + invalid) {
      faults.push(
        `received ${this.#received} is not delivered ${this.#delivered} + queued ${queued} + invalid ${invalid}`,
      );
    }
    if (total !== emitted) faults.push(`emitted ${emitted} is not delivered + spooled + dropped = ${total}`);
    const unexplained = this.#dropped.get('unexplained') ?? 0;
    if (unexplained > 0)
      faults.push(`${unexplained} numbers are missing and the kernel counted no drop for them`);
    return {
      emitted,
      delivered: this.#delivered,
      spooled,
      dropped,
      settled: { sequence: this.#settled.value, dropped: this.#droppedUpTo(this.#settled.value) },
      faults,
    };
  }

  #declare(first: number, last: number, ringFull: number, otherwise: DropReason): void {
    const known = Math.max(0, ringFull - (this.#dropped.get('ring-full') ?? 0));
    const middle = Math.min(last, first + known - 1);
    if (middle >= first) this.#drop('ring-full', first, middle);
    if (last > middle) this.#drop(otherwise, middle + 1, last);
  }

  #drop(reason: DropReason, first: number, last: number): void {
    this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + last - first + 1);
    const declared = this.#declared.get(reason) ?? new Ranges();
    this.#declared.set(reason, declared);
    declared.add(first, last);
    this.#settled.add(first, last);
  }

  #undeclare(sequence: number): boolean {
    for (const [reason, declared] of this.#declared) {
      if (reason === 'invalid' || !declared.has(sequence)) continue;
      declared.delete(sequence);
      this.#dropped.set(reason, this.#dropped.get(reason)! - 1);
      return true;
    }
    return false;
  }

  #droppedUpTo(bound: number): Record<string, number> {
    const counts = [...this.#dropped].map(([reason, count]) => {
      const above = this.#declared.get(reason as DropReason)?.countAbove(bound) ?? 0;
      return [reason, count - above] as const;
    });
    return Object.fromEntries(counts);
  }
}

function sum(counts: ReadonlyMap<string, number>): number {
  let total = 0;
  for (const n of counts.values()) total += n;
  return total;
}
