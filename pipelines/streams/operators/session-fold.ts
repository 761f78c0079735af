import { counted } from '../counters.ts';
import type { Timeline } from '../store/timeline.ts';
import type { Session } from '../store/window-store.ts';
import type { SessionWindows } from '../windows/windows.ts';
import { type FoldRules, isTimely, type WindowFold } from './window-fold.ts';

export interface SessionRules<K, V, A> extends FoldRules<K, V, A> {
  readonly merge: (value: A, next: A, key: K) => A;
}

interface Found<A> {
  readonly startMs: number;
  readonly endMs: number;
  readonly value: A;
}

/**
 * Sessions: a record joins those of its key that it is no further from than the gap, and stretches from the first to the last.
 * Sessions it joins are taken back with a tombstone each, also the one that it merely falls into; then comes the new one.
 */
export function sessionFold<K, V, A>(
  { gapMs, graceMs }: SessionWindows,
  { initial, add, merge }: SessionRules<K, V, A>,
): WindowFold<K, V, A> {
  return ({ scope, node, store, output }) => {
    // The store of sessions has them as its values: see WindowSpec.
    const sessions = store as unknown as Timeline<K, Session<A>>;

    return record => {
      if (!isTimely(record, scope, node)) return;
      const { key, timestampMs } = record;
      const openMs = scope.streamTimeMs - graceMs - gapMs;
      const near = nearTo(key, timestampMs, openMs);
      const startMs = Math.min(timestampMs, near[0]?.startMs ?? timestampMs);
      const endMs = Math.max(timestampMs, near[near.length - 1]?.endMs ?? timestampMs);
      if (endMs < openMs) {
        scope.count(counted.late);
        output.done(record);
        return;
      }
      let merged = initial(key);
      for (const { value } of near) merged = merge(merged, value, key);
      // Before anything is changed: if it throws, the sessions stay as they were.
      const value = add(merged, record);
      const isPoint = startMs === endMs;
      if (!isPoint) for (const each of near) takeBack(each);
      if (value === null) sessions.delete(key, endMs);
      else sessions.put(key, endMs, { startMs, value }, endMs);
      output.changed(record, {
        startMs,
        endMs,
        value,
        timestampMs: endMs,
        isNew: !isPoint || near.length === 0,
      });
      output.done(record);

      function takeBack(old: Found<A>): void {
        // What is put in its place needs no deletion before.
        if (old.endMs !== endMs) sessions.delete(key, old.endMs);
        const { startMs: fromMs, endMs: toMs } = old;
        output.changed(record, {
          startMs: fromMs,
          endMs: toMs,
          value: null,
          timestampMs: toMs,
          isNew: false,
        });
      }
    };

    function nearTo(key: K, timestampMs: number, openMs: number): readonly Found<A>[] {
      const found: Found<A>[] = [];
      const fromMs = Math.max(0, openMs, timestampMs - gapMs);
      for (const entry of sessions.between(key, fromMs, Number.MAX_SAFE_INTEGER)) {
        const { startMs, value } = entry.value;
        if (startMs > timestampMs + gapMs) break;
        found.push({ startMs, endMs: entry.timeMs, value });
      }
      return found;
    }
  };
}
