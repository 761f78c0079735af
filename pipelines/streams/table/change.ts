import type { Observable } from 'rxjs';
import type { StreamRecord } from '../record.ts';

/** What happened to one key of a table; null: no value. The record's time is that of the new value. */
export interface Change<V> {
  readonly old: V | null;
  readonly new: V | null;
  /** false: a versioned table learned of something that was already over. */
  readonly isLatest: boolean;
}

/**
 * A value per key that changes: the stream of its changes, with a way to read what it holds. Made by `b.table`, `toTable` and
 * by operators on tables; after an RxJS operator it is a stream like any other.
 */
export type Table<K, V> = Observable<StreamRecord<K, Change<V>>>;
