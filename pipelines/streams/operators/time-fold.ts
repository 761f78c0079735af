import { counted } from '../counters.ts';
import type { TimeWindows } from '../windows/windows.ts';
import { type FoldRules, isTimely, type WindowFold } from './window-fold.ts';

/** Windows of one size: a record goes into each that holds its time and is still open. No window begins before 0. */
export function timeFold<K, V, A>(
  { sizeMs, advanceMs, graceMs }: TimeWindows,
  { initial, add }: FoldRules<K, V, A>,
): WindowFold<K, V, A> {
  return ({ scope, node, store, output }) =>
    record => {
      if (!isTimely(record, scope, node)) return;
      const { key, timestampMs } = record;
      const closedMs = scope.streamTimeMs - graceMs;
      const firstMs = Math.max(0, Math.floor((timestampMs - sizeMs) / advanceMs) + 1) * advanceMs;
      for (let startMs = firstMs; startMs <= timestampMs; startMs += advanceMs) {
        const endMs = startMs + sizeMs;
        if (endMs <= closedMs) {
          scope.count(counted.late);
          continue;
        }
        const before = store.get(key, startMs);
        const isNew = before === undefined;
        const value = add(isNew ? initial(key) : before, record);
        const valueMs = isNew ? timestampMs : Math.max(timestampMs, store.timestampOf(key, startMs));
        if (value === null) store.delete(key, startMs);
        else store.put(key, startMs, value, valueMs);
        output.changed(record, { startMs, endMs, value, timestampMs: valueMs, isNew });
      }
      output.done(record);
    };
}
