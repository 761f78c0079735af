import type { RestoreProgress } from '../runtime/restore-task.ts';

/** How far the stores are that are being restored. */
export class Restoring {
  readonly #progress = new Map<string, RestoreProgress>();

  note(progress: RestoreProgress): void {
    const { taskId, store, position, end } = progress;
    const id = `${taskId}/${store}`;
    if (position >= end) this.#progress.delete(id);
    else this.#progress.set(id, progress);
  }

  /** Nothing is restored any more: it is done, or was given up. */
  ended(): void {
    this.#progress.clear();
  }

  figures(): readonly RestoreProgress[] {
    return [...this.#progress.values()];
  }
}
