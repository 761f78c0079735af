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

import { isDeepStrictEqual } from 'node:util';
import { classify } from '#errors';
import type {
  AssignmentContext,
  GroupMember,
  LogAdmin,
  LogClient,
  TopicPartition,
  TopicPartitionOffset,
} from '#kafka';
import type { Clock } from '../clock.ts';
import { Restoring } from '../observe/restoring.ts';
import type { Mark } from '../task/checkpoint.ts';
import type { TaskEnvironment } from '../task/environment.ts';
import type { Plan } from '../task/plan.ts';
import { Task } from '../task/task.ts';
import type { SubTopology } from '../topology/graph.ts';
import { resolveTopic } from '../topology/topic-ref.ts';
import { allOf, type Committer } from './committer.ts';
import { Lane, type LaneOptions } from './lane.ts';
import { lastMark, type RestoreProgress, restoreTask } from './restore-task.ts';
import { Standby } from './standby.ts';
import { tidyState } from './state-directory.ts';
import type { StreamsLogger } from './streams-options.ts';

export interface TaskSetOptions {
  readonly plan: Plan;
  readonly environment: TaskEnvironment;
  readonly client: LogClient;
  readonly admin: LogAdmin;
  readonly committer: Committer;
  readonly clock: Clock;
  /** How far standby copies are behind, about. */
  readonly standbyIntervalMs: number;
  readonly lane: Omit<LaneOptions, 'tasks' | 'committer' | 'clock'>;
  readonly logger: StreamsLogger;
  /** From now on these process; none while there is no assignment. */
  take(lanes: readonly Lane[]): void;
  prepare(values: readonly (Buffer | null)[]): Promise<void> | undefined;
  onRestore?(progress: RestoreProgress): void;
}

/** State that goes up to somewhere. */
interface Copy {
  /** Not started. */
  readonly task: Task;
  /** By changelog topic: the next record to take over. */
  readonly positions: ReadonlyMap<string, number>;
  readonly history: string | null;
}

interface Assignment {
  readonly committed: readonly TopicPartitionOffset[];
  isStale(): boolean;
}

interface TaskPlace {
  readonly sub: SubTopology;
  readonly partition: number;
}

const idOf = ({ sub, partition }: TaskPlace) => `${sub.index}_${partition}`;

export class TaskSet {
  readonly #options: TaskSetOptions;
  readonly #restoring = new Restoring();
  #lanes: readonly Lane[] = [];
  /** Without an assignment, ready to go on. */
  #kept = new Map<string, Task>();
  /** Copies of what others process. */
  readonly #standbys = new Map<string, Standby>();
  /** Restored in part, when the assignment was over. */
  readonly #stopped = new Map<string, Copy>();
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
    const copies = [...this.#standbys.values()].filter(({ isWarm }) => isWarm).map(({ task }) => task);
    const numbers = [...this.#kept.values(), ...this.tasks, ...copies].map(({ partition }) => partition);
    return [...new Set(numbers)].sort((a, b) => a - b);
  }

  /** Ids of the tasks that a copy is kept of. */
  get standbys(): readonly string[] {
    return [...this.#standbys.keys()];
  }

  /** Stores that are being restored now. */
  get restoring(): readonly RestoreProgress[] {
    return this.#restoring.figures();
  }

  /** What there is of a store's partition: processing, waiting for an assignment, or a copy; null when there is none. */
  store(name: string, partition: number): unknown {
    const copies = [...this.#standbys.values()].map(({ task }) => task);
    const holder = [...this.tasks, ...this.#kept.values(), ...copies].find(
      task => task.partition === partition && task.stores.has(name),
    );
    return holder?.stores.get(name)?.store ?? null;
  }

  find({ topic, partition }: TopicPartition): Task | undefined {
    return this.tasks.find(task => task.partition === partition && task.input(topic));
  }

  /**
   * Tasks for these partitions: kept ones as they are, those that were copied from where the copy is, the others restored. Copies
   * of what else this member is to stand by for. Resolves with where reading starts when that is not what is committed.
   */
  async assign(
    partitions: readonly TopicPartition[],
    { standbys }: Pick<GroupMember, 'standbys'>,
    context: AssignmentContext,
  ): Promise<readonly TopicPartitionOffset[]> {
    const { plan, environment, admin, committer } = this.#options;
    await this.#ending;
    const tasks = this.#tasksFor(partitions);
    const isMine = (id: string) => tasks.some(each => each.id === id);
    for (const [id, task] of this.#kept) if (!isMine(id)) this.#close(task);
    for (const [id, { task }] of this.#stopped) if (!isMine(id)) this.#close(task);
    await this.#standBy(standbys, tasks);
    this.#tidy([...tasks, ...[...this.#standbys.values()].map(({ task }) => task)]);
    await committer.open(tasks);
    const committed = await admin.committed(environment.applicationId, plan.sources);
    const isStale = () => context.isStale();
    const ready = await allOf(tasks.map(task => this.#ready(task, { committed, isStale }))).finally(() =>
      this.#restoring.ended(),
    );
    this.#kept = new Map();
    if (isStale()) {
      for (const task of ready) if (!this.#stopped.has(task.id)) this.#kept.set(task.id, task);
      return [];
    }
    await this.#expect(ready, partitions);
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
    for (const { task } of this.#stopped.values()) this.#close(task);
    await Promise.all([...this.#standbys.keys()].map(id => this.#dismiss(id)));
  }

  /** Tells tasks of several topics where these end, so that they know what to wait for. */
  async #expect(tasks: readonly Task[], partitions: readonly TopicPartition[]): Promise<void> {
    const held = new Set(partitions.map(({ topic, partition }) => `${topic}/${partition}`));
    const several = tasks.filter(({ inputs }) => inputs.length > 1);
    const topics = new Set(several.flatMap(({ inputs }) => inputs.map(({ topic }) => topic)));
    const ranges = (await allOf([...topics].map(topic => this.#options.admin.offsets(topic)))).flat();
    for (const { inputs, partition } of several) {
      for (const input of inputs) {
        const { topic } = input;
        input.isAssigned = held.has(`${topic}/${partition}`);
        const range = ranges.find(each => each.topic === topic && each.partition === partition);
        const isBehind = range && range.latest > Math.max(input.end, range.earliest);
        input.knownEnd = isBehind ? range.latest : -1;
      }
    }
  }

  #tasksFor(partitions: readonly TopicPartition[]): readonly Task[] {
    const held = new Set(partitions.map(({ topic, partition }) => `${topic}/${partition}`));
    const { applicationId } = this.#options.environment;
    return this.#places(({ sub, partition }) =>
      sub.sources.some(source => held.has(`${resolveTopic(source.topic, applicationId)}/${partition}`)),
    ).map(place => this.#atHand(idOf(place)) ?? this.#made(place));
  }

  #atHand(id: string): Task | undefined {
    return this.#kept.get(id) ?? this.#standbys.get(id)?.task ?? this.#stopped.get(id)?.task;
  }

  #places(wanted: (place: TaskPlace) => boolean): readonly TaskPlace[] {
    return this.#options.plan.parts.flatMap(({ sub, partitions }) =>
      Array.from({ length: partitions }, (_, partition) => ({ sub, partition })).filter(wanted),
    );
  }

  #made({ sub, partition }: TaskPlace): Task {
    return new Task(sub, partition, this.#options.environment);
  }

  /** Has copies of these partitions, and of no others besides those that become tasks now. */
  async #standBy(partitions: readonly number[], tasks: readonly Task[]): Promise<void> {
    const { environment, client, admin, clock, logger, prepare, standbyIntervalMs } = this.#options;
    const { applicationId, counters } = environment;
    const places = this.#places(({ sub, partition }) => {
      return partitions.includes(partition) && sub.stores.some(({ changelog }) => changelog);
    });
    const active = new Set(tasks.map(({ id }) => id));
    const wanted = places.filter(place => !active.has(idOf(place)));
    const isWanted = (id: string) => active.has(id) || wanted.some(place => idOf(place) === id);
    await Promise.all([...this.#standbys.keys()].filter(id => !isWanted(id)).map(id => this.#dismiss(id)));
    for (const place of wanted) {
      if (this.#standbys.has(idOf(place))) continue;
      const common = { client, admin, applicationId, clock, counters, logger, prepare };
      const standby = new Standby({ ...common, task: this.#made(place), intervalMs: standbyIntervalMs });
      this.#standbys.set(idOf(place), standby);
    }
  }

  async #dismiss(id: string): Promise<void> {
    const standby = this.#standbys.get(id)!;
    this.#standbys.delete(id);
    await standby.stop();
    this.#close(standby.task);
  }

  async #ready(task: Task, assignment: Assignment): Promise<Task> {
    const standby = this.#standbys.get(task.id);
    if (standby) return this.#promoted(standby, assignment);
    const stopped = this.#stopped.get(task.id);
    if (stopped) return this.#continued(stopped, assignment);
    if (!this.#kept.has(task.id)) return this.#restored(task, assignment);
    if (await this.#isCurrent(task, assignment.committed)) return task;
    this.#close(task);
    return this.#restored(this.#again(task), assignment);
  }

  async #promoted(standby: Standby, assignment: Assignment): Promise<Task> {
    const { task } = standby;
    this.#standbys.delete(task.id);
    await standby.stop();
    if (standby.isWarm) return this.#continued(standby, assignment);
    this.#close(task);
    return this.#restored(this.#again(task), assignment);
  }

  /** The copy becomes the task: only what it lacks is read. */
  async #continued({ task, positions, history }: Copy, assignment: Assignment): Promise<Task> {
    this.#stopped.delete(task.id);
    const mark = await this.#lastMark(task);
    if ((mark?.history ?? null) === history) return this.#restored(task, assignment, positions);
    this.#close(task);
    return this.#restored(this.#again(task), assignment);
  }

  /** Another of the same place, with stores that are empty. */
  #again({ id }: Task): Task {
    return this.#made(this.#places(place => idOf(place) === id)[0]!);
  }

  async #restored(task: Task, assignment: Assignment, from?: Copy['positions']): Promise<Task> {
    const { client, admin, environment, prepare, onRestore } = this.#options;
    const { applicationId, counters } = environment;
    const onProgress = (progress: RestoreProgress) => {
      this.#restoring.note(progress);
      onRestore?.(progress);
    };
    const { committed, isStale } = assignment;
    const options = { client, admin, applicationId, counters, prepare, onProgress, isStale };
    try {
      const { mark, stoppedAt } = await restoreTask(task, committed, from ? { ...options, from } : options);
      if (stoppedAt) {
        for (const { disk } of task.changelogs) disk?.close();
        this.#stopped.set(task.id, { task, positions: stoppedAt, history: mark?.history ?? null });
      }
    } catch (error) {
      task.abandon();
      throw error;
    }
    return task;
  }

  #lastMark(task: Task): Promise<Mark | null> {
    const { client, admin, environment } = this.#options;
    return lastMark(task, { client, admin, applicationId: environment.applicationId });
  }

  /** Whether the log holds what the task wrote last, and nothing after it. */
  async #isCurrent(task: Task, committed: readonly TopicPartitionOffset[]): Promise<boolean> {
    for (const [topic, offset] of task.committedOffsets) {
      const at = committed.find(each => each.topic === topic && each.partition === task.partition);
      if ((at?.offset ?? -1) !== offset) return false;
    }
    if (task.changelogs.length === 0) return true;
    return isDeepStrictEqual(await this.#lastMark(task), task.lastMark);
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
    this.#stopped.delete(task.id);
    try {
      task.close();
    } catch (error) {
      this.#options.logger.warn({ taskId: task.id, error }, `Task ${task.id} did not close in order`);
    }
  }
}

/** What was read and not processed is read again, by whoever is next. */
function forget(tasks: readonly Task[]): void {
  for (const { inputs } of tasks) {
    for (const input of inputs) {
      input.clear();
      input.knownEnd = -1;
    }
  }
}
