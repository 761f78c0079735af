/**
 * The tasks of this process, from one assignment to the next.
 *
 * Owns: building, restoring, keeping and closing them. Does not own: when they process (pump.ts), how they commit (lane.ts).
 *
 * Invariants:
 * H1 Tasks are restored only when nothing of those before them is under way any more.
 * H2 A task is kept over a rebalance only when its last checkpoint succeeded, and goes on only when the log still says what that
 *    checkpoint wrote: then nobody processed in between.
 */

import { classify } from '#errors';
import type { AssignmentContext, LogAdmin, LogClient, TopicPartition, TopicPartitionOffset } from '#kafka';
import type { Clock } from '../clock.ts';
import { Restoring } from '../observe/restoring.ts';
import type { Plan } from '../task/plan.ts';
import { Task, type TaskEnvironment } from '../task/task.ts';
import { resolveTopic } from '../topology/topic-ref.ts';
import { allOf, type Committer } from './committer.ts';
import { Lane, type LaneOptions } from './lane.ts';
import { lastMark, type RestoreProgress, restoreTask } from './restore-task.ts';
import { tidyState } from './state-directory.ts';
import type { StreamsLogger } from './streams-options.ts';

export interface TaskSetOptions {
  readonly plan: Plan;
  readonly environment: TaskEnvironment;
  readonly client: LogClient;
  readonly admin: LogAdmin;
  readonly committer: Committer;
  readonly clock: Pick<Clock, 'now'>;
  readonly lane: Omit<LaneOptions, 'tasks' | 'committer' | 'clock'>;
  readonly logger: StreamsLogger;
  /** From now on these process; none while there is no assignment. */
  take(lanes: readonly Lane[]): void;
  prepare(values: readonly (Buffer | null)[]): Promise<void> | undefined;
  onRestore?(progress: RestoreProgress): void;
}

export class TaskSet {
  readonly #options: TaskSetOptions;
  readonly #restoring = new Restoring();
  #lanes: readonly Lane[] = [];
  /** Without an assignment, ready to go on. */
  #kept = new Map<string, Task>();
  /** Work of tasks that were given up. */
  #ending: Promise<void> = Promise.resolve();

  constructor(options: TaskSetOptions) {
    this.#options = options;
  }

  /** Those that process. */
  get tasks(): readonly Task[] {
    return this.#lanes.flatMap(({ tasks }) => tasks);
  }

  /** Numbers of the partitions whose state is at hand. */
  get warm(): readonly number[] {
    const numbers = new Set([...this.#kept.values(), ...this.tasks].map(({ partition }) => partition));
    return [...numbers].sort((a, b) => a - b);
  }

  /** Stores that are being restored now. */
  get restoring(): readonly RestoreProgress[] {
    return this.#restoring.figures();
  }

  /** What there is of a store's partition, whether it processes or waits for an assignment; null when there is none. */
  store(name: string, partition: number): unknown {
    const holder = [...this.tasks, ...this.#kept.values()].find(
      task => task.partition === partition && task.stores.has(name),
    );
    return holder?.stores.get(name)?.store ?? null;
  }

  find({ topic, partition }: TopicPartition): Task | undefined {
    return this.tasks.find(task => task.partition === partition && task.input(topic));
  }

  /**
   * Tasks for these partitions: kept ones as they are, the others restored. Resolves with where reading them starts when that is
   * not what is committed.
   */
  async assign(
    partitions: readonly TopicPartition[],
    context: AssignmentContext,
  ): Promise<readonly TopicPartitionOffset[]> {
    const { plan, environment, admin, committer } = this.#options;
    await this.#ending;
    const tasks = this.#tasksFor(partitions);
    for (const [id, task] of this.#kept) if (!tasks.some(each => each.id === id)) this.#close(task);
    this.#tidy(tasks);
    await committer.open(tasks);
    const committed = await admin.committed(environment.applicationId, plan.sources);
    const ready = await allOf(tasks.map(task => this.#ready(task, committed))).finally(() =>
      this.#restoring.ended(),
    );
    this.#kept = new Map();
    if (context.isStale()) {
      for (const task of ready) this.#kept.set(task.id, task);
      return [];
    }
    this.#begin(ready);
    return ready.flatMap(({ inputs, partition }) =>
      inputs.flatMap(({ topic, position }) => {
        const at = committed.find(each => each.topic === topic && each.partition === partition);
        return position > (at?.offset ?? 0) ? { topic, partition, offset: position } : [];
      }),
    );
  }

  /** A last checkpoint; tasks that made it are kept for the assignment to come. */
  async revoke(): Promise<void> {
    const lanes = this.#lanes;
    this.#lanes = [];
    this.#options.take([]);
    for (const { tasks } of lanes) forget(tasks);
    await Promise.all(lanes.map(lane => this.#finish(lane)));
  }

  /** What was done since the last checkpoint does not count any more, nor does what is under way. */
  abandon(): void {
    const lanes = this.#lanes;
    this.#lanes = [];
    this.#options.take([]);
    for (const { tasks } of lanes) forget(tasks);
    const before = this.#ending;
    this.#ending = Promise.all([before, ...lanes.map(lane => lane.abandon())]).then(() => {});
  }

  /** No assignment will come. */
  async close(): Promise<void> {
    await this.#ending;
    for (const task of this.#kept.values()) this.#close(task);
  }

  #tasksFor(partitions: readonly TopicPartition[]): readonly Task[] {
    const { plan, environment } = this.#options;
    const held = new Set(partitions.map(({ topic, partition }) => `${topic}/${partition}`));
    return plan.parts.flatMap(({ sub, partitions: count }) => {
      const topics = sub.sources.map(source => resolveTopic(source.topic, environment.applicationId));
      return Array.from({ length: count }, (_, partition) => partition)
        .filter(partition => topics.some(topic => held.has(`${topic}/${partition}`)))
        .map(
          partition => this.#kept.get(`${sub.index}_${partition}`) ?? new Task(sub, partition, environment),
        );
    });
  }

  async #ready(task: Task, committed: readonly TopicPartitionOffset[]): Promise<Task> {
    if (!this.#kept.has(task.id)) return this.#restored(task, committed);
    if (await this.#isCurrent(task, committed)) return task;
    this.#close(task);
    const { plan, environment } = this.#options;
    const { sub } = plan.parts.find(({ sub }) => task.id === `${sub.index}_${task.partition}`)!;
    return this.#restored(new Task(sub, task.partition, environment), committed);
  }

  async #restored(task: Task, committed: readonly TopicPartitionOffset[]): Promise<Task> {
    const { client, admin, environment, prepare, onRestore } = this.#options;
    const { applicationId, counters } = environment;
    const onProgress = (progress: RestoreProgress) => {
      this.#restoring.note(progress);
      onRestore?.(progress);
    };
    try {
      await restoreTask(task, committed, { client, admin, applicationId, counters, prepare, onProgress });
    } catch (error) {
      task.abandon();
      throw error;
    }
    return task;
  }

  /** Whether the log holds what the task wrote last, and nothing after it. */
  async #isCurrent(task: Task, committed: readonly TopicPartitionOffset[]): Promise<boolean> {
    const { client, admin, environment } = this.#options;
    for (const [topic, offset] of task.committedOffsets) {
      const at = committed.find(each => each.topic === topic && each.partition === task.partition);
      if ((at?.offset ?? -1) !== offset) return false;
    }
    if (task.changelogs.length === 0) return true;
    const mark = await lastMark(task, { client, admin, applicationId: environment.applicationId });
    return JSON.stringify(mark) === JSON.stringify(task.lastMark);
  }

  #begin(tasks: readonly Task[]): void {
    const { committer, clock, lane, take } = this.#options;
    const groups = committer.together ? [tasks] : tasks.map(task => [task]);
    this.#lanes = groups.map(each => new Lane({ ...lane, tasks: each, committer, clock }));
    take(this.#lanes);
  }

  async #finish(lane: Lane): Promise<void> {
    try {
      await lane.finish();
      for (const task of lane.tasks) this.#kept.set(task.id, task);
    } catch (error) {
      const { code, message } = classify(error);
      this.#options.logger.warn(
        { code },
        `The last checkpoint before a rebalance failed, its input will be read again: ${message}`,
      );
      for (const task of lane.tasks) task.abandon();
    }
  }

  #tidy(tasks: readonly Task[]): void {
    const { environment, clock, logger } = this.#options;
    const { state, applicationId } = environment;
    if (!state) return;
    const held = new Set(tasks.map(({ id }) => id));
    tidyState({ path: state.path, applicationId, owner: environment, held, nowMs: clock.now(), logger });
  }

  #close(task: Task): void {
    this.#kept.delete(task.id);
    try {
      task.close();
    } catch (error) {
      this.#options.logger.warn({ taskId: task.id, error }, `Task ${task.id} did not close in order`);
    }
  }
}

function forget(tasks: readonly Task[]): void {
  for (const { inputs } of tasks) for (const input of inputs) input.clear();
}
