import type { SluiceError } from '#errors';
import type { PartitionEnd, TopicPartition } from './port.ts';

/** One call of `send` on its way: settles once every batch that holds records of it has. */
export class Send {
  readonly #settled = Promise.withResolvers<readonly PartitionEnd[]>();
  readonly #ends = new Map<TopicPartition, number>();
  #awaited = 0;
  #batches = 0;
  #failed = false;

  get done(): Promise<readonly PartitionEnd[]> {
    return this.#settled.promise;
  }

  get isFailed(): boolean {
    return this.#failed;
  }

  /** One more batch holds records of it. */
  awaits(): void {
    this.#batches += 1;
    this.#awaited += 1;
  }

  /** All of it is in one batch: what is refused of it is refused whole. */
  get isInOneBatch(): boolean {
    return this.#batches === 1;
  }

  /** One of its batches was written; `end` is past its last record there. Of each partition always the same object. */
  written(where: TopicPartition, end: number): void {
    const known = this.#ends.get(where);
    if (known === undefined || end > known) this.#ends.set(where, end);
    this.#awaited -= 1;
    if (this.#awaited > 0 || this.#failed) return;
    const ends: PartitionEnd[] = [];
    for (const [{ topic, partition }, last] of this.#ends) ends.push({ topic, partition, end: last });
    this.#settled.resolve(ends);
  }

  fail(error: SluiceError): void {
    this.#failed = true;
    this.#settled.reject(error);
  }
}
