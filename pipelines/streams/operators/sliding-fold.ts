import { counted } from '../counters.ts';
import type { StreamRecord } from '../record.ts';
import type { TimelineEntry } from '../store/timeline.ts';
import type { SlidingWindows } from '../windows/windows.ts';
import { copied, type FoldPlace, type FoldRules, isTimely, type WindowFold } from './window-fold.ts';

/** A window's value and the latest time of its records. */
interface Value<A> {
  readonly value: A;
  readonly timestampMs: number;
}

/** What the windows around a record say about the records around it. */
interface Around<A> {
  /** Starts of the windows looked at. */
  readonly startsMs: Set<number>;
  /** Of the record before this one. */
  previousMs: number | null;
  /** Of the records before this one, in the window that ended with the last of them. */
  left: Value<A> | null;
  /** Of the records after this one. */
  right: Value<A> | null;
}

/**
 * Sliding windows. Each record has a window that ends with it (its left one) and, as soon as a later record is near enough, one
 * that begins right after it (its right one); that is all the windows in which the set of records differs. A new record goes into
 * the windows over it, and makes what is missing: the right window of the record before it, its left one, its right one, with
 * what the neighbours' windows hold.
 *
 * No window begins before 0: records earlier than the difference share the window from 0 on.
 */
export function slidingFold<K, V, A>(
  windows: SlidingWindows,
  rules: FoldRules<K, V, A>,
): WindowFold<K, V, A> {
  return place => {
    const sliding = new Sliding(windows, rules, place);
    return record => sliding.take(record);
  };
}

class Sliding<K, V, A> {
  readonly #windows: SlidingWindows;
  readonly #rules: FoldRules<K, V, A>;
  readonly #place: FoldPlace<K, A>;

  constructor(windows: SlidingWindows, rules: FoldRules<K, V, A>, place: FoldPlace<K, A>) {
    this.#windows = windows;
    this.#rules = rules;
    this.#place = place;
  }

  take(record: StreamRecord<K, V>): void {
    const { scope, node, output } = this.#place;
    // Before it is looked at in time: as it does not count, no time passes by it.
    if (record.key !== null && record.value === null) {
      scope.count(counted.dropped('null-value'));
      return;
    }
    if (!isTimely(record, scope, node)) return;
    const { timestampMs } = record;
    if (timestampMs + this.#windows.differenceMs < this.#openMs()) scope.count(counted.late);
    else if (timestampMs < this.#windows.differenceMs) this.#takeEarly(record);
    else this.#takeNormally(record);
    output.done(record);
  }

  /** The first end of a window that is open. */
  #openMs(): number {
    return this.#place.scope.streamTimeMs - this.#windows.graceMs;
  }

  #takeNormally(record: StreamRecord<K, V>): void {
    const { timestampMs } = record;
    const { differenceMs } = this.#windows;
    const around: Around<A> = { startsMs: new Set(), previousMs: null, left: null, right: null };
    let hasLeft = false;
    const entries = [
      ...this.#place.store.between(record.key, Math.max(0, timestampMs - 2 * differenceMs), timestampMs + 1),
    ];
    // From the latest window to the earliest, as its changes go downstream.
    for (const entry of entries.reverse()) {
      const startMs = entry.timeMs;
      const endMs = startMs + differenceMs;
      around.startsMs.add(startMs);
      if (startMs > timestampMs) continue;
      if (endMs < timestampMs) {
        around.left = entry;
        around.previousMs = entry.timestampMs;
        break;
      }
      if (endMs > timestampMs) {
        around.right ??= this.#rightOf(record, entry, around);
        this.#add(record, startMs, entry);
        continue;
      }
      hasLeft = true;
      const latestMs = entry.timestampMs;
      this.#add(record, startMs, entry);
      // Another record of this time has made all the windows there are.
      if (latestMs >= timestampMs) return;
      around.previousMs = latestMs;
    }
    this.#makeRightOfPrevious(record, around);
    if (!hasLeft) this.#makeLeft(record, around);
    this.#makeRight(record, around);
  }

  /** Records before the first whole window share the one from 0 on, which stands for their left windows. */
  #takeEarly(record: StreamRecord<K, V>): void {
    const { timestampMs } = record;
    const around: Around<A> = { startsMs: new Set(), previousMs: null, left: null, right: null };
    let first: Value<A> | null = null;
    for (const entry of [...this.#place.store.between(record.key, 0, timestampMs + 1)]) {
      const startMs = entry.timeMs;
      around.startsMs.add(startMs);
      if (startMs === 0) {
        first = presentOf(entry);
        if (entry.timestampMs < timestampMs) around.previousMs = entry.timestampMs;
      } else if (startMs <= timestampMs) {
        around.right = this.#rightOf(record, entry, around) ?? around.right;
        this.#add(record, startMs, entry);
      }
    }
    // All that the first window holds is later than this record, or another window over it would have been found.
    if (!around.right && first && first.timestampMs > timestampMs)
      around.right = { ...first, value: this.#copy(first.value) };
    this.#makeRight(record, around);
    if (around.previousMs !== null && !around.startsMs.has(around.previousMs + 1))
      this.#add(record, around.previousMs + 1, null);
    this.#add(record, 0, first);
  }

  /** What the record's right window would hold, before the record goes into the window that tells. */
  #rightOf(record: StreamRecord<K, V>, entry: TimelineEntry<A>, { startsMs }: Around<A>): Value<A> | null {
    if (startsMs.has(record.timestampMs + 1) || entry.timestampMs <= record.timestampMs)
      return presentOf(entry);
    return { value: this.#copy(entry.value), timestampMs: entry.timestampMs };
  }

  #makeRightOfPrevious(record: StreamRecord<K, V>, { previousMs, startsMs }: Around<A>): void {
    if (previousMs === null || startsMs.has(previousMs + 1)) return;
    if (previousMs + 1 + this.#windows.differenceMs >= record.timestampMs)
      this.#add(record, previousMs + 1, null);
  }

  #makeLeft(record: StreamRecord<K, V>, { previousMs, left }: Around<A>): void {
    const startMs = record.timestampMs - this.#windows.differenceMs;
    const holdsPrevious = previousMs !== null && left !== null && previousMs >= startMs;
    const value = holdsPrevious ? { value: this.#copy(left.value), timestampMs: record.timestampMs } : null;
    this.#add(record, startMs, value, true);
  }

  #makeRight(record: StreamRecord<K, V>, { right, startsMs }: Around<A>): void {
    const startMs = record.timestampMs + 1;
    if (startsMs.has(startMs) || !right || right.timestampMs <= record.timestampMs) return;
    const { value, timestampMs } = right;
    this.#place.store.put(record.key, startMs, value, timestampMs);
    const endMs = startMs + this.#windows.differenceMs;
    this.#place.output.changed(record, { startMs, endMs, value, timestampMs, isNew: true });
  }

  /** The record goes into a window; `before`: what the window held, or was made of. */
  #add(record: StreamRecord<K, V>, startMs: number, before: Value<A> | null, isMade = before === null): void {
    const { scope, store, output } = this.#place;
    const { key } = record;
    const endMs = startMs + this.#windows.differenceMs;
    if (endMs < this.#openMs()) {
      scope.count(counted.late);
      return;
    }
    const value = this.#rules.add(before ? before.value : this.#rules.initial(key), record);
    const timestampMs = Math.max(record.timestampMs, before ? before.timestampMs : -1);
    if (value === null) store.delete(key, startMs);
    else store.put(key, startMs, value, timestampMs);
    output.changed(record, { startMs, endMs, value, timestampMs, isNew: isMade });
  }

  #copy(value: A): A {
    return copied(value, this.#rules.value);
  }
}

/** As it is now: an entry changes when it is put again. */
function presentOf<A>({ value, timestampMs }: TimelineEntry<A>): Value<A> {
  return { value, timestampMs };
}
