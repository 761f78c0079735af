import type { Observable } from 'rxjs';
import type { StreamRecord } from '../record.ts';
import { invalid } from '../topology/graph.ts';
import { streamOf } from '../topology/stream.ts';
import type { Change, Table } from './change.ts';
import type { TableSpec } from './lookup.ts';

/** The same stream, from now on also a table that is read this way. */
export function asTable<K, V>(
  changes: Observable<StreamRecord<K, Change<V>>>,
  spec: TableSpec<K, V>,
): Table<K, V> {
  const { graph, node } = streamOf(changes, 'a table');
  graph.tables.set(node, spec as unknown as TableSpec);
  return changes;
}

/** How the table that an operator was given is read. Errors: CONFIG_INVALID for a stream that is none. */
export function tableOf<K, V>(table: Table<K, V>, operator: string): TableSpec<K, V> {
  const { graph, node } = streamOf(table, operator);
  const spec = graph.tables.get(node);
  if (!spec)
    throw invalid(
      graph.name,
      `${operator} was given #${node.id} ${node.label}, which is a stream: make it a table with toTable(), and keep RxJS operators for streams`,
    );
  return spec as unknown as TableSpec<K, V>;
}
