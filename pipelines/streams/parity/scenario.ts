/** What is run through both: an operator and the records it is given, one after the other. */

export type Join = 'inner' | 'left' | 'outer';
export type WindowedEmit = 'each' | 'final' | 'suppressed';

export type Operator =
  | { readonly kind: 'aggregate' | 'count' | 'reduce' | 'count-by-value' }
  | { readonly kind: 'table' | 'to-table' | 'filter-table' | 'map-table' | 'group-table' }
  | ({ readonly kind: 'windowed'; readonly graceMs: number; readonly emit: WindowedEmit } & WindowShape)
  | {
      readonly kind: 'sessions';
      readonly gapMs: number;
      readonly graceMs: number;
      readonly emit: WindowedEmit;
    }
  | { readonly kind: 'suppress-time'; readonly timeLimitMs: number; readonly maxRecords: number }
  | JoinOperator;

export type JoinOperator =
  | {
      readonly kind: 'join-streams';
      readonly join: Join;
      readonly beforeMs: number;
      readonly afterMs: number;
      readonly graceMs: number;
    }
  | {
      readonly kind: 'join-stream-table' | 'join-stream-global' | 'join-foreign-key';
      readonly join: 'inner' | 'left';
    }
  | {
      readonly kind: 'join-stream-versioned';
      readonly join: 'inner' | 'left';
      readonly historyMs: number;
      readonly graceMs?: number;
    }
  | { readonly kind: 'join-tables'; readonly join: Join };

export type WindowShape =
  | { readonly windows: 'tumbling'; readonly sizeMs: number }
  | { readonly windows: 'hopping'; readonly sizeMs: number; readonly advanceMs: number }
  | { readonly windows: 'sliding'; readonly differenceMs: number };

export interface ScenarioRecord {
  readonly topic: 'in' | 'left' | 'right';
  readonly key: string | null;
  readonly value: string | null;
  readonly timestampMs: number;
}

export interface Scenario {
  readonly name: string;
  readonly operator: Operator;
  readonly records: readonly ScenarioRecord[];
}

export interface ScenarioOutput {
  /** Index of the record that was given last. */
  readonly after: number;
  /** A windowed key is `key@start/end`. */
  readonly key: string | null;
  readonly value: string | null;
  readonly timestampMs: number;
}

export interface ScenarioResult {
  readonly name: string;
  readonly outputs: readonly ScenarioOutput[];
  /** Records that were late or had no key or value. */
  readonly dropped: number;
}
