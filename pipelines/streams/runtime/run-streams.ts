/**
 * A topology on a log: membership, restoring, feeding, checkpoints, recovery.
 *
 * Owns: when tasks live, when checkpoints are made, what becomes of an error that no record is to blame for.
 * Does not own: what happens to a record (task/task.ts), how a checkpoint is made durable (committer.ts).
 *
 * Invariants:
 * R1 Tasks are touched by one piece of work at a time (`#turns`).
 * R2 After a checkpoint failed half-way its tasks make no other: they are rebuilt from the log.
 * R3 Nothing is committed for a record that was not processed, or whose effects were not acknowledged.
 */

import { classify, SluiceError } from '#errors';
import type {
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
import { Restoring } from '../observe/restoring.ts';
import { byCatalogue, type DeadLetter, deadLetterOf, deadLetterRecord } from '../task/dead-letter.ts';
import { Globals } from '../task/globals.ts';
import type { Plan } from '../task/plan.ts';
import { Task, type TaskEnvironment } from '../task/task.ts';
import { resolveTopic } from '../topology/topic-ref.ts';
import type { Topology } from '../topology/topology.ts';
import { atLeastOnce } from './at-least-once.ts';
import { retrying } from './back-off.ts';
import type { Committer, Part } from './committer.ts';
import { exactlyOnce } from './exactly-once.ts';
import { GlobalReader } from './global-reader.ts';
import { prepareTopics } from './internal-topics.ts';
import { Memberships } from './memberships.ts';
import { CommitTimer, type PartitionLag, type StreamsMetrics } from './metrics.ts';
import { type RestoreProgress, restoreTask } from './restore-task.ts';
import type { StreamsLogger, StreamsOptions } from './streams-options.ts';
import { systemClock } from './system-clock.ts';
import { Turns } from './turns.ts';

export type StreamsState =
  | 'created'
  | 'starting'
  | 'running'
  | 'restarting'
  | 'closing'
  | 'closed'
  | 'failed';

export interface Streams {
  /**
   * Creates the application's topics, fills global tables, joins the group. Resolves when records can flow.
   * Errors: TOPIC_UNKNOWN, CONFIG_INVALID, the log's; then everything is closed again.
   */
  start(): Promise<void>;
  /** A last checkpoint, then the end; what was not committed is processed again by the next start. Idempotent. */
  close(): Promise<void>;
  readonly state: StreamsState;
  readonly topology: Topology;
  readonly applicationId: string;
  /** What this process offers of a store's partition, to read from between two records; null when it has none of it. */
  store(name: string, partition: number): unknown;
  /** How many partitions a store has; null before the start, and for a name that is none. */
  partitionsOf(store: string): number | null;
  /** The group as the last assignment made it; null before the first. */
  group(): GroupView | null;
  /** Where this process answers queries, told to the others from the next joining on: call it before `start`. */
  advertise(endpoint: string): void;
  /** Resolves at the end, rejects with what ended it otherwise: whoever starts this must look at it. */
  readonly finished: Promise<void>;
  metrics(): StreamsMetrics;
  /** By partition held. */
  lag(): readonly PartitionLag[];
}

export function runStreams(options: StreamsOptions): Streams {
  return new Runtime(options);
}

const defaultCommitIntervalMs = 100;
const defaultMaxBufferedOutputs = 20_000;
const defaultPatienceMs = 30_000;
/** Records between two looks at the clock and the membership. */
const sliceRecords = 500;
const silent: StreamsLogger = { warn() {}, error() {} };

class Runtime implements Streams {
  state: StreamsState = 'created';
  readonly finished: Promise<void>;
  readonly #options: StreamsOptions;
  readonly #clock: Clock;
  readonly #logger: StreamsLogger;
  readonly #counters = new Counters();
  readonly #commits = new CommitTimer();
  readonly #restoring = new Restoring();
  readonly #turns = new Turns();
  readonly #ending = new AbortController();
  readonly #end = Promise.withResolvers<void>();
  readonly #globals: Globals;
  readonly #globalReader: GlobalReader;
  readonly #memberships: Memberships;
  readonly #environment: TaskEnvironment;
  readonly #highWatermarks = new Map<string, TopicPartition & { readonly end: number }>();
  #globalLetters: DeadLetter[] = [];
  #plan!: Plan;
  #admin!: LogAdmin;
  #producer!: LogProducer;
  #committer!: Committer;
  #tasks: readonly Task[] = [];
  #lastCommitMs = 0;
  #group: GroupView | null = null;
  #endpoint: string | null = null;
  readonly #ready = Promise.withResolvers<void>();
  #supervising: Promise<void> = Promise.resolve();
  #ticking: Promise<void> = Promise.resolve();
  #closed: Promise<void> | null = null;

  constructor(options: StreamsOptions) {
    const { topology, applicationId, deadLetters, onFailure = byCatalogue, logger = silent } = options;
    const { graph } = topology;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#logger = logger;
    this.finished = this.#end.promise;
    this.finished.catch(() => {});
    this.#globals = new Globals({
      graph,
      onFailure,
      deadLetter: (record, cause) =>
        void this.#globalLetters.push(deadLetterOf(record, cause, applicationId)),
    });
    this.#globalReader = new GlobalReader({
      client: options.client,
      globals: this.#globals,
      clock: this.#clock,
      signal: this.#ending.signal,
      prepare: values => this.#prepare(values),
      applied: () => this.#sendGlobalLetters(),
      onRetry: (error, waitMs) => this.#retried(error, waitMs),
      onFailed: error => void this.#finish(error),
    });
    this.#memberships = new Memberships({
      clock: this.#clock,
      signal: this.#ending.signal,
      consumer: () => this.#makeConsumer(),
      work: {
        onBatch: (batch, context) => this.#onBatch(batch, context),
        onAssigned: (partitions, group) =>
          this.#turns.run(() => {
            this.#group = group;
            return this.#assign(partitions);
          }),
        onRevoked: () => this.#turns.run(() => this.#revoke()),
      },
      abandon: () => {
        this.#tasks = [];
      },
      onRestart: ({ code, message }, waitMs) => {
        this.state = 'restarting';
        this.#logger.warn({ code, waitMs }, `Tasks are rebuilt from the log: ${message}`);
      },
    });
    this.#environment = {
      graph,
      applicationId,
      clock: this.#clock,
      counters: this.#counters,
      onFailure,
      deadLetter: letter => deadLetterRecord(letter, deadLetters),
      global: table => this.#globals.view(table),
    };
  }

  async start(): Promise<void> {
    if (this.state !== 'created')
      throw new SluiceError('BUG', 'streams start once; make new ones with runStreams()');
    this.state = 'starting';
    const { client, topology, applicationId, guarantee } = this.#options;
    try {
      this.#admin = await client.admin();
      this.#plan = await prepareTopics(this.#admin, topology.graph, applicationId);
      this.#producer = await client.producer();
      this.#committer =
        guarantee === 'exactly-once'
          ? exactlyOnce({ client, applicationId })
          : atLeastOnce({
              producer: this.#producer,
              commit: offsets => this.#memberships.consumer.commit(offsets),
            });
      await this.#globalReader.bootstrap(this.#admin);
    } catch (error) {
      await this.#finish(classify(error));
      throw classify(error);
    }
    this.#ticking = this.#tick();
    this.#supervising = this.#memberships.run().then(error => {
      if (error) void this.#finish(error);
    });
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
    const task = this.#tasks.find(each => each.partition === partition && each.stores.has(name));
    return task?.stores.get(name)?.store ?? null;
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

  metrics(): StreamsMetrics {
    return {
      measured: this.#counters.tasks.map(task => task.figures()),
      stores: this.#tasks.flatMap(task => task.storeMetrics()),
      restoring: this.#restoring.figures(),
      counters: this.#counters.snapshot(),
      commits: this.#commits.metrics,
      restarts: this.#memberships.restarts,
      tasks: this.#tasks.map(task => task.id),
      lag: this.lag().reduce((sum, { lag }) => sum + lag, 0),
    };
  }

  lag(): readonly PartitionLag[] {
    return this.#tasks.flatMap(({ inputs, partition }) =>
      inputs.flatMap(({ topic, position }) => {
        const known = this.#highWatermarks.get(`${topic}/${partition}`);
        return known ? [{ topic, partition, lag: Math.max(0, known.end - Math.max(0, position)) }] : [];
      }),
    );
  }

  #makeConsumer(): LogConsumer {
    const { client, applicationId, sessionTimeoutMs } = this.#options;
    const { sources, parts } = this.#plan;
    return client.consumer({
      groupId: applicationId,
      topics: sources,
      startFrom: 'earliest',
      ...(sessionTimeoutMs !== undefined && { sessionTimeoutMs }),
      member: () => ({ ...(this.#endpoint !== null && { endpoint: this.#endpoint }), warm: [] }),
      // All that was fetched together, so that a task can put the records of its topics in order.
      partitionsAtOnce: parts.reduce((sum, { sub, partitions }) => sum + partitions * sub.sources.length, 0),
    });
  }

  async #assign(partitions: readonly TopicPartition[]): Promise<void> {
    const { client, applicationId, onRestore } = this.#options;
    const held = new Set(partitions.map(({ topic, partition }) => `${topic}/${partition}`));
    const tasks = this.#plan.parts.flatMap(({ sub, partitions: count }) => {
      const topics = sub.sources.map(source => resolveTopic(source.topic, applicationId));
      return Array.from({ length: count }, (_, partition) => partition)
        .filter(partition => topics.some(topic => held.has(`${topic}/${partition}`)))
        .map(partition => new Task(sub, partition, this.#environment));
    });
    await this.#committer.open(tasks);
    const committed = await this.#admin.committed(applicationId, this.#plan.sources);
    const options = {
      client,
      applicationId,
      admin: this.#admin,
      counters: this.#counters,
      prepare: (values: readonly (Buffer | null)[]) => this.#prepare(values),
      onProgress: (progress: RestoreProgress) => {
        this.#restoring.note(progress);
        onRestore?.(progress);
      },
    };
    this.#counters.add(counted.rebalances);
    await Promise.all(tasks.map(task => restoreTask(task, committed, options))).finally(() =>
      this.#restoring.ended(),
    );
    this.#tasks = tasks;
    this.#memberships.restored();
    if (this.state === 'starting' || this.state === 'restarting') this.state = 'running';
    this.#ready.resolve();
    for (const { inputs, partition } of tasks) {
      for (const { topic, position } of inputs) {
        const at = committed.find(each => each.topic === topic && each.partition === partition);
        if (position > (at?.offset ?? 0))
          this.#memberships.consumer.seek({ topic, partition, offset: position });
      }
    }
  }

  async #revoke(): Promise<void> {
    const tasks = this.#tasks;
    this.#highWatermarks.clear();
    try {
      for (const { inputs } of tasks) for (const input of inputs) input.clear();
      await this.#checkpoint();
    } catch (error) {
      const { code, message } = classify(error);
      this.#logger.warn(
        { code },
        `The last checkpoint before a rebalance failed, its input will be read again: ${message}`,
      );
    }
    this.#tasks = [];
    for (const task of tasks) {
      try {
        task.close();
      } catch (error) {
        this.#logger.warn({ taskId: task.id, error }, `Task ${task.id} did not close in order`);
      }
    }
  }

  async #onBatch(batch: LogBatch, context: BatchContext): Promise<void> {
    const { topic, partition, records, highWatermark } = batch;
    this.#counters.add(counted.polls);
    this.#counters.add(counted.polled, records.length);
    const waiting = this.#prepare(records.map(({ value }) => value));
    if (waiting) await waiting;
    const task = this.#tasks.find(
      ({ partition: mine, inputs }) => mine === partition && inputs.some(input => input.topic === topic),
    );
    if (!task || context.isStale()) return;
    this.#highWatermarks.set(`${topic}/${partition}`, { topic, partition, end: highWatermark });
    task.enqueue(topic, records);
    await this.#turns.run(() => this.#drain(context));
  }

  /** Processes all that is buffered, in slices; gives up early when the partition of `context` goes elsewhere. */
  async #drain(context: BatchContext): Promise<void> {
    for (const task of this.#tasks) {
      while (task.hasInput && !context.isStale()) {
        task.process(sliceRecords);
        if (this.#isDue()) await this.#checkpoint();
        await context.heartbeat();
      }
    }
    if (this.#isDue()) await this.#checkpoint();
  }

  #isDue(): boolean {
    const { commitIntervalMs = defaultCommitIntervalMs, maxBufferedOutputs = defaultMaxBufferedOutputs } =
      this.#options;
    if (this.#clock.now() - this.#lastCommitMs >= commitIntervalMs) return true;
    return this.#tasks.reduce((sum, task) => sum + task.outputCount, 0) >= maxBufferedOutputs;
  }

  async #checkpoint(): Promise<void> {
    const startMs = this.#clock.now();
    this.#lastCommitMs = startMs;
    const tasks = this.#tasks;
    try {
      const parts: Part[] = tasks.flatMap(task => {
        const checkpoint = task.checkpoint();
        return checkpoint ? [{ task, checkpoint }] : [];
      });
      if (parts.length === 0) return;
      await this.#committer.commit(parts, step => this.#again(step));
    } catch (error) {
      // R2: none of these tasks may go on.
      this.#tasks = [];
      throw error;
    }
    this.#memberships.progressed();
    this.#lastCommitMs = this.#clock.now();
    this.#commits.add(this.#lastCommitMs - startMs);
  }

  /** What time alone makes due: wall-clock punctuations, and checkpoints when no more records come. */
  async #tick(): Promise<void> {
    const { signal } = this.#ending;
    const { commitIntervalMs = defaultCommitIntervalMs } = this.#options;
    while (!signal.aborted) {
      await this.#clock.sleep(commitIntervalMs, signal);
      if (signal.aborted) return;
      await this.#memberships.guarded(() =>
        this.#turns.run(async () => {
          for (const task of this.#tasks) task.punctuate();
          if (this.#isDue()) await this.#checkpoint();
        }),
      );
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
    await this.#supervising;
    await this.#ticking;
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
      patienceMs: this.#options.patienceMs ?? defaultPatienceMs,
      onRetry: (error, waitMs) => this.#retried(error, waitMs),
    });
  }

  #retried(error: Error, waitMs: number): void {
    this.#logger.warn({ waitMs }, `Trying again: ${error.message}`);
  }
}
