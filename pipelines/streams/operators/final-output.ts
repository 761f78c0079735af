/**
 * One record per window, when it is closed.
 *
 * Owns: which windows are closed and not yet emitted. Does not own: that no record changes a closed window (the folds).
 *
 * Invariants:
 * FO1 Whenever a checkpoint is taken, every window that stream time has closed is emitted: after a restart what is closed by the
 *     stream time of the mark was emitted, and what is not was not.
 * FO2 Windows go in the order of their ends, of equal ends by the bytes of their keys, however often is looked for them.
 * FO3 The store keeps a window until it was emitted, however far stream time jumps.
 */

import type { Origin, StreamRecord } from '../record.ts';
import type { Timeline } from '../store/timeline.ts';
import { type RetentionClock, retentionClockOf, type Session } from '../store/window-store.ts';
import type { TaskScope } from '../task/scope.ts';
import type { Windowed } from '../windows/windowed.ts';
import { closesAfterMs, lookStepMs, type Windows } from '../windows/windows.ts';
import { afterRecord } from './after-record.ts';
import type { WindowOutput, WindowOutputOptions } from './window-fold.ts';

export class FinalOutput<K, A> implements WindowOutput<K, A> {
  readonly #windows: Windows;
  readonly #scope: TaskScope;
  readonly #store: Timeline<K, A>;
  readonly #emit: (record: StreamRecord<Windowed<K>, A | null>) => void;
  readonly #clock: RetentionClock;
  /** From the time of an entry in the store until its window is closed. */
  readonly #openForMs: number;
  /** Stream time of the next look. */
  #nextMs: number;
  /** Entries up to this time were emitted. */
  #doneMs: number;
  #origin: Origin;

  constructor({ windows, scope, store, emit, spec }: WindowOutputOptions<K, A>) {
    this.#windows = windows;
    this.#scope = scope;
    this.#store = store;
    this.#emit = emit;
    this.#openForMs = closesAfterMs(windows) + lengthOf(windows);
    this.#clock = retentionClockOf(store);
    this.#clock.heldMs = scope.streamTimeMs;
    this.#doneMs = scope.streamTimeMs - this.#openForMs;
    this.#origin = { topic: spec.name, partition: scope.partition, offset: -1 };
    this.#nextMs = this.#nextAfter(scope.streamTimeMs);
  }

  changed(): void {}

  done({ origin }: StreamRecord<K, unknown>): void {
    this.#origin = origin;
    if (this.#scope.streamTimeMs >= this.#nextMs) afterRecord(this.#scope, () => this.#look());
  }

  settle(): void {
    this.#look();
  }

  #look(): void {
    const nowMs = this.#scope.streamTimeMs;
    const toMs = nowMs - this.#openForMs;
    const fromMs = Math.max(0, this.#doneMs + 1);
    if (toMs >= fromMs) {
      for (const each of this.#closed(fromMs, toMs)) this.#emit(each);
      this.#doneMs = toMs;
    }
    this.#clock.heldMs = nowMs;
    this.#nextMs = this.#nextAfter(nowMs);
  }

  #closed(fromMs: number, toMs: number): readonly StreamRecord<Windowed<K>, A>[] {
    const closed: StreamRecord<Windowed<K>, A>[] = [];
    for (const [key, { timeMs, value, timestampMs }] of this.#store.all({ fromMs, toMs })) {
      // A checkpoint with results has a change as well, so that it has a mark, which says that they were emitted.
      if (closed.length === 0) this.#store.put(key, timeMs, value, timestampMs);
      closed.push(this.#recordOf(key, timeMs, value, timestampMs));
    }
    return closed;
  }

  #recordOf(key: K, timeMs: number, value: A, timestampMs: number): StreamRecord<Windowed<K>, A> {
    // Not those of the record that happened to close it.
    const rest = { timestampMs, headers: {}, origin: this.#origin };
    if (this.#windows.kind !== 'session')
      return { key: { key, startMs: timeMs, endMs: timeMs + lengthOf(this.#windows) }, value, ...rest };
    const session = value as Session<A>;
    return { key: { key, startMs: session.startMs, endMs: timeMs }, value: session.value, ...rest };
  }

  /** When a window may be closed that was not at `nowMs`. */
  #nextAfter(nowMs: number): number {
    const windows = this.#windows;
    const stepMs = lookStepMs(windows);
    if (windows.kind !== 'time' || windows.advanceMs < stepMs) return nowMs + stepMs;
    const lastMs = Math.floor((nowMs - this.#openForMs) / windows.advanceMs) * windows.advanceMs;
    return Math.max(0, lastMs + windows.advanceMs) + this.#openForMs;
  }
}

/** From the time of a window's entry to its end. */
function lengthOf(windows: Windows): number {
  if (windows.kind === 'time') return windows.sizeMs;
  return windows.kind === 'sliding' ? windows.differenceMs : 0;
}
