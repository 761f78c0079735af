/** What a store that keeps files is told, and asked. The files are a cache of the store's changelog: losing them costs time. */

/** Where a store of one task keeps its files, and for whom. */
export interface DiskPlace {
  /** Of this store alone; made when it is missing. */
  readonly directory: string;
  /** Names application, task and store: files of another are not taken over. */
  readonly identity: string;
  /** What the same owner left open there is closed; of any other, it is STORE_LOCKED. */
  readonly owner: object;
  nowMs(): number;
  warn(fields: object, message: string): void;
}

/** Of a store's changelog, as it is found when its task starts. */
export interface DiskHistory {
  /** Names the marks that count; files of another history are of no use. null: there is no mark. */
  readonly id: string | null;
  readonly earliest: number;
  /** Where the changes that count end. */
  readonly end: number;
}

/**
 * The files of one store of one task. In this order: `recover`, the changelog's records, `begin`; then a `freeze` per checkpoint,
 * and `settle` once what it took is durable in the log.
 *
 * Invariant: D1 The files hold what the changelog held at some mark, or less: never a change that does not count.
 */
export interface StoreDisk {
  /**
   * Opens the files, or new ones where they cannot be trusted, with a warning that says why. Each step is a slice of work that is
   * short enough to let others run. May be called again before `begin`. Returns the offset of the changelog from which to restore.
   * Errors: STORE_LOCKED, STORE_UNUSABLE.
   */
  recover(history: DiskHistory): Generator<void, number>;
  /** All is restored. `historyId`: of the marks to come. */
  begin(historyId: string): void;
  /** Takes the changes since the last call, as their values are now; returns a number that grows. */
  freeze(): number;
  /**
   * What was taken up to that number counts. `end`: of the changelog that holds it, null when nobody knows. May write some of it.
   * Errors: STORE_UNUSABLE.
   */
  settle(frozen: number, end: number | null): void;
  /** Many changes wait for a checkpoint: it is due. */
  readonly isDue: boolean;
  /** Too many changes do not count yet: no more of them until some do. */
  readonly isFull: boolean;
  /** Writes what counts, forgets the rest, and lets go of the files. Idempotent. */
  close(): void;
  /** Lets go of the files as they are, as if the process had ended here. Idempotent. */
  abandon(): void;
}
