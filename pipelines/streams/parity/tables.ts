/** Scenarios of tables and joins, with our operators. */

import { textSerde } from '#schemas';
import {
  aggregateTable,
  type Builder,
  filterTable,
  groupTable,
  joinForeignKey,
  joinGlobal,
  joinStream,
  joinTable,
  joinTables,
  keyValueStore,
  mapTable,
  type Stream,
  type StreamRecord,
  type Table,
  to,
  toStream,
  toTable,
  versionedStore,
} from '../index.ts';
import type { Operator } from './scenario.ts';

const text = { key: textSerde, value: textSerde };
const store = (name: string) => keyValueStore({ name, ...text });
const pair = (left: string | null, right: string | null) => `${left}|${right}`;

type Row = StreamRecord<string, string | null>;
/** Joins as they are written with the kind known: ours have a type for each. */
type Join = 'outer';

/** Whether it is one of them. */
export function buildTables(b: Builder, operator: Operator): boolean {
  const out = to<string, string>('out', text);
  const shown = (table: Table<string, string>) => void table.pipe(toStream(), out);
  const stream = (topic: string) => b.source(topic, { ...text, nulls: 'keep' }) as Stream<string, string>;
  const table = (topic: string) => b.table(topic, text);
  switch (operator.kind) {
    case 'table':
      shown(table('in'));
      return true;
    case 'to-table':
      shown((stream('in') as Stream<string, string | null>).pipe(toTable({ store: store('store') })));
      return true;
    case 'filter-table':
      shown(table('in').pipe(filterTable(value => value < 'm')));
      return true;
    case 'map-table':
      shown(table('in').pipe(mapTable(value => `${value}!`)));
      return true;
    case 'group-table':
      shown(
        table('in').pipe(
          groupTable((_, value) => [value.slice(0, 1), value], { name: 'groups', ...text }),
          aggregateTable<string, string, string>({
            store: store('store'),
            initial: () => '',
            add: (sum, value) => `${sum}+${value}`,
            subtract: (sum, value) => `${sum}-${value}`,
          }),
        ),
      );
      return true;
    case 'join-streams': {
      const { beforeMs, afterMs, graceMs, join } = operator;
      const options = { name: 'join', key: textSerde, left: textSerde, right: textSerde };
      const span = { beforeMs, afterMs, graceMs };
      const joined = joinStream(stream('right'), { ...options, ...span, kind: join as Join, join: pair });
      stream('left').pipe(joined, out);
      return true;
    }
    case 'join-stream-table':
      stream('left').pipe(joinTable(table('right'), { kind: operator.join as 'left', join: pair }), out);
      return true;
    case 'join-stream-versioned': {
      const { historyMs, graceMs, join } = operator;
      const versions = versionedStore({ name: 'versions', ...text, historyMs });
      const wait = graceMs === undefined ? {} : { wait: { graceMs, name: 'waiting', ...text } };
      const held = b.table('right', { ...text, store: versions });
      stream('left').pipe(joinTable(held, { ...wait, kind: join as 'left', join: pair }), out);
      return true;
    }
    case 'join-stream-global': {
      const view = b.globalTable('right', text);
      const select = ({ value }: Row) => value;
      stream('left').pipe(joinGlobal(view, { select, kind: operator.join as 'left', join: pair }), out);
      return true;
    }
    case 'join-tables':
      shown(table('left').pipe(joinTables(table('right'), { kind: operator.join as Join, join: pair })));
      return true;
    case 'join-foreign-key':
      shown(
        table('left').pipe(
          joinForeignKey(table('right'), {
            ...{ name: 'join', store: store('joined'), kind: operator.join as 'left', join: pair },
            // The value's first letter; none where the value begins with a dash.
            select: (value: string) => (value.startsWith('-') ? null : value.slice(0, 1)),
          }),
        ),
      );
      return true;
    default:
      return false;
  }
}
