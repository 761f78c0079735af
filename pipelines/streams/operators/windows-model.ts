/** Windows as one would compute them with all the records at hand. Slow, and in another way than the operators do. */

import { closesAfterMs, type SessionWindows, type TimeWindows, type Windows } from '../windows/windows.ts';

export interface ModelRecord {
  readonly key: string;
  readonly value: string;
  readonly timestampMs: number;
}

export interface ModelWindow {
  readonly key: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly value: string;
  readonly timestampMs: number;
}

export interface ModelResult {
  /** By end and key. */
  readonly windows: readonly ModelWindow[];
  readonly streamTimeMs: number;
  readonly late: number;
}

/** What every window holds in the end, closed or not. */
export function modelOf(windows: TimeWindows | SessionWindows, records: readonly ModelRecord[]): ModelResult {
  let streamTimeMs = -1;
  let late = 0;
  const isClosed = (endMs: number) => endMs + closesAfterMs(windows) <= streamTimeMs;
  let all: ModelWindow[] = [];
  for (const record of records) {
    streamTimeMs = Math.max(streamTimeMs, record.timestampMs);
    const spans =
      windows.kind === 'time' ? timesOf(windows, record) : [sessionOf(windows, record, all, isClosed)];
    for (const { startMs, endMs } of spans) {
      if (isClosed(endMs)) {
        late += 1;
        continue;
      }
      const within = all.filter(
        each =>
          each.key === record.key && each.startMs >= startMs && each.endMs <= endMs && !isClosed(each.endMs),
      );
      const value = within.map(each => each.value).join('') + record.value;
      const latestMs = Math.max(record.timestampMs, ...within.map(each => each.timestampMs));
      const timestampMs = windows.kind === 'session' ? endMs : latestMs;
      all = [
        ...all.filter(each => !within.includes(each)),
        { key: record.key, startMs, endMs, value, timestampMs },
      ];
      all.sort((a, b) => a.endMs - b.endMs || (a.key < b.key ? -1 : 1));
    }
  }
  return { windows: all, streamTimeMs, late };
}

export function closedOf(
  windows: Windows,
  { windows: all, streamTimeMs }: ModelResult,
): readonly ModelWindow[] {
  return all.filter(({ endMs }) => endMs + closesAfterMs(windows) <= streamTimeMs);
}

function timesOf({ sizeMs, advanceMs }: TimeWindows, { timestampMs }: ModelRecord) {
  const spans: { readonly startMs: number; readonly endMs: number }[] = [];
  for (let startMs = 0; startMs <= timestampMs; startMs += advanceMs)
    if (timestampMs < startMs + sizeMs) spans.push({ startMs, endMs: startMs + sizeMs });
  return spans;
}

function sessionOf(
  { gapMs }: SessionWindows,
  { key, timestampMs }: ModelRecord,
  all: readonly ModelWindow[],
  isClosed: (endMs: number) => boolean,
) {
  const near = all.filter(
    each =>
      each.key === key &&
      !isClosed(each.endMs) &&
      each.startMs - gapMs <= timestampMs &&
      each.endMs + gapMs >= timestampMs,
  );
  return {
    startMs: Math.min(timestampMs, ...near.map(each => each.startMs)),
    endMs: Math.max(timestampMs, ...near.map(each => each.endMs)),
  };
}

/** The windows of one key that sliding windows consist of, when no record is late: values in the order of their letters. */
export function slidingModelOf(
  differenceMs: number,
  records: readonly ModelRecord[],
): readonly ModelWindow[] {
  const starts = new Set<number>();
  for (const { timestampMs } of records) {
    starts.add(Math.max(0, timestampMs - differenceMs));
    starts.add(timestampMs + 1);
  }
  return [...starts]
    .sort((a, b) => a - b)
    .flatMap(startMs => {
      const endMs = startMs + differenceMs;
      const inside = records.filter(({ timestampMs }) => timestampMs >= startMs && timestampMs <= endMs);
      const [first] = inside;
      if (!first) return [];
      const value = inside
        .map(each => each.value)
        .sort()
        .join('');
      return [
        { key: first.key, startMs, endMs, value, timestampMs: Math.max(...inside.map(r => r.timestampMs)) },
      ];
    });
}
