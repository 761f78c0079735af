/**
 * A topology without a broker: the real tasks on topics in memory, synchronously.
 *
 * Owns: what runs when, crashes included. Does not own: a single rule of processing; those are task/'s.
 */

import { SluiceError } from '#errors';
import type { Headers, LogRecord, OutgoingRecord, TopicPartitionOffset } from '#kafka';
import type { Serde } from '#schemas';
import { Counters } from '../counters.ts';
import type { GlobalTable } from '../store/global.ts';
import type { ReadOnlyStore } from '../store/key-value.ts';
import type { ReadOnlyTimeline } from '../store/timeline.ts';
import { type Checkpoint, endsOf, readMark } from '../task/checkpoint.ts';
import {
  byCatalogue,
  type DeadLetter,
  type DeadLetterOptions,
  deadLetterOf,
  deadLetterRecord,
  type FailureHandler,
} from '../task/dead-letter.ts';
import type { TaskEnvironment } from '../task/environment.ts';
import { Globals } from '../task/globals.ts';
import { planOf } from '../task/plan.ts';
import { planRestore, recoverUnlogged, restoreRecords } from '../task/restore.ts';
import { Task } from '../task/task.ts';
import { checkpointsOf, resolveTopic } from '../topology/topic-ref.ts';
import type { Topology } from '../topology/topology.ts';
import { DriverLog } from './driver-log.ts';
import { type ManualClock, manualClock } from './manual-clock.ts';

/**
 * When checkpoints are made. true: when all input is processed; a number: also after so many records of a task; false: by
 * `commit()` only, so that outputs show, and crashes lose, what you decide.
 */
export type AutoCommit = boolean | number;

export interface TestDriverOptions {
  /** Absent: one that stands at 0. */
  readonly clock?: ManualClock;
  /** Of topics outside the application: of all, or by name. Absent: 1. */
  readonly partitions?: number | Readonly<Record<string, number>>;
  /** Absent: true. */
  readonly autoCommit?: AutoCommit;
  readonly onFailure?: FailureHandler;
  /** Absent: dead letters are kept for `deadLetters()` only. */
  readonly deadLetters?: DeadLetterOptions;
  /** Absent: the topology's name. */
  readonly applicationId?: string;
  /** Where stores on disk keep their files. Absent: there must be none. */
  readonly stateDir?: string;
  /** Of stores on disk that are rebuilt. */
  onWarn?(message: string): void;
}

export interface InputRecord<K, V> {
  readonly key: K | null;
  readonly value: V | null;
  /** Absent: the clock's. */
  readonly timestampMs?: number;
  readonly headers?: Headers;
  readonly partition?: number;
}

export interface OutputRecord<K, V> {
  readonly key: K;
  readonly value: V;
  readonly timestampMs: number;
  readonly headers: Headers;
  readonly partition: number;
  readonly offset: number;
}

/**
 * Steps of a checkpoint at which a process may die, in order. `within-produce`: some of the outputs and changes are written;
 * `after-produce`: all; `after-mark`: also the mark that makes the changes count; `after-commit`: also the input offsets.
 */
export const crashPoints = [
  'before-produce',
  'within-produce',
  'after-produce',
  'after-mark',
  'after-commit',
] as const;
export type CrashPoint = (typeof crashPoints)[number];

/** Which records survive `within-produce`. Absent: the first half. */
export type Survivors = (record: OutgoingRecord, index: number, count: number) => boolean;

/** Makes the driver; the topology is started, global tables are empty. */
export function testDriver(topology: Topology, options: TestDriverOptions = {}): TestDriver {
  return new TestDriver(topology, options);
}

export class TestDriver {
  readonly clock: ManualClock;
  readonly counters = new Counters();
  autoCommit: AutoCommit;
  readonly #topology: Topology;
  readonly #options: TestDriverOptions;
  readonly #applicationId: string;
  readonly #log: DriverLog;
  readonly #committed = new Map<string, TopicPartitionOffset>();
  /** What `read` gave out already, by topic. */
  readonly #seen = new Map<string, Set<LogRecord>>();
  readonly #letterOf = new Map<OutgoingRecord, DeadLetter>();
  readonly #letters: DeadLetter[] = [];
  #globals: Globals;
  #tasks: readonly Task[] = [];
  #crash: { readonly point: CrashPoint; readonly survives: Survivors } | null = null;
  #crashed = false;

  constructor(topology: Topology, options: TestDriverOptions) {
    this.#topology = topology;
    this.#options = options;
    this.autoCommit = options.autoCommit ?? true;
    this.#applicationId = options.applicationId ?? topology.name;
    this.clock = options.clock ?? manualClock();
    const plan = planOf(topology.graph, this.#applicationId, topic => this.#given(topic));
    const internal = new Map(plan.internal.map(({ topic, partitions }) => [topic, partitions]));
    this.#log = new DriverLog(
      topic => internal.get(topic) ?? this.#given(topic),
      () => this.clock.now(),
    );
    this.#globals = this.#makeGlobals();
    this.#begin();
  }

  /** Writes records to a topic, serialised as its source or global table expects, and processes them. */
  pipe<K, V>(topic: string, records: InputRecord<K, V> | readonly InputRecord<K, V>[]): void {
    this.append(topic, records);
    this.run();
  }

  /** Writes without processing, so that `run()` finds records of several topics. */
  append<K, V>(topic: string, records: InputRecord<K, V> | readonly InputRecord<K, V>[]): void {
    const { key, value } = this.#reading(topic);
    const list = Array.isArray(records) ? records : [records];
    this.#append(
      list.map((record: InputRecord<K, V>) => ({
        ...record,
        topic,
        key: record.key === null ? null : key.serialize(record.key),
        value: record.value === null ? null : value.serialize(record.value),
      })),
    );
  }

  /** As `pipe`, with bytes as they are. */
  pipeBytes(records: OutgoingRecord | readonly OutgoingRecord[]): void {
    this.#append(Array.isArray(records) ? records : [records]);
    this.run();
  }

  /** Processes all there is. */
  run(): void {
    this.#alive();
    const { autoCommit } = this;
    const limit = typeof autoCommit === 'number' ? autoCommit : Number.POSITIVE_INFINITY;
    while (this.#process(limit)) if (autoCommit !== false && !this.#checkpoint()) return;
  }

  /** Makes a checkpoint, and processes what it wrote for other tasks. */
  commit(): void {
    this.#alive();
    if (this.#checkpoint()) this.run();
  }

  /** Moves the clock on and runs the wall-clock punctuations that are due. */
  advance(durationMs: number): void {
    this.#alive();
    this.clock.advance(durationMs);
    for (const task of this.#tasks) task.punctuate();
    if (this.autoCommit !== false && this.#checkpoint()) this.run();
  }

  /** Records written to a sink topic since the last `read` of it, by partition and offset. */
  read<K, V>(topic: string): readonly OutputRecord<K, V>[] {
    const { key, value } = this.#writing(topic);
    const seen = this.#seen.get(topic) ?? new Set<LogRecord>();
    this.#seen.set(topic, seen);
    const fresh = this.#log.all(topic).filter(record => !seen.has(record));
    for (const record of fresh) seen.add(record);
    return fresh.map(({ partition, offset, timestampMs, headers, ...record }) => ({
      key: (record.key && key.deserialize(record.key)) as K,
      value: (record.value && value.deserialize(record.value)) as V,
      timestampMs,
      headers,
      partition,
      offset,
    }));
  }

  /** Everything a topic holds, internal ones too. */
  records(topic: string): readonly LogRecord[] {
    return this.#log.all(topic);
  }

  /** All that were written. */
  deadLetters(): readonly DeadLetter[] {
    return this.#letters;
  }

  /** A key-value store of the task with that partition. */
  store<K, V>(name: string, partition = 0): ReadOnlyStore<K, V> {
    return this.#store(name, partition) as ReadOnlyStore<K, V>;
  }

  /** Windows, sessions, versions: a timeline of the task with that partition. */
  timeline<K, V>(name: string, partition = 0): ReadOnlyTimeline<K, V> {
    return this.#store(name, partition) as ReadOnlyTimeline<K, V>;
  }

  #store(name: string, partition: number): unknown {
    this.#alive();
    const task = this.#tasks.find(each => each.partition === partition && each.stores.has(name));
    if (!task)
      throw new SluiceError('INPUT_INVALID', `no task of partition ${partition} has a store ${name}`);
    return task.stores.get(name)!.store;
  }

  global<W>(table: GlobalTable<W>): W {
    return this.#globals.view(table);
  }

  /** Offsets committed so far. */
  committed(): readonly TopicPartitionOffset[] {
    return [...this.#committed.values()];
  }

  /** Arms a crash at the next checkpoint that has something to do. */
  crashAt(point: CrashPoint, survives: Survivors = (_, index, count) => index < count / 2): void {
    this.#crash = { point, survives };
  }

  get crashed(): boolean {
    return this.#crashed;
  }

  /** Loses everything but the topics, the committed offsets and files, now. */
  crash(): void {
    for (const { stores } of this.#tasks) for (const { disk } of stores.values()) disk?.abandon();
    this.#tasks = [];
    this.#crash = null;
    this.#crashed = true;
  }

  /**
   * Starts anew from the topics, as another process would, and processes what was not committed. Files are as the crash left
   * them; to lose them, delete `stateDir` before.
   */
  recover({ beforeInput }: { beforeInput?(): void } = {}): void {
    this.#crashed = false;
    this.#globals = this.#makeGlobals();
    for (const topic of this.#globals.topics)
      for (const record of this.#log.all(topic)) this.#globals.apply(record);
    this.#begin();
    beforeInput?.();
    this.run();
  }

  /** Ends in order: a last checkpoint, then the steps' `close`. */
  close(): void {
    this.#alive();
    this.#checkpoint();
    for (const task of this.#tasks) task.close();
    this.#tasks = [];
  }

  #begin(): void {
    const plan = planOf(this.#topology.graph, this.#applicationId, topic => this.#given(topic));
    const { stateDir, onWarn } = this.#options;
    const environment: TaskEnvironment = {
      graph: this.#topology.graph,
      applicationId: this.#applicationId,
      clock: this.clock,
      counters: this.counters,
      onFailure: this.#options.onFailure ?? byCatalogue,
      deadLetter: letter => this.#letter(letter),
      global: table => this.#globals.view(table),
      ...(stateDir !== undefined && { state: { path: stateDir, warn: (_, message) => onWarn?.(message) } }),
    };
    this.#tasks = plan.parts.flatMap(({ sub, partitions }) =>
      Array.from({ length: partitions }, (_, partition) => new Task(sub, partition, environment)),
    );
    for (const task of this.#tasks) this.#restore(task);
  }

  #restore(task: Task): void {
    const { partition } = task;
    const marks = this.#log.from({ topic: checkpointsOf(this.#applicationId), partition, offset: 0 });
    const last = marks.findLast(record => record.key!.toString() === task.id);
    const mark = last ? readMark(last) : null;
    const ends: Record<string, number> = {};
    exhaust(recoverUnlogged(task));
    for (const { changelog, disk, topic } of task.changelogs) {
      const latest = this.#log.from({ topic, partition, offset: 0 }).length;
      const { from, end } = exhaust(planRestore(disk, mark, { topic, earliest: 0, latest }));
      ends[topic] = end;
      const records = this.#log.from({ topic, partition, offset: from });
      restoreRecords(changelog, records, { end, counters: this.counters });
    }
    task.start({ mark, committed: [...this.#committed.values()], ends });
  }

  /** Whether anything was processed. */
  #process(limit: number): boolean {
    let done = 0;
    for (const task of this.#tasks) {
      for (const input of task.inputs) {
        const { topic, end } = input;
        input.add(this.#log.from({ topic, partition: task.partition, offset: end }));
      }
      done += task.process(limit);
    }
    return done > 0;
  }

  /** False when it crashed. */
  #checkpoint(): boolean {
    const parts = this.#tasks.flatMap(task => {
      const checkpoint = task.checkpoint();
      return checkpoint ? [{ task, checkpoint }] : [];
    });
    if (parts.length === 0) return true;
    if (this.#dies('before-produce')) return false;
    const records = parts.flatMap(({ checkpoint }) => [...checkpoint.outputs, ...checkpoint.changes]);
    if (this.#crash?.point === 'within-produce') {
      const { survives } = this.#crash;
      this.#append(records.filter((record, index) => survives(record, index, records.length)));
    }
    if (this.#dies('within-produce')) return false;
    const written = this.#append(records);
    const ends = endsOf(
      written.map(({ topic, partition, offset }) => ({ topic, partition, end: offset + 1 })),
    );
    if (this.#dies('after-produce')) return false;
    this.#append(parts.flatMap(({ task, checkpoint }) => task.mark(checkpoint, ends) ?? []));
    if (this.#dies('after-mark')) return false;
    for (const { task, checkpoint } of parts) this.#commitOffsets(task, checkpoint);
    return !this.#dies('after-commit');
  }

  #commitOffsets(task: Task, checkpoint: Checkpoint): void {
    for (const offset of checkpoint.offsets)
      this.#committed.set(`${offset.topic}/${offset.partition}`, offset);
    task.committed(checkpoint);
  }

  #dies(point: CrashPoint): boolean {
    if (this.#crash?.point !== point) return false;
    this.crash();
    return true;
  }

  #append(records: readonly OutgoingRecord[]): readonly LogRecord[] {
    const written = this.#log.append(records);
    for (const record of records) {
      const letter = this.#letterOf.get(record);
      if (letter) this.#letters.push(letter);
    }
    for (const record of written)
      if (this.#globals.topics.includes(record.topic)) this.#globals.apply(record);
    return written;
  }

  #letter(letter: DeadLetter): OutgoingRecord {
    const { deadLetters } = this.#options;
    const plain = { topic: `${this.#applicationId}-dead-letters`, key: null, value: null };
    const record = deadLetters ? deadLetterRecord(letter, deadLetters) : plain;
    this.#letterOf.set(record, letter);
    return record;
  }

  #makeGlobals(): Globals {
    return new Globals({
      graph: this.#topology.graph,
      onFailure: this.#options.onFailure ?? byCatalogue,
      deadLetter: (record, cause) =>
        void this.#append([this.#letter(deadLetterOf(record, cause, this.#applicationId))]),
    });
  }

  #given(topic: string): number {
    const { partitions = 1 } = this.#options;
    return typeof partitions === 'number' ? partitions : (partitions[topic] ?? 1);
  }

  /** How a topic that is read is written. */
  #reading(topic: string): { readonly key: Serde<unknown>; readonly value: Serde<unknown> } {
    const { nodes, globals } = this.#topology.graph;
    const found =
      nodes.find(({ source }) => source && resolveTopic(source.topic, this.#applicationId) === topic)
        ?.source ?? globals.find(each => each.topic === topic);
    if (!found) throw new SluiceError('INPUT_INVALID', `${this.#topology.name} does not read ${topic}`);
    return found;
  }

  #writing(topic: string): { readonly key: Serde<unknown>; readonly value: Serde<unknown> } {
    const found = this.#topology.graph.nodes.find(
      ({ sink }) => sink && resolveTopic(sink, this.#applicationId) === topic,
    );
    if (!found?.serdes)
      throw new SluiceError('INPUT_INVALID', `${this.#topology.name} does not write ${topic}`);
    return found.serdes;
  }

  #alive(): void {
    if (this.#crashed) throw new SluiceError('INPUT_INVALID', 'the driver has crashed: call recover() first');
  }
}

function exhaust<T>(work: Generator<void, T>): T {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}
