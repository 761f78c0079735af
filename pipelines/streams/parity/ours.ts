/** Scenarios through our test driver. */

import { jsonSerde, textSerde } from '#schemas';
import {
  aggregate,
  aggregateTable,
  type Builder,
  bufferStore,
  count,
  filterTable,
  groupTable,
  hoppingWindows,
  joinForeignKey,
  joinGlobal,
  joinStream,
  joinTable,
  joinTables,
  keyValueStore,
  mapTable,
  mapValues,
  reduce,
  type Stream,
  selectKey,
  sessionWindows,
  slidingWindows,
  suppress,
  type Table,
  testDriver,
  to,
  topology,
  toStream,
  toTable,
  tumblingWindows,
  versionedStore,
  type Windows,
  windowedAggregate,
  windowedSerde,
  windowStore,
} from '../index.ts';
import type {
  JoinOperator,
  Operator,
  Scenario,
  ScenarioOutput,
  ScenarioRecord,
  ScenarioResult,
  WindowedEmit,
  WindowShape,
} from './scenario.ts';

const text = { key: textSerde, value: textSerde };
const numberSerde = jsonSerde<number>();
const nullable = { ...text, nulls: 'keep' } as const;

export function runOurs({ name, operator, records }: Scenario): ScenarioResult {
  const driver = testDriver(topology('parity', b => build(b, operator)));
  const outputs: ScenarioOutput[] = [];
  records.forEach(({ topic, ...record }, after) => {
    driver.pipe(topic, record);
    for (const { key, value, timestampMs } of driver.read<string, string>('out'))
      outputs.push({ after, key, value, timestampMs });
  });
  const dropped = Object.entries(driver.counters.snapshot())
    .filter(([counter]) => counter === 'records.late' || counter.startsWith('records.dropped.'))
    .reduce((sum, [, each]) => sum + each, 0);
  return { name, outputs, dropped };
}

/** With nulls, whatever the types say: what becomes of them is compared. */
const received = (b: Builder, topic: ScenarioRecord['topic']) =>
  b.source(topic, nullable) as unknown as Stream<string, string>;

const counts = () => keyValueStore({ name: 'store', key: textSerde, value: numberSerde });
const totals = () => keyValueStore({ name: 'store', ...text });
const concatenated = (sum: string, { value }: { readonly value: string }) => sum + value;

function build(b: Builder, operator: Operator): void {
  switch (operator.kind) {
    case 'aggregate':
      received(b, 'in').pipe(
        aggregate({ store: totals(), initial: () => '', add: concatenated }),
        to('out', text),
      );
      return;
    case 'count':
      received(b, 'in').pipe(count({ store: counts() }), mapValues(String), to('out', text));
      return;
    case 'reduce':
      received(b, 'in').pipe(reduce({ store: totals(), add: (sum, next) => sum + next }), to('out', text));
      return;
    case 'count-by-value':
      received(b, 'in').pipe(
        selectKey(({ value }) => value),
        count({ store: counts(), repartition: { value: textSerde } }),
        mapValues(String),
        to('out', text),
      );
      return;
    case 'windowed':
      windowed(received(b, 'in'), { windows: windowsOf(operator), emit: operator.emit });
      return;
    case 'sessions':
      windowed(received(b, 'in'), { windows: sessionWindows(operator), emit: operator.emit });
      return;
    case 'suppress-time':
      received(b, 'in').pipe(
        aggregate({ store: totals(), initial: () => '', add: concatenated }),
        suppress<string, string>({
          until: operator,
          store: bufferStore({ name: 'waiting', ...text }),
          maxRecords: operator.maxRecords,
          whenFull: 'emit-early',
        }),
        to('out', text),
      );
      return;
    case 'table':
      written(table(b, 'in'));
      return;
    case 'to-table':
      written(received(b, 'in').pipe(toTable({ store: totals() })));
      return;
    case 'filter-table':
      written(table(b, 'in').pipe(filterTable(value => value < 'm')));
      return;
    case 'map-table':
      written(table(b, 'in').pipe(mapTable(value => `${value}!`)));
      return;
    case 'group-table':
      written(
        table(b, 'in').pipe(
          groupTable((_, value) => [value.slice(0, 1), value] as const, { ...text, name: 'groups' }),
          aggregateTable({
            store: totals(),
            initial: () => '',
            add: (sum, value) => `${sum}+${value}`,
            subtract: (sum, value) => `${sum}-${value}`,
          }),
        ),
      );
      return;
    default:
      joined(b, operator);
  }
}

/** What is not equal to anything by its first letter refers to nothing. */
const referred = (value: string) => (value.startsWith('-') ? null : value.slice(0, 1));
const join = (left: string | null, right: string | null) => `${left}|${right}`;
const table = (b: Builder, topic: ScenarioRecord['topic']) => b.table<string, string>(topic, text);
const written = (changes: Table<string, string>) => changes.pipe(toStream(), to('out', text));

function joined(b: Builder, operator: JoinOperator): void {
  // The kinds differ in their types only: which sides may be null.
  const kind = operator.join as 'left';
  switch (operator.kind) {
    case 'join-streams':
      received(b, 'left').pipe(
        joinStream(received(b, 'right'), {
          ...operator,
          ...{ name: 'join', key: textSerde, left: textSerde, right: textSerde, kind, join },
        }),
        to('out', text),
      );
      return;
    case 'join-stream-table':
      received(b, 'left').pipe(joinTable(table(b, 'right'), { kind, join }), to('out', text));
      return;
    case 'join-stream-versioned': {
      const { historyMs, graceMs } = operator;
      const right = b.table<string, string>('right', {
        ...text,
        store: versionedStore({ name: 'versions', ...text, historyMs }),
      });
      const wait = graceMs === undefined ? {} : { wait: { graceMs, name: 'waiting', ...text } };
      received(b, 'left').pipe(joinTable(right, { kind, join, ...wait }), to('out', text));
      return;
    }
    case 'join-stream-global': {
      const right = b.globalTable('right', text);
      received(b, 'left').pipe(
        joinGlobal(right, { select: ({ value }) => value, kind, join }),
        to('out', text),
      );
      return;
    }
    case 'join-tables':
      written(table(b, 'left').pipe(joinTables(table(b, 'right'), { kind, join })));
      return;
    case 'join-foreign-key':
      written(
        table(b, 'left').pipe(
          joinForeignKey(table(b, 'right'), {
            name: 'refers',
            select: referred,
            store: totals(),
            kind,
            join,
          }),
        ),
      );
  }
}
function windowsOf(shape: WindowShape & { readonly graceMs: number }): Windows {
  if (shape.windows === 'tumbling') return tumblingWindows(shape);
  return shape.windows === 'hopping' ? hoppingWindows(shape) : slidingWindows(shape);
}

function windowed(
  input: Stream<string, string>,
  { windows, emit }: { readonly windows: Windows; readonly emit: WindowedEmit },
): void {
  const results = input.pipe(
    windowedAggregate<string, string, string>({
      windows,
      store: windowStore({ name: 'store', ...text }),
      initial: () => '',
      add: concatenated,
      merge: (sum, next) => sum + next,
      emit: emit === 'final' ? 'final' : 'each',
    }),
  );
  const waiting = bufferStore({ name: 'waiting', key: windowedSerde(textSerde), value: textSerde });
  const shown =
    emit === 'suppressed' ? results.pipe(suppress({ until: 'window-closes', store: waiting })) : results;
  shown.pipe(
    selectKey(({ key }) => `${key.key}@${key.startMs}/${key.endMs}`),
    to('out', text),
  );
}
