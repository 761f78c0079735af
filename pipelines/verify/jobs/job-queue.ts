/**
 * The jobs of one tenant.
 *
 * Owns: what waits, runs and ended, as people ask for it. Does not own: doing it (job-worker.ts).
 *
 * Each tenant has a queue of its own whose concurrency is one over all workers: one tenant's jobs wait for each other, and never
 * for another's.
 */

import { type Job, Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { SluiceError } from '#errors';
import { checkTenant } from '#schemas';
import { JobStore, keptSeconds } from './job-store.ts';
import { connectRedis } from './redis.ts';
import type { JobRequest, JobResult } from './request.ts';

export const queuePrefix = 'sluice';

export function queueName(tenant: string): string {
  return `verify-${checkTenant(tenant)}`;
}

/** waiting, also to be tried again; running; done; failed; cancelled. */
export type JobState = 'waiting' | 'running' | 'done' | 'failed' | 'cancelled';

/** Times in milliseconds since the epoch; null: not yet. */
export interface JobStatus {
  readonly id: string;
  readonly kind: JobRequest['kind'];
  readonly state: JobState;
  readonly records: number;
  /** null: not known. */
  readonly total: number | null;
  readonly addedAt: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  /** How often it was begun or gone on with. */
  readonly starts: number;
  /** Why it failed or by whom it was cancelled; empty otherwise. */
  readonly reason: string;
}

/** Tried again after troubles that pass. */
const attempts = 5;
const backoffMs = 2_000;
const keptJobs = 1_000;

export interface StoredProgress {
  readonly records: number;
  readonly total: number | null;
}

export class JobQueue {
  readonly #redis: Redis;
  readonly #queue: Queue<JobRequest>;
  readonly #store: JobStore;

  private constructor(redis: Redis, tenant: string) {
    this.#redis = redis;
    this.#queue = new Queue<JobRequest>(queueName(tenant), { connection: redis, prefix: queuePrefix });
    this.#queue.on('error', () => {});
    this.#store = new JobStore(redis, tenant);
  }

  /** Errors: UNREACHABLE, BROKER_REFUSED, CONFIG_INVALID. */
  static async open({ redisUrl, tenant }: { readonly redisUrl: string; readonly tenant: string }) {
    const queue = new JobQueue(await connectRedis(redisUrl, { patient: false }), tenant);
    await queue.#queue.setGlobalConcurrency(1);
    return queue;
  }

  async add(id: string, request: JobRequest): Promise<void> {
    const kept = { age: keptSeconds, count: keptJobs };
    await this.#queue.add(request.kind, request, {
      ...{ jobId: id, attempts, backoff: { type: 'exponential', delay: backoffMs }, keepLogs: 1_000 },
      ...{ removeOnComplete: kept, removeOnFail: kept },
    });
  }

  /** The newest first. */
  async list(): Promise<JobStatus[]> {
    const jobs = await this.#queue.getJobs(['active', 'waiting', 'delayed', 'completed', 'failed']);
    const known = jobs.filter(job => job !== undefined);
    const all = await Promise.all(known.map(job => this.#statusOf(job)));
    return all.sort((a, b) => b.addedAt - a.addedAt || (a.id < b.id ? 1 : -1));
  }

  /** Errors: INPUT_INVALID when there is no such job. */
  async status(id: string): Promise<JobStatus> {
    return this.#statusOf(await this.#job(id));
  }

  /** Errors: INPUT_INVALID when there is no such job. */
  async log(id: string): Promise<readonly string[]> {
    await this.#job(id);
    return (await this.#queue.getJobLogs(id)).logs;
  }

  /**
   * One that waits is ended at once, one that runs when its worker looks next, within a second.
   * Errors: INPUT_INVALID when there is no such job, or it has ended.
   */
  async cancel(id: string, by: string): Promise<JobState> {
    const job = await this.#job(id);
    const { state } = await this.#statusOf(job);
    if (state !== 'waiting' && state !== 'running')
      throw new SluiceError('INPUT_INVALID', `job ${id} is ${state}: there is nothing to cancel`);
    await this.#store.cancel(id, by);
    return state;
  }

  /** Errors: INPUT_INVALID when there is no such job, it has not ended well, or its result is no longer kept. */
  async result(id: string): Promise<JobResult> {
    const { state, reason } = await this.status(id);
    if (state !== 'done')
      throw new SluiceError(
        'INPUT_INVALID',
        `job ${id} is ${state}${reason === '' ? '' : `: ${reason}`}; it has no result`,
      );
    const result = await this.#store.result(id);
    if (result) return result;
    throw new SluiceError(
      'INPUT_INVALID',
      `job ${id}: its result is no longer kept (${keptSeconds / 86_400} days)`,
    );
  }

  async close(): Promise<void> {
    await this.#queue.close();
    this.#redis.disconnect();
  }

  async #job(id: string): Promise<Job<JobRequest>> {
    const job = await this.#queue.getJob(id);
    if (job) return job;
    throw new SluiceError('INPUT_INVALID', `There is no job ${id}. sluice jobs list shows those there are`);
  }

  async #statusOf(job: Job<JobRequest>): Promise<JobStatus> {
    const id = job.id ?? '';
    const [bull, by] = await Promise.all([job.getState(), this.#store.cancelledBy(id)]);
    const told = stateOf(bull);
    const state = by !== null && (told === 'failed' || told === 'waiting') ? 'cancelled' : told;
    const { records = 0, total = null } = (job.progress as Partial<StoredProgress>) ?? {};
    return {
      ...{ id, kind: job.data.kind, state, records, total },
      ...{ addedAt: job.timestamp, startedAt: job.processedOn ?? null, endedAt: job.finishedOn ?? null },
      starts: job.attemptsStarted,
      reason: state === 'cancelled' ? `cancelled by ${by}` : (job.failedReason ?? ''),
    };
  }
}

function stateOf(bull: string): JobState {
  if (bull === 'active') return 'running';
  if (bull === 'completed') return 'done';
  return bull === 'failed' ? 'failed' : 'waiting';
}
