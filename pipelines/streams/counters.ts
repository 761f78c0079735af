/** Names that the library itself counts under. */
export const counted = {
  in: 'records.in',
  out: 'records.out',
  late: 'records.late',
  deadLetters: 'records.dead-letters',
  skipped: 'records.skipped',
  dropped: (reason: string) => `records.dropped.${reason}`,
  restored: 'restore.records',
  discarded: 'restore.discarded',
} as const;

/** Counts that only grow, by name. */
export class Counters {
  readonly #counts = new Map<string, number>();

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
}
