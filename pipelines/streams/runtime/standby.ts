/**
 * A copy of a task's stores, kept up to date while another member has the task.
 *
 * Owns: following marks and changelogs. Does not own: becoming the task (task-set.ts).
 *
 * Invariants:
 * B1 Only changes below the end of a mark are taken over: what comes after it may belong to a checkpoint that never completes.
 * B2 Changes are taken over in order, each once: `positions` says up to where, so that who continues reads only the rest.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { classify } from '#errors';
import type { LogAdmin, LogBatch, LogClient } from '#kafka';
import type { Clock } from '../clock.ts';
import { type Counters, counted } from '../counters.ts';
import { type Mark, readMark } from '../task/checkpoint.ts';
import { endOf, planRestore } from '../task/restore.ts';
import type { Task, TaskChangelog } from '../task/task.ts';
import { checkpointsOf } from '../topology/topic-ref.ts';
import { inSlices } from './breathe.ts';
import { lastMark } from './restore-task.ts';
import type { StreamsLogger } from './streams-options.ts';

export interface StandbyOptions {
  /** Not started; nobody else touches its stores until `stop` resolves. */
  readonly task: Task;
  readonly client: LogClient;
  readonly admin: LogAdmin;
  readonly applicationId: string;
  readonly clock: Clock;
  readonly counters: Counters;
  readonly logger: StreamsLogger;
  /** Between two looks at the marks: about as far it is behind. */
  readonly intervalMs: number;
  prepare(values: readonly (Buffer | null)[]): Promise<void> | undefined;
}

/** Records between two turns of others. */
const sliceRecords = 1_000;

export class Standby {
  readonly task: Task;
  /** By changelog topic: the next record to take over. */
  readonly positions = new Map<string, number>();
  readonly #options: StandbyOptions;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;
  #mark: Mark | null = null;
  /** Of the checkpoint topic, once a mark was found. */
  #marksAt = -1;
  #rounds = 0;
  #isUsable = true;

  /** Follows from now on. */
  constructor(options: StandbyOptions) {
    this.#options = options;
    this.task = options.task;
    this.#running = this.#follow();
  }

  /** Whether it is worth continuing from. */
  get isWarm(): boolean {
    return this.#isUsable && this.#rounds > 0;
  }

  /** The marks that it followed; null when there was none. */
  get history(): string | null {
    return this.#mark?.history ?? null;
  }

  /** Resolves when nothing is taken over any more; files are let go. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    for (const { disk } of this.task.changelogs) disk?.close();
  }

  async #follow(): Promise<void> {
    const { clock, intervalMs, logger } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await this.#round();
      } catch (error) {
        const { code, message, reaction } = classify(error);
        this.#isUsable = reaction === 'retry';
        logger.warn({ code, taskId: this.task.id }, `The copy of task ${this.task.id} is behind: ${message}`);
        if (!this.#isUsable) return;
      }
      await clock.sleep(intervalMs, signal);
    }
  }

  async #round(): Promise<void> {
    const mark = await this.#latestMark();
    if (mark) {
      const isOther = this.#mark !== null && mark.history !== this.#mark.history;
      if (isOther) {
        this.#isUsable = false;
        this.#stopping.abort();
        return;
      }
      this.#mark = mark;
      for (const store of this.task.changelogs) await this.#catchUp(store, mark);
    }
    this.#rounds += 1;
  }

  async #latestMark(): Promise<Mark | null> {
    const { client, admin, applicationId } = this.#options;
    const { task } = this;
    const topic = checkpointsOf(applicationId);
    if (this.#marksAt < 0) {
      const ranges = await admin.offsets(topic);
      const mark = await lastMark(task, { client, admin, applicationId });
      if (mark) this.#marksAt = ranges.find(({ partition }) => partition === task.partition)!.latest;
      return mark;
    }
    let latest = this.#mark;
    this.#marksAt = await client.read({
      ...{ topic, partition: task.partition, from: this.#marksAt, signal: this.#stopping.signal },
      onBatch({ records }) {
        const last = records.findLast(({ key }) => key?.toString() === task.id);
        if (last) latest = readMark(last);
      },
    });
    return latest;
  }

  async #catchUp({ changelog, disk, topic }: TaskChangelog, mark: Mark): Promise<void> {
    const { client, admin, counters, prepare } = this.#options;
    const { partition } = this.task;
    const { signal } = this.#stopping;
    let from = this.positions.get(topic);
    if (from === undefined) {
      const ranges = await admin.offsets(topic);
      const range = ranges.find(each => each.partition === partition)!;
      from = (await inSlices(planRestore(disk, mark, range))).from;
    }
    const end = endOf(mark, topic);
    if (signal.aborted || from >= end) return;
    const onBatch = async ({ records }: LogBatch) => {
      const waiting = prepare(records.map(({ value }) => value));
      if (waiting) await waiting;
      for (let at = 0; at < records.length; at += sliceRecords) {
        for (const record of records.slice(at, at + sliceRecords)) changelog.restore(record);
        this.positions.set(topic, records[Math.min(at + sliceRecords, records.length) - 1]!.offset + 1);
        await nextTurn();
      }
      counters.add(counted.copied, records.length);
    };
    const to = Number.isFinite(end) ? { to: end } : {};
    const position = await client.read({ topic, partition, from, ...to, signal, onBatch });
    this.positions.set(topic, Math.max(position, this.positions.get(topic) ?? 0));
  }
}
