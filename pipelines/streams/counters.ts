import { TaskMeasures } from './observe/task-measures.ts';

/** Names that the library itself counts under. */
export const counted = {
  in: 'records.in',
  out: 'records.out',
  late: 'records.late',
  deadLetters: 'records.dead-letters',
  deadLettersOf: (code: string) => `records.dead-letters.${code}`,
  skipped: 'records.skipped',
  dropped: (reason: string) => `records.dropped.${reason}`,
  restored: 'restore.records',
  discarded: 'restore.discarded',
  copied: 'standby.records',
  polls: 'polls',
  polled: 'polls.records',
  rebalances: 'rebalances',
} as const;

/** Counts that only grow, by name, and what each task measured. */
export class Counters {
  readonly #counts = new Map<string, number>();
  readonly #tasks = new Map<string, TaskMeasures>();

  add(name: string, by = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + by);
  }

  get(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  /** All that were counted, by name, in order. */
  snapshot(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** The same for all tasks that have the id, one after the other. */
  task(taskId: string): TaskMeasures {
    const known = this.#tasks.get(taskId);
    if (known) return known;
    const made = new TaskMeasures(taskId);
    this.#tasks.set(taskId, made);
    return made;
  }

  /** Of all tasks that ever were here, by id. */
  get tasks(): readonly TaskMeasures[] {
    return [...this.#tasks.values()].sort((a, b) => (a.taskId < b.taskId ? -1 : 1));
  }
}
