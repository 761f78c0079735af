/** Of a store of a task of this process. */
export interface StoreMetrics {
  readonly taskId: string;
  readonly store: string;
  readonly entries: number;
  /** What else the store counts or weighs, by name: `gets`, `puts`, `bytes`, … */
  readonly figures: Readonly<Record<string, number>>;
}
