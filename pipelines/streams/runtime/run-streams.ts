/**
 * A topology on a log: from its topics to its end.
 *
 * Owns: the lifecycle; feeding tasks; what becomes of an error that no record is to blame for.
 * Does not own: what happens to a record (task/task.ts), which tasks there are (task-set.ts), when they process (pump.ts) and
 * commit (lane.ts), how a checkpoint is made durable (committer.ts).
 *
 * Invariants:
 * R1 A task is touched by synchronous code while it processes, and by one assignment or revocation at a time (`#turns`) while it
 *    does not.
 * R2 After a checkpoint failed half-way its tasks make no other: they are rebuilt from the log.
 * R3 Nothing is committed for a record that was not processed, or whose effects were not acknowledged.
 */

import { classify, SluiceError } from '#errors';
import type {
  AssignmentContext,
  BatchContext,
  GroupView,
  LogAdmin,
  LogBatch,
  LogConsumer,
  LogProducer,
  TopicPartition,
} from '#kafka';
import type { Clock } from '../clock.ts';
import { Counters, counted } from '../counters.ts';
import { byCatalogue, type DeadLetter, deadLetterOf, deadLetterRecord } from '../task/dead-letter.ts';
import { Globals } from '../task/globals.ts';
import type { Plan } from '../task/plan.ts';
import type { Task } from '../task/task.ts';
import type { Topology } from '../topology/topology.ts';
import { defaultCommitIntervalMs, makeCommitter, makePurge, makeTaskSet, type Parts } from './assemble.ts';
import { retrying } from './back-off.ts';
import { type Committer, offsetsOf } from './committer.ts';
import { GlobalReader } from './global-reader.ts';
import { prepareTopics } from './internal-topics.ts';
import { Memberships } from './memberships.ts';
import { CommitTimer, type PartitionLag, type StreamsMetrics } from './metrics.ts';
import { Pump } from './pump.ts';
import type { Purge } from './purge.ts';
import type { Streams, StreamsState } from './streams.ts';
import type { StreamsLogger, StreamsOptions } from './streams-options.ts';
import { systemClock, systemSpread } from './system-clock.ts';
import type { TaskSet } from './task-set.ts';
import { Turns } from './turns.ts';

export function runStreams(options: StreamsOptions): Streams {
  return new Runtime(options);
}

const defaultPatienceMs = 30_000;
const silent: StreamsLogger = { warn() {}, error() {} };

/** Of one fetch. What waits to be processed is what most of the memory goes into; more at once makes nothing faster. */
const maxBytesPerPartition = 262_144;

class Runtime implements Streams {
  state: StreamsState = 'created';
  readonly finished: Promise<void>;
  readonly #options: StreamsOptions;
  readonly #clock: Clock;
  readonly #spread: () => number;
  readonly #logger: StreamsLogger;
  readonly #counters = new Counters();
  readonly #commits = new CommitTimer();
  readonly #turns = new Turns();
  readonly #ending = new AbortController();
  readonly #end = Promise.withResolvers<void>();
  readonly #globals: Globals;
  readonly #globalReader: GlobalReader;
  readonly #memberships: Memberships;
  readonly #pump: Pump;
  #globalLetters: DeadLetter[] = [];
  #plan!: Plan;
  #admin!: LogAdmin;
  #producer!: LogProducer;
  #committer!: Committer;
  #tasks!: TaskSet;
  #purge!: Purge;
  #group: GroupView | null = null;
  #endpoint: string | null;
  readonly #ready = Promise.withResolvers<void>();
  #working: readonly Promise<void>[] = [];
  #closed: Promise<void> | null = null;

  constructor(options: StreamsOptions) {
    const { topology, applicationId, onFailure = byCatalogue, logger = silent } = options;
    this.#options = options;
    this.#endpoint = options.endpoint ?? null;
    this.#clock = options.clock ?? systemClock;
    this.#spread = options.spread ?? systemSpread;
    this.#logger = logger;
    this.finished = this.#end.promise;
    this.finished.catch(() => {});
    const { signal } = this.#ending;
    this.#globals = new Globals({
      graph: topology.graph,
      onFailure,
      deadLetter: (record, cause) =>
        void this.#globalLetters.push(deadLetterOf(record, cause, applicationId)),
    });
    this.#globalReader = new GlobalReader({
      client: options.client,
      globals: this.#globals,
      ...{ clock: this.#clock, signal, spread: this.#spread },
      prepare: values => this.#prepare(values),
      applied: () => this.#sendGlobalLetters(),
      onRetry: (error, waitMs) => this.#retried(error, waitMs),
      onFailed: error => void this.#finish(error),
    });
    this.#pump = new Pump({
      ...{ clock: this.#clock, signal },
      onFailed: error => this.#memberships.fail(error),
      holdBack: (partition, isHeld) => this.#holdBack([partition], isHeld),
    });
    this.#memberships = new Memberships({
      ...{ clock: this.#clock, signal, spread: this.#spread },
      consumer: () => this.#makeConsumer(),
      work: {
        onBatch: (batch, context) => this.#onBatch(batch, context),
        onAssigned: (...assignment) => this.#turns.run(() => this.#assign(...assignment)),
        onRevoked: () => this.#turns.run(() => this.#tasks.revoke()),
      },
      abandon: () => this.#tasks.abandon(),
      onRestart: ({ code, message }, waitMs) => {
        this.state = 'restarting';
        this.#logger.warn({ code, waitMs }, `Tasks are rebuilt from the log: ${message}`);
      },
    });
  }

  async start(): Promise<void> {
    if (this.state !== 'created')
      throw new SluiceError('BUG', 'streams start once; make new ones with runStreams()');
    this.state = 'starting';
    const { client, topology, applicationId } = this.#options;
    try {
      this.#admin = await client.admin();
      this.#plan = await prepareTopics(this.#admin, topology.graph, applicationId);
      this.#producer = await client.producer();
      const parts = this.#parts();
      this.#committer = makeCommitter(parts);
      this.#tasks = makeTaskSet(parts, this.#committer);
      this.#purge = makePurge(parts);
      await this.#globalReader.bootstrap(this.#admin);
    } catch (error) {
      await this.#finish(classify(error));
      throw classify(error);
    }
    const supervising = this.#memberships.run().then(error => {
      if (error) void this.#finish(error);
    });
    this.#working = [this.#pump.run(), this.#tick(), supervising];
    await Promise.race([this.#ready.promise, this.finished]);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  get topology(): Topology {
    return this.#options.topology;
  }

  get applicationId(): string {
    return this.#options.applicationId;
  }

  store(name: string, partition: number): unknown {
    return this.#tasks?.store(name, partition) ?? null;
  }

  roleOf(store: string, partition: number): 'active' | 'standby' | null {
    if (this.#running.some(task => task.partition === partition && task.stores.has(store))) return 'active';
    return this.store(store, partition) === null ? null : 'standby';
  }

  partitionsOf(store: string): number | null {
    const plan = this.#plan as Plan | undefined;
    const part = plan?.parts.find(({ sub }) => sub.stores.some(({ name }) => name === store));
    return part?.partitions ?? null;
  }

  group(): GroupView | null {
    return this.#group;
  }

  advertise(endpoint: string): void {
    this.#endpoint = endpoint;
  }

  get isPaused(): boolean {
    return this.#pump.isPaused;
  }

  pause(): void {
    this.#pump.isPaused = true;
    this.#holdBack(this.#held, true);
  }

  resume(): void {
    this.#pump.isPaused = false;
    this.#holdBack(this.#held, false);
  }

  metrics(): StreamsMetrics {
    return {
      measured: this.#counters.tasks.map(task => task.figures()),
      stores: this.#running.flatMap(task => task.storeMetrics()),
      restoring: this.#tasks?.restoring ?? [],
      counters: this.#counters.snapshot(),
      commits: this.#commits.metrics,
      restarts: this.#memberships.restarts,
      tasks: this.#running.map(task => task.id),
      standbys: this.#tasks?.standbys ?? [],
      lag: this.lag().reduce((sum, { lag }) => sum + lag, 0),
    };
  }

  lag(): readonly PartitionLag[] {
    return this.#running.flatMap(({ inputs, partition }) =>
      inputs.flatMap(({ topic, position, knownEnd }) =>
        knownEnd < 0 ? [] : [{ topic, partition, lag: Math.max(0, knownEnd - Math.max(0, position)) }],
      ),
    );
  }

  get #running(): readonly Task[] {
    return this.#tasks?.tasks ?? [];
  }

  #parts(): Parts {
    return {
      ...{ options: this.#options, plan: this.#plan, admin: this.#admin, producer: this.#producer },
      ...{ clock: this.#clock, logger: this.#logger, counters: this.#counters, globals: this.#globals },
      again: step => this.#again(step),
      prepare: values => this.#prepare(values),
      commit: offsets => this.#memberships.consumer.commit(offsets),
      take: lanes => this.#pump.take(lanes),
      onProgress: () => this.#pump.wake(),
      onFailed: error => this.#memberships.fail(error),
      onCommitted: (parts, tookMs) => {
        this.#memberships.progressed();
        this.#purge.note(offsetsOf(parts));
        this.#commits.add(tookMs);
      },
    };
  }

  #makeConsumer(): LogConsumer {
    const { client, applicationId, sessionTimeoutMs, standbys } = this.#options;
    const { sources, parts } = this.#plan;
    return client.consumer({
      groupId: applicationId,
      topics: sources,
      startFrom: 'earliest',
      maxBytesPerPartition,
      ...(sessionTimeoutMs !== undefined && { sessionTimeoutMs }),
      ...(standbys !== undefined && { standbys }),
      // All that was fetched together, so that a task can put the records of its topics in order.
      partitionsAtOnce: parts.reduce((sum, { sub, partitions }) => sum + partitions * sub.sources.length, 0),
      member: () => ({
        ...(this.#endpoint !== null && { endpoint: this.#endpoint }),
        warm: this.#tasks.warm,
      }),
    });
  }

  async #assign(
    partitions: readonly TopicPartition[],
    group: GroupView,
    context: AssignmentContext,
  ): Promise<void> {
    this.#counters.add(counted.rebalances);
    const starts = await this.#tasks.assign(partitions, group.me, context);
    this.#group = group;
    this.#memberships.restored();
    if (this.state === 'starting' || this.state === 'restarting') this.state = 'running';
    this.#ready.resolve();
    for (const start of starts) this.#memberships.consumer.seek(start);
    if (this.isPaused) this.#holdBack(this.#held, true);
  }

  async #onBatch(batch: LogBatch, context: BatchContext): Promise<void> {
    const { topic, records, highWatermark } = batch;
    this.#counters.add(counted.polls);
    this.#counters.add(counted.polled, records.length);
    const waiting = this.#options.prepare && this.#prepare(records.map(({ value }) => value));
    if (waiting) await waiting;
    const task = this.#tasks.find(batch);
    const input = task?.input(topic);
    if (!task || !input || context.isStale()) return;
    input.add(records);
    input.knownEnd = highWatermark;
    await this.#pump.room(task, input, { size: records.length, isStale: () => context.isStale() });
  }

  #holdBack(partitions: readonly TopicPartition[], isHeld: boolean): void {
    if (partitions.length === 0) return;
    const { consumer } = this.#memberships;
    if (isHeld) consumer.pause(partitions);
    else if (!this.#pump.isPaused) consumer.resume(partitions);
  }

  /** All partitions that are read. */
  get #held(): readonly TopicPartition[] {
    return this.#running.flatMap(({ inputs, partition }) =>
      inputs.filter(({ isAssigned }) => isAssigned).map(({ topic }) => ({ topic, partition })),
    );
  }

  /** What time alone makes due: wall-clock punctuations, and checkpoints when no more records come. */
  async #tick(): Promise<void> {
    const { signal } = this.#ending;
    const { commitIntervalMs = defaultCommitIntervalMs } = this.#options;
    while (!signal.aborted) {
      const dueInMs = this.#pump.nextDueMs - this.#clock.now();
      await this.#clock.sleep(Math.max(1, Math.min(commitIntervalMs, dueInMs)), signal);
      if (signal.aborted) return;
      try {
        if (!this.isPaused) for (const task of this.#running) task.punctuate();
      } catch (error) {
        this.#memberships.fail(error);
      }
      this.#purge.advance();
      this.#pump.wake();
    }
  }

  async #finish(error: SluiceError | null): Promise<void> {
    if (this.#ending.signal.aborted) return;
    this.state = error ? 'failed' : 'closing';
    this.#ending.abort();
    if (error)
      this.#logger.error(
        { code: error.code },
        `Streams ${this.#options.applicationId} ended: ${error.message}`,
      );
    await this.#memberships.close().catch(() => {});
    await Promise.all(this.#working);
    await this.#tasks?.close();
    await this.#purge?.settled();
    for (const each of [this.#committer, this.#producer, this.#admin]) await each?.close().catch(() => {});
    await this.#globalReader.ended();
    if (error) this.#end.reject(error);
    else this.state = 'closed';
    this.#end.resolve();
  }

  async #close(): Promise<void> {
    await this.#finish(null);
    await this.finished.catch(() => {});
  }

  #prepare(values: readonly (Buffer | null)[]): Promise<void> | undefined {
    const { prepare } = this.#options;
    const first = prepare?.(values);
    if (!first) return undefined;
    let attempt: Promise<void> | undefined = first;
    return this.#again(async () => {
      const waiting = attempt ?? prepare?.(values);
      attempt = undefined;
      await waiting;
    });
  }

  async #sendGlobalLetters(): Promise<void> {
    const letters = this.#globalLetters;
    if (letters.length === 0) return;
    this.#globalLetters = [];
    const records = letters.map(letter => deadLetterRecord(letter, this.#options.deadLetters));
    await this.#again(() => this.#producer.send(records));
  }

  #again<T>(step: () => Promise<T>): Promise<T> {
    return retrying(step, {
      clock: this.#clock,
      signal: this.#ending.signal,
      spread: this.#spread,
      patienceMs: this.#options.patienceMs ?? defaultPatienceMs,
      onRetry: (error, waitMs) => this.#retried(error, waitMs),
    });
  }

  #retried(error: Error, waitMs: number): void {
    this.#logger.warn({ waitMs }, `Trying again: ${error.message}`);
  }
}
