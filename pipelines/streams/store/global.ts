import type { Serde } from '#schemas';
import type { StreamRecord } from '../record.ts';
import type { ReadOnlyStore } from './key-value.ts';
import { MemoryStore } from './memory-store.ts';

/** What is kept of a topic that every task sees whole. */
export interface GlobalView<K, V> {
  /**
   * Once per record, in partition order, from the start of the topic (or as far back as asked for) at every start; a null value is a tombstone.
   * Must not throw for what deserialises; what it throws stops the application.
   */
  apply(record: StreamRecord<K, V | null>): void;
}

/** The latest value of each key. */
export interface TableView<K, V> extends GlobalView<K, V>, ReadOnlyStore<K, V> {}

export interface GlobalSpec<W = unknown> {
  readonly topic: string;
  readonly key: Serde<unknown>;
  readonly value: Serde<unknown>;
  readonly view: () => W;
  /** How far back it is read at a start, by the records' times in the log. Absent: from the start of the topic. */
  readonly lookBackMs?: number;
}

/** A handle; `context.global(handle)` and `withGlobal` give the view. */
export type GlobalTable<W> = GlobalSpec<W>;

export function tableView<K, V>(key: Serde<K>): TableView<K, V> {
  return new Table<K, V>({ name: 'global', key });
}

class Table<K, V> extends MemoryStore<K, V> implements TableView<K, V> {
  apply({ key, value, timestampMs }: StreamRecord<K, V | null>): void {
    if (value === null) this.delete(key);
    else this.put(key, value, timestampMs);
  }
}
