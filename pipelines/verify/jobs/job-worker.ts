/**
 * Who does the jobs of one tenant.
 *
 * Owns: taking jobs, checkpoints, cancelling, what becomes of a job that fails. Does not own: what a job does (run-job.ts).
 *
 * Invariants:
 * J1 A worker may be killed at any instant: when its lock has run out the job goes on from its last checkpoint, here or elsewhere.
 * J2 A worker that is asked to end gives its job back, which goes on from its last checkpoint.
 * J3 A worker that lost its lock stops: another one goes on with the job. What both did until then is the same.
 * J4 What passes (a broker away) is tried again; what does not (a bad policy) fails at once.
 */

import { type Job, UnrecoverableError, WaitingError, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { classify } from '#errors';
import type { RecordTopicName } from '#schemas';
import { type Clock, systemClock } from '#streams';
import { type RecordingBroker, readTopics } from '../../enrich/index.ts';
import { queueName, queuePrefix, type StoredProgress } from './job-queue.ts';
import { JobStore, keptSeconds } from './job-store.ts';
import { connectRedis } from './redis.ts';
import type { JobRequest } from './request.ts';
import { type JobCheckpoint, type JobProgress, runJob } from './run-job.ts';

export interface WorkerOptions {
  readonly redisUrl: string;
  readonly tenant: string;
  readonly broker: RecordingBroker;
  readonly report: (line: string) => void;
  /** How long after a worker's last sign of life its job goes to another. Absent: 30 s. */
  readonly lockMs?: number;
  /** How often a checkpoint is written. Absent: 5 s. */
  readonly checkpointMs?: number;
  /** Absent: the system's. */
  readonly clock?: Clock;
}

/** What jobs read and write. */
export const jobTopics = [
  ...readTopics,
  'behaviours.v1',
  'policies.v1',
  'dead-letters.v1',
] as const satisfies readonly RecordTopicName[];

const lookMs = 500;
/** However often workers are killed: a job is gone on with. */
const mostStalls = 1_000;

class Cancelled extends Error {}
class Ending extends Error {}
class LockLost extends Error {}

export class JobWorker {
  readonly #options: WorkerOptions;
  readonly #redis: Redis;
  readonly #store: JobStore;
  readonly #worker: Worker<JobRequest>;
  readonly #ending = new AbortController();
  /** What ends each job that is done here. */
  readonly #stopping = new Map<string, AbortController>();

  private constructor(options: WorkerOptions, redis: Redis) {
    const { tenant, report, lockMs = 30_000 } = options;
    this.#options = options;
    this.#redis = redis;
    this.#store = new JobStore(redis, tenant);
    this.#worker = new Worker<JobRequest>(queueName(tenant), (job, token) => this.#process(job, token), {
      ...{ connection: redis, prefix: queuePrefix, concurrency: 1 },
      ...{ lockDuration: lockMs, stalledInterval: Math.ceil(lockMs / 3), maxStalledCount: mostStalls },
      ...{ removeOnComplete: { age: keptSeconds }, removeOnFail: { age: keptSeconds } },
    });
    this.#worker.on('error', error => report(`${tenant}: ${error.message}`));
    this.#worker.on('lockRenewalFailed', ids => {
      for (const id of ids) this.#stopping.get(id)?.abort(new LockLost('its lock went to another worker'));
    });
  }

  /** Working. Errors: UNREACHABLE, BROKER_REFUSED, CONFIG_INVALID. */
  static async start(options: WorkerOptions): Promise<JobWorker> {
    const worker = new JobWorker(options, await connectRedis(options.redisUrl, { patient: true }));
    await worker.#worker.waitUntilReady();
    return worker;
  }

  /** Gives back what it is doing. */
  async close(): Promise<void> {
    this.#ending.abort(new Ending());
    await this.#worker.close();
    this.#redis.disconnect();
  }

  async #process(job: Job<JobRequest>, token: string | undefined): Promise<string> {
    const { report, tenant } = this.#options;
    const id = job.id ?? '';
    const log = async (line: string) => {
      report(`${tenant}: job ${id}: ${line}`);
      await job.log(`${this.#now()} ${line}`);
    };
    const stopping = new AbortController();
    this.#stopping.set(id, stopping);
    const watching = this.#watch(id, stopping);
    try {
      return await this.#run(job, { log, signal: AbortSignal.any([stopping.signal, this.#ending.signal]) });
    } catch (failure) {
      if (failure instanceof Ending) {
        await log('given back: its worker ends');
        await job.moveToWait(token);
        throw new WaitingError();
      }
      if (failure instanceof LockLost) throw failure;
      const error = classify(failure);
      const reason = failure instanceof Cancelled ? failure.message : `${error.code}: ${error.message}`;
      await log(reason);
      if (error.reaction === 'retry' && !(failure instanceof Cancelled)) throw error;
      await this.#store.forgetCheckpoint(id);
      throw new UnrecoverableError(reason);
    } finally {
      this.#stopping.delete(id);
      stopping.abort();
      await watching;
    }
  }

  async #run(
    job: Job<JobRequest>,
    { log, signal }: { readonly log: (line: string) => Promise<void>; readonly signal: AbortSignal },
  ): Promise<string> {
    const { broker, clock = systemClock, checkpointMs = 5_000 } = this.#options;
    const id = job.id ?? '';
    await this.#throwIfCancelled(id);
    const checkpoint = await this.#store.checkpoint(id);
    await log(checkpoint ? `goes on at record ${recordsOf(job)}` : `${job.data.kind} begins`);
    let savedMs = clock.now();
    const save = async (next: JobCheckpoint) => {
      await this.#store.saveCheckpoint(id, next);
      savedMs = clock.now();
    };
    const result = await runJob(job.data, {
      ...{ broker, checkpoint, signal, save },
      progress: async ({ records, total, checkpoint: next }: JobProgress) => {
        if (!signal.aborted && clock.now() - savedMs < checkpointMs) return;
        await save(next());
        await job.updateProgress({ records, total: total ?? null } satisfies StoredProgress);
      },
    });
    await this.#store.saveResult(id, result);
    await this.#store.forgetCheckpoint(id);
    const inputs = result.kind === 'simulate' ? result.simulation.inputs : result.replayed.inputs;
    const records = inputs.reduce((sum, each) => sum + each.records, 0);
    await job.updateProgress({ records, total: records } satisfies StoredProgress);
    await log(`done: ${records} records`);
    return 'done';
  }

  /** Until the job has ended. */
  async #watch(id: string, stopping: AbortController): Promise<void> {
    const { clock = systemClock } = this.#options;
    while (!stopping.signal.aborted) {
      await clock.sleep(lookMs, stopping.signal);
      const by = await this.#store.cancelledBy(id).catch(() => null);
      if (by !== null) stopping.abort(new Cancelled(`cancelled by ${by}`));
    }
  }

  async #throwIfCancelled(id: string): Promise<void> {
    const by = await this.#store.cancelledBy(id);
    if (by !== null) throw new Cancelled(`cancelled by ${by}`);
  }

  #now(): string {
    return new Date((this.#options.clock ?? systemClock).now()).toISOString();
  }
}

function recordsOf(job: Job<JobRequest>): number {
  return (job.progress as Partial<StoredProgress>)?.records ?? 0;
}
