/**
 * One partition of one sub-topology: everything that happens to its records, synchronously.
 *
 * Owns: the buffered input, the stores, the subscriptions, what a checkpoint takes. Does not own: the log; whoever drives
 * the task (runtime/, driver/) feeds it, makes its checkpoints durable, and restores it.
 *
 * Invariants (docs/semantics.md):
 * T1 Records are processed one at a time, the oldest of the buffered first.
 * T2 A checkpoint holds all effects of the records before its offsets, and none of the records after them.
 * T3 After an error that halts, the task gives no checkpoint any more.
 */

import { randomUUID } from 'node:crypto';
import { classify, type SluiceError } from '#errors';
import type { LogRecord, OutgoingRecord, TopicPartitionOffset } from '#kafka';
import type { Clock } from '../clock.ts';
import { counted } from '../counters.ts';
import { stopwatchMs } from '../observe/stopwatch.ts';
import type { StoreMetrics } from '../observe/store-metrics.ts';
import type { TaskMeasures } from '../observe/task-measures.ts';
import type { Origin, StreamRecord } from '../record.ts';
import type { StoreDisk } from '../store/disk.ts';
import type { GlobalTable } from '../store/global.ts';
import { metricsOf } from '../store/metered.ts';
import type { Changelog, OpenStore, StoreSpec } from '../store/store.ts';
import type { SubTopology } from '../topology/graph.ts';
import type { GraphNode } from '../topology/node.ts';
import { changelogOf, checkpointsOf, resolveTopic, type TopicRef } from '../topology/topic-ref.ts';
import { type Checkpoint, type Mark, markRecord, type Outputs } from './checkpoint.ts';
import {
  type Cause,
  type DeadLetterCause,
  deadLetterOf,
  type FailedStage,
  failureAt,
} from './dead-letter.ts';
import { storeEnvironment, TaskDisks } from './disks.ts';
import type { TaskEnvironment } from './environment.ts';
import { Idling } from './idling.ts';
import { Input, oldest } from './inputs.ts';
import { type Punctuation, type PunctuationType, Punctuators } from './punctuators.ts';
import type { Emission, TaskScope } from './scope.ts';
import { StepScope, type StepTime, stepTimes } from './step-scope.ts';
import { Wiring } from './wiring.ts';

/** A store that is restored. */
export interface TaskChangelog {
  readonly name: string;
  readonly changelog: Changelog;
  readonly disk: StoreDisk | null;
  readonly topic: string;
}

export interface StartOptions {
  readonly mark: Mark | null;
  readonly committed: readonly TopicPartitionOffset[];
  /** By changelog topic. */
  readonly ends: Readonly<Record<string, number>>;
}

export class Task implements TaskScope {
  readonly id: string;
  readonly partition: number;
  readonly clock: Pick<Clock, 'now'>;
  readonly stores = new Map<string, OpenStore>();
  readonly inputs: readonly Input[];
  readonly disks: TaskDisks;
  streamTimeMs = -1;
  readonly #times: ReadonlyMap<string, StepTime>;
  active = false;
  emitting = false;
  received: LogRecord | null = null;
  inputKey: unknown = undefined;
  readonly #environment: TaskEnvironment;
  readonly #measures: TaskMeasures;
  readonly #wiring: Wiring;
  readonly #idling: Idling;
  readonly #punctuators = new Punctuators();
  readonly #committed = new Map<Input, number>();
  readonly #changelogEnds: Record<string, number> = {};
  #outputs: OutgoingRecord[] = [];
  #causes: Cause[] = [];
  /** How many of them are dead letters, by code. */
  #letters = new Map<string, number>();
  /** Outputs were taken since the last checkpoint, which has to cover them. */
  #ahead = false;
  #later: Emission[] = [];
  #mark: Mark | null = null;
  #historyId = '';
  #halted: SluiceError | null = null;

  constructor(sub: SubTopology, partition: number, environment: TaskEnvironment) {
    this.id = `${sub.index}_${partition}`;
    this.partition = partition;
    this.clock = environment.clock;
    this.#environment = environment;
    this.#measures = environment.counters.task(this.id);
    const { applicationId, graph, maxTaskIdleMs = -1 } = environment;
    this.inputs = sub.sources.map(source => new Input(resolveTopic(source.topic, applicationId), source));
    this.#times = stepTimes(sub.nodes);
    this.#idling = new Idling(this.inputs, { maxTaskIdleMs, clock: environment.clock });
    for (const spec of sub.stores)
      this.stores.set(spec.name, spec.open(storeEnvironment(this, spec.name, environment)));
    this.disks = new TaskDisks(this.stores, name => changelogOf(applicationId, name));
    this.#wiring = new Wiring(graph, sub.nodes, this);
  }

  get taskId(): string {
    return this.id;
  }

  /** Stores that are restored, with their changelogs. */
  get changelogs(): readonly TaskChangelog[] {
    const { applicationId } = this.#environment;
    return [...this.stores].flatMap(([name, { changelog, disk = null }]) =>
      changelog ? [{ name, changelog, disk, topic: changelogOf(applicationId, name) }] : [],
    );
  }

  storeMetrics(): readonly StoreMetrics[] {
    return [...this.stores].map(([name, open]) => metricsOf(this.id, name, open));
  }

  /** Opens the steps. Call it once, when the stores are restored to `mark`; `ends`: where their changelogs count to. */
  start({ mark, committed, ends }: StartOptions): void {
    if (mark) this.#restoreTimes(mark);
    this.#mark = mark;
    this.#historyId = mark?.history ?? randomUUID();
    this.disks.begin(this.#historyId);
    Object.assign(this.#changelogEnds, ends);
    for (const input of this.inputs) {
      const at = committed.find(
        ({ topic, partition }) => topic === input.topic && partition === this.partition,
      );
      // Whichever is later: state never counts a record twice that a checkpoint already holds.
      input.position = Math.max(at?.offset ?? -1, mark?.offsets[input.topic] ?? -1);
      this.#committed.set(input, at?.offset ?? -1);
    }
    this.#wiring.connect();
  }

  /** Of a topic that it reads. */
  input(topic: string): Input | undefined {
    return this.inputs.find(input => input.topic === topic);
  }

  enqueue(topic: string, records: readonly LogRecord[]): void {
    this.input(topic)?.add(records);
  }

  /** Has records, and waits for those of another topic before it processes them. */
  get isWaiting(): boolean {
    return this.hasInput && this.#idling.isWaiting;
  }

  get hasInput(): boolean {
    return this.inputs.some(input => !input.isEmpty);
  }

  /** The last that was written or restored. */
  get lastMark(): Mark | null {
    return this.#mark;
  }

  /** Committed by this task or before it, by topic; -1: never. */
  get committedOffsets(): ReadonlyMap<string, number> {
    return new Map([...this.#committed].map(([{ topic }, offset]) => [topic, offset]));
  }

  /** How many outputs were not taken yet. */
  get outputCount(): number {
    return this.#outputs.length;
  }

  /** Processes up to so many buffered records; returns how many. Throws what halts the application. */
  process(limit: number): number {
    this.#refuseHalted();
    const startMs = stopwatchMs();
    let done = 0;
    while (done < limit) {
      const isOnly = this.inputs.length === 1;
      if (!isOnly && !this.#idling.mayProceed()) break;
      const input = isOnly ? this.inputs[0]! : oldest(this.inputs);
      if (!input?.raw) break;
      this.#step(input, input.raw);
      done += 1;
    }
    this.#environment.counters.add(counted.in, done);
    this.#measures.processed(done, startMs);
    return done;
  }

  /** Runs wall-clock punctuations that are due. */
  punctuate(): void {
    this.#refuseHalted();
    const now = this.clock.now();
    if (this.#punctuators.isWallClockDue(now))
      this.#unprompted(() => this.#punctuators.run('wall-clock', now));
  }

  /** The outputs so far, to be sent ahead of the checkpoint that will cover them. */
  takeOutputs(): Outputs {
    this.#refuseHalted();
    this.#ahead ||= this.#outputs.length > 0;
    return this.#takeOutputs();
  }

  /** All effects since the last checkpoint, or null when there are none. The caller makes them durable, in order. */
  checkpoint(): Checkpoint | null {
    this.#refuseHalted();
    this.#unprompted(() => {
      // From sources to sinks, so that a step is told of all that those before it held back.
      const steps = [...this.#wiring.instances].sort(([a], [b]) => a - b);
      for (const [, { step }] of steps) step.settle?.();
    });
    const timestampMs = this.streamTimeMs < 0 ? this.clock.now() : this.streamTimeMs;
    for (const store of this.stores.values()) store.expire?.();
    const changes = this.changelogs.flatMap(({ changelog, topic }) =>
      changelog.drain(topic, this.partition, timestampMs),
    );
    const offsets = this.inputs
      .filter(input => input.position > (this.#committed.get(input) ?? -1))
      .map(({ topic, position }) => ({ topic, partition: this.partition, offset: position }));
    const { records: outputs, causes } = this.#takeOutputs();
    const isEmpty = outputs.length === 0 && changes.length === 0 && offsets.length === 0;
    if (isEmpty && !this.#ahead) {
      this.disks.tookNothing();
      return null;
    }
    this.#ahead = false;
    const positions = Object.fromEntries(this.inputs.map(({ topic, position }) => [topic, position]));
    const { id: taskId, streamTimeMs } = this;
    const stepTimesMs = Object.fromEntries([...this.#times].map(([store, { ms }]) => [store, ms]));
    const times = { streamTimeMs, stepTimesMs };
    const checkpoint = { taskId, outputs, causes, changes, offsets, positions, ...times };
    this.disks.taken(checkpoint);
    return checkpoint;
  }

  /** The mark that makes written changes count; null when nothing changed. `ends` from where they were written. */
  mark(checkpoint: Checkpoint, ends: ReadonlyMap<string, number> | null): OutgoingRecord | null {
    if (checkpoint.changes.length === 0) return null;
    for (const { topic } of this.changelogs) {
      const end = ends?.get(`${topic}/${this.partition}`);
      if (end !== undefined) this.#changelogEnds[topic] = end;
    }
    const { positions: offsets, streamTimeMs, stepTimesMs } = checkpoint;
    const serial = (this.#mark?.serial ?? 0) + 1;
    const changelogs = ends && { ...this.#changelogEnds };
    const times = { streamTimeMs, stepTimesMs };
    this.#mark = { history: this.#historyId, serial, ...times, offsets, changelogs };
    if (changelogs) this.disks.written(checkpoint, topic => changelogs[topic]);
    const topic = checkpointsOf(this.#environment.applicationId);
    return markRecord(this.#mark, { topic, partition: this.partition, taskId: this.id });
  }

  /** The checkpoint is durable and its offsets are committed. */
  committed(checkpoint: Checkpoint, ends?: ReadonlyMap<string, number>): void {
    if (ends) this.disks.written(checkpoint, topic => ends.get(`${topic}/${this.partition}`));
    for (const { topic, offset } of checkpoint.offsets) {
      const input = this.inputs.find(each => each.topic === topic);
      if (input) this.#committed.set(input, offset);
    }
    this.disks.settled(checkpoint);
  }

  /** Forgets what is buffered, ends the steps, and lets go of files. Throws what a step's `close` throws. */
  close(): void {
    for (const input of this.inputs) input.clear();
    this.#wiring.disconnect();
    try {
      for (const { step } of this.#wiring.instances.values()) step.close?.();
    } finally {
      this.disks.close();
    }
  }

  /** Ends as after a crash: no step is told, and files stay as they are. */
  abandon(): void {
    for (const input of this.inputs) input.clear();
    this.#wiring.disconnect();
    for (const { disk } of this.stores.values()) disk?.abandon();
  }

  // What steps see.

  get taskTimeMs(): number {
    return this.streamTimeMs;
  }

  /** Its own time was observed where the record came in. */
  observe(): void {}

  scopeOf({ stores: [store] }: GraphNode): TaskScope {
    return store ? new StepScope(this, this.#times.get(store.name)!) : this;
  }

  /** Of the steps that use it. */
  storeTimeMs(store: string): number {
    return this.#times.get(store)!.ms;
  }

  store<S>(spec: StoreSpec<S>): S {
    return this.stores.get(spec.name)!.store as S;
  }

  global<W>(table: GlobalTable<W>): W {
    return this.#environment.global(table);
  }

  count(name: string, by?: number): void {
    this.#environment.counters.add(name, by);
  }

  topic(ref: TopicRef): string {
    return resolveTopic(ref, this.#environment.applicationId);
  }

  output(record: OutgoingRecord, origin: Origin): void {
    this.#outputs.push(record);
    const { received } = this;
    // What was held back may come of another record than the one being processed, whose bytes would mislead.
    const isOfReceived = received?.offset === origin.offset && received.topic === origin.topic;
    this.#causes.push(isOfReceived ? received : origin);
  }

  deadLetter(record: LogRecord, cause: DeadLetterCause): void {
    const { applicationId, deadLetter } = this.#environment;
    const letter = deadLetterOf(record, cause, applicationId);
    this.#outputs.push(deadLetter(letter));
    this.#causes.push(letter);
    this.#letters.set(cause.code, (this.#letters.get(cause.code) ?? 0) + 1);
  }

  schedule(intervalMs: number, type: PunctuationType, run: (timeMs: number) => void): Punctuation {
    const now = type === 'stream-time' ? this.streamTimeMs : this.clock.now();
    const timed = (timeMs: number) => {
      const startMs = stopwatchMs();
      run(timeMs);
      this.#measures.punctuated(startMs);
    };
    return this.#punctuators.add(type, now, { intervalMs, run: timed });
  }

  get failing(): boolean {
    return this.#wiring.failure !== null;
  }

  later(emission: Emission): void {
    this.#later.push(emission);
  }

  settled({ origin, timestampMs, headers }: StreamRecord<unknown, unknown>): void {
    const { failure } = this.#wiring;
    if (!failure) return;
    this.#failed({ ...origin, timestampMs, headers, key: null, value: null }, failure.error);
    this.#catchUp();
  }

  #restoreTimes({ streamTimeMs, stepTimesMs }: Mark): void {
    this.streamTimeMs = streamTimeMs;
    for (const [store, time] of this.#times) time.ms = Math.max(time.ms, stepTimesMs[store] ?? -1);
  }

  #takeOutputs(): Outputs {
    const taken = { records: this.#outputs, causes: this.#causes };
    let letters = 0;
    for (const [code, count] of this.#letters) {
      this.count(counted.deadLettersOf(code), count);
      letters += count;
    }
    this.count(counted.out, taken.records.length - letters);
    if (letters > 0) this.count(counted.deadLetters, letters);
    this.#measures.emitted(taken.records, this.clock.now());
    this.#outputs = [];
    this.#causes = [];
    this.#letters = new Map();
    return taken;
  }

  #step(input: Input, raw: LogRecord): void {
    const { record, error } = input;
    input.advance();
    if (record === null) {
      this.#failed(raw, error, 'deserialise');
      return;
    }
    const aheadMs = record.timestampMs - this.streamTimeMs;
    if (aheadMs > 0) this.streamTimeMs = record.timestampMs;
    else if (aheadMs < 0) this.#measures.disordered(-aheadMs);
    this.received = raw;
    this.inputKey = record.key;
    this.active = true;
    this.#wiring.entries.get(input.source.nodeId)?.next(record as never);
    if (this.#wiring.failure) {
      this.#failed(raw, this.#wiring.failure.error);
      this.#catchUp();
    }
    this.active = false;
    this.received = null;
    this.inputKey = undefined;
    if (this.#punctuators.isStreamTimeDue(this.streamTimeMs))
      this.#unprompted(() => this.#punctuators.run('stream-time', this.streamTimeMs));
  }

  /** What was emitted in this turn after something else had failed; each fails for itself. */
  #catchUp(): void {
    const waiting = this.#later;
    this.#later = [];
    for (const { record, send } of waiting) {
      this.emitting = true;
      send();
      this.emitting = false;
      this.settled(record);
    }
  }

  /** Has steps emit without an input record. What they throw themselves halts: no record is to blame. */
  #unprompted(run: () => void): void {
    this.active = true;
    try {
      run();
    } catch (error) {
      throw this.#halt(classify(error));
    } finally {
      this.active = false;
    }
    if (this.#wiring.failure) throw this.#halt(classify(this.#wiring.failure.error));
  }

  #failed(record: LogRecord, cause: unknown, stage: FailedStage = 'process'): void {
    const error = failureAt(record, cause);
    const reaction = this.#environment.onFailure({ error, record, stage });
    if (reaction === 'halt') throw this.#halt(error);
    if (reaction === 'dead-letter') this.deadLetter(record, error);
    else this.count(counted.skipped);
    // The error ended subscriptions on its way.
    if (this.#wiring.failure) this.#wiring.connect();
  }

  #halt(error: SluiceError): SluiceError {
    this.#halted = error;
    return error;
  }

  #refuseHalted(): void {
    if (this.#halted) throw this.#halted;
    // What an asynchronous operator emitted in between.
    if (this.#wiring.failure) throw this.#halt(classify(this.#wiring.failure.error));
  }
}
