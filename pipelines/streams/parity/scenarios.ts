import fc from 'fast-check';
import type { Operator, Scenario, ScenarioRecord, WindowedEmit } from './scenario.ts';

const joins = ['inner', 'left', 'outer'] as const;
const emits = ['each', 'final', 'suppressed'] as const;

/** Windows that hold the records at their very end. */
const inclusive = (windows: 'sliding' | 'session', graceMs: number, emit: WindowedEmit): Operator =>
  windows === 'sliding'
    ? { kind: 'windowed', windows, differenceMs: 6, graceMs, emit }
    : { kind: 'sessions', gapMs: 5, graceMs, emit };

/** Every operator that keeps state, at the settings where its edges differ. */
export const operators: readonly Operator[] = [
  { kind: 'aggregate' },
  { kind: 'count' },
  { kind: 'reduce' },
  { kind: 'count-by-value' },
  { kind: 'table' },
  { kind: 'to-table' },
  { kind: 'filter-table' },
  { kind: 'map-table' },
  { kind: 'group-table' },
  ...emits.flatMap(emit =>
    [0, 7].flatMap((graceMs): readonly Operator[] => [
      { kind: 'windowed', windows: 'tumbling', sizeMs: 10, graceMs, emit },
      { kind: 'windowed', windows: 'hopping', sizeMs: 10, advanceMs: 4, graceMs, emit },
      // Kafka Streams' suppress lets these go a millisecond before they are closed, and again when they change then.
      ...(emit === 'suppressed'
        ? []
        : [inclusive('sliding', graceMs, emit), inclusive('session', graceMs, emit)]),
    ]),
  ),
  { kind: 'suppress-time', timeLimitMs: 8, maxRecords: 2 },
  { kind: 'suppress-time', timeLimitMs: 8, maxRecords: 1_000 },
  ...joins.flatMap(join =>
    [0, 6].flatMap((graceMs): readonly Operator[] => [
      { kind: 'join-streams', join, beforeMs: 5, afterMs: 5, graceMs },
      { kind: 'join-streams', join, beforeMs: 0, afterMs: 8, graceMs },
      { kind: 'join-streams', join, beforeMs: 4, afterMs: -2, graceMs },
    ]),
  ),
  ...joins.map((join): Operator => ({ kind: 'join-tables', join })),
  ...(['inner', 'left'] as const).flatMap((join): readonly Operator[] => [
    { kind: 'join-stream-table', join },
    { kind: 'join-stream-global', join },
    { kind: 'join-foreign-key', join },
    { kind: 'join-stream-versioned', join, historyMs: 20 },
    { kind: 'join-stream-versioned', join, historyMs: 20, graceMs: 5 },
  ]),
];

const hasSides = ({ kind }: Operator) => kind.startsWith('join-');

/** A name for people: the settings, in their order. */
export const nameOf = (operator: Operator) => Object.values(operator).join(' ');

/** Values as each operator reads them: foreign keys and groups are a first letter. */
const values = ['apple', 'axe', 'box', 'bun', 'cat', '-none', 'zoo'];
/** Names that also occur as first letters and as values, so that joins by value find partners. */
const keys = ['a', 'b', 'apple'];

/** Mostly forward, now and then back: late by a little, by a lot, and at equal times. */
const stepMs = fc.oneof(
  { weight: 4, arbitrary: fc.constant(0) },
  { weight: 8, arbitrary: fc.integer({ min: 1, max: 4 }) },
  { weight: 3, arbitrary: fc.integer({ min: -12, max: -1 }) },
  { weight: 1, arbitrary: fc.integer({ min: 15, max: 40 }) },
);

const nullable = (of: readonly string[]) =>
  fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...of) }, { weight: 1, arbitrary: fc.constant(null) });

/** Kafka Streams 4.3.1 ends in a NullPointerException where a left join with grace buffers a record without key. */
const mayLackKeys = ({ kind }: Operator) => kind !== 'join-stream-versioned';

const records = (
  sides: readonly ScenarioRecord['topic'][],
  key: fc.Arbitrary<string | null>,
): fc.Arbitrary<readonly ScenarioRecord[]> =>
  fc
    .array(
      fc.record({
        topic: fc.constantFrom(...sides),
        key,
        value: nullable(values),
        stepMs,
      }),
      { minLength: 1, maxLength: 60 },
    )
    .map(steps => {
      let nowMs = 20;
      return steps.map(({ stepMs: by, ...record }) => {
        nowMs = Math.max(0, nowMs + by);
        return { ...record, timestampMs: nowMs };
      });
    });

/** `count` of each operator; the same for the same seed. */
export function scenarios(seed: number, count: number): readonly Scenario[] {
  return operators.flatMap((operator, at) => {
    const sides = hasSides(operator) ? (['left', 'right'] as const) : (['in'] as const);
    return fc
      .sample(records(sides, mayLackKeys(operator) ? nullable(keys) : fc.constantFrom(...keys)), {
        seed: seed + at,
        numRuns: count,
      })
      .map((each, number) => ({ name: `${nameOf(operator)} #${number}`, operator, records: each }));
  });
}
