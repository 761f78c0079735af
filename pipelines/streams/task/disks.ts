/**
 * The files of a task's stores, written behind its checkpoints: what a checkpoint took may be written once the log holds it.
 *
 * Owns: which state belongs to which checkpoint. Does not own: the files (store/disk.ts).
 */

import { join } from 'node:path';
import type { DiskPlace, StoreDisk } from '../store/disk.ts';
import type { OpenStore, StoreEnvironment } from '../store/store.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { TaskEnvironment } from './environment.ts';
import type { TaskScope } from './scope.ts';

/** `<path>/<application>/<task>/<store>` */
export function directoryOf(path: string, applicationId: string, ...rest: readonly string[]): string {
  return join(path, applicationId, ...rest);
}

/** The task of a store. */
interface StoringTask extends Pick<TaskScope, 'taskId' | 'clock'> {
  storeTimeMs(store: string): number;
}

/** What a store may know of its task, and where it may keep files. */
export function storeEnvironment(
  task: StoringTask,
  store: string,
  environment: TaskEnvironment,
): StoreEnvironment {
  const { applicationId, state } = environment;
  const streamTimeMs = () => task.storeTimeMs(store);
  if (!state) return { streamTimeMs };
  const disk: DiskPlace = {
    directory: directoryOf(state.path, applicationId, task.taskId, store),
    identity: `${applicationId}/${task.taskId}/${store}`,
    owner: environment,
    nowMs: () => task.clock.now(),
    warn: state.warn,
  };
  return { streamTimeMs, disk };
}

interface TaskDisk {
  readonly disk: StoreDisk;
  /** null: it has no changelog. */
  readonly topic: string | null;
}

interface Taken {
  /** Numbers of what was frozen, by disk. */
  readonly frozen: readonly number[];
  endOf: (topic: string) => number | undefined;
}

export class TaskDisks {
  readonly #disks: readonly TaskDisk[];
  readonly #taken = new WeakMap<Checkpoint, Taken>();

  constructor(stores: ReadonlyMap<string, OpenStore>, topicOf: (store: string) => string) {
    this.#disks = [...stores].flatMap(([name, { disk, changelog }]) =>
      disk ? [{ disk, topic: changelog && topicOf(name) }] : [],
    );
  }

  /** Many changes wait for a checkpoint. */
  get isDue(): boolean {
    return this.#disks.some(({ disk }) => disk.isDue);
  }

  /** There is no room for more changes until the checkpoint under way is committed. */
  get isFull(): boolean {
    return this.#disks.some(({ disk }) => disk.isFull);
  }

  begin(historyId: string): void {
    for (const { disk } of this.#disks) disk.begin(historyId);
  }

  /** The checkpoint took the stores as they are. */
  taken(checkpoint: Checkpoint): void {
    if (this.#disks.length > 0)
      this.#taken.set(checkpoint, {
        frozen: this.#disks.map(({ disk }) => disk.freeze()),
        endOf: () => undefined,
      });
  }

  /** There was nothing for the log: what is in no changelog counts by itself. */
  tookNothing(): void {
    for (const { disk, topic } of this.#disks) if (topic === null) disk.settle(disk.freeze(), null);
  }

  /** Where changelogs that hold it end, as far as they were written to. */
  written(checkpoint: Checkpoint, endOf: (topic: string) => number | undefined): void {
    const taken = this.#taken.get(checkpoint);
    if (taken) taken.endOf = endOf;
  }

  /** The log holds it. */
  settled(checkpoint: Checkpoint): void {
    const taken = this.#taken.get(checkpoint);
    if (!taken) return;
    for (const [at, { disk, topic }] of this.#disks.entries())
      disk.settle(taken.frozen[at]!, (topic !== null && taken.endOf(topic)) || null);
  }

  /** Closes all, whatever one of them throws. */
  close(): void {
    const errors: unknown[] = [];
    for (const { disk } of this.#disks) {
      try {
        disk.close();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }
}
