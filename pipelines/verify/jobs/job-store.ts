/**
 * What belongs to a job beside its place in the queue: where it stands, what came of it, whether somebody wants it to end.
 *
 * Everything here ends by itself after `keptSeconds`.
 */

import type { Redis } from 'ioredis';
import { packed, unpacked } from './packed.ts';
import type { JobResult } from './request.ts';
import type { JobCheckpoint } from './run-job.ts';

/** A week. */
export const keptSeconds = 7 * 86_400;

export class JobStore {
  readonly #redis: Redis;
  readonly #tenant: string;

  constructor(redis: Redis, tenant: string) {
    this.#redis = redis;
    this.#tenant = tenant;
  }

  async saveCheckpoint(jobId: string, checkpoint: JobCheckpoint): Promise<void> {
    await this.#put('checkpoint', jobId, checkpoint);
  }

  checkpoint(jobId: string): Promise<JobCheckpoint | undefined> {
    return this.#get('checkpoint', jobId);
  }

  async forgetCheckpoint(jobId: string): Promise<void> {
    await this.#redis.del(this.#key('checkpoint', jobId));
  }

  async saveResult(jobId: string, result: JobResult): Promise<void> {
    await this.#put('result', jobId, result);
  }

  result(jobId: string): Promise<JobResult | undefined> {
    return this.#get('result', jobId);
  }

  /** Whoever works on the job ends it when it looks next. */
  async cancel(jobId: string, by: string): Promise<void> {
    await this.#redis.set(this.#key('cancelled', jobId), by, 'EX', keptSeconds);
  }

  /** Who cancelled it; null: nobody did. */
  cancelledBy(jobId: string): Promise<string | null> {
    return this.#redis.get(this.#key('cancelled', jobId));
  }

  async #put(what: string, jobId: string, value: object): Promise<void> {
    await this.#redis.set(this.#key(what, jobId), await packed(value), 'EX', keptSeconds);
  }

  async #get<T>(what: string, jobId: string): Promise<T | undefined> {
    const bytes = await this.#redis.getBuffer(this.#key(what, jobId));
    return bytes ? unpacked<T>(bytes) : undefined;
  }

  #key(what: string, jobId: string): string {
    return `sluice:${this.#tenant}:${what}:${jobId}`;
  }
}
