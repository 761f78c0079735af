/**
 * What windows there are, and when they close. Nothing here knows of records or stores.
 *
 * All kinds say how long a window waits for records that come late (`graceMs`); there is no default, since the wrong one loses
 * records without a word.
 */

import { SluiceError } from '#errors';

/** Windows of one size, each `advanceMs` after the last, from 0 on. A window holds its start and not its end. */
export interface TimeWindows {
  readonly kind: 'time';
  readonly sizeMs: number;
  readonly advanceMs: number;
  readonly graceMs: number;
}

/**
 * Windows that begin and end at records: for each record the one that ends with it and, where it holds any, the one that begins
 * right after it. Both ends are part of a window.
 */
export interface SlidingWindows {
  readonly kind: 'sliding';
  /** Between the first and the last millisecond of a window. */
  readonly differenceMs: number;
  readonly graceMs: number;
}

/** Windows that last while records of a key come no further apart than the gap. From the first record to the last. */
export interface SessionWindows {
  readonly kind: 'session';
  readonly gapMs: number;
  readonly graceMs: number;
}

export type Windows = TimeWindows | SlidingWindows | SessionWindows;

/** Windows side by side. Errors: CONFIG_INVALID. */
export function tumblingWindows({
  sizeMs,
  graceMs,
}: {
  readonly sizeMs: number;
  readonly graceMs: number;
}): TimeWindows {
  return hoppingWindows({ sizeMs, advanceMs: sizeMs, graceMs });
}

/** Windows that overlap: a record is in `sizeMs / advanceMs` of them. Errors: CONFIG_INVALID. */
export function hoppingWindows({
  sizeMs,
  advanceMs,
  graceMs,
}: {
  readonly sizeMs: number;
  readonly advanceMs: number;
  readonly graceMs: number;
}): TimeWindows {
  atLeast(1, { sizeMs, advanceMs });
  atLeast(0, { graceMs });
  if (advanceMs > sizeMs)
    throw invalid(
      `advanceMs (${advanceMs}) is longer than sizeMs (${sizeMs}): records between windows would be lost`,
    );
  return { kind: 'time', sizeMs, advanceMs, graceMs };
}

/** Windows by the difference of the records' times. Errors: CONFIG_INVALID. */
export function slidingWindows({
  differenceMs,
  graceMs,
}: {
  readonly differenceMs: number;
  readonly graceMs: number;
}): SlidingWindows {
  atLeast(0, { differenceMs, graceMs });
  return { kind: 'sliding', differenceMs, graceMs };
}

/** Sessions of a key. Errors: CONFIG_INVALID. */
export function sessionWindows({
  gapMs,
  graceMs,
}: {
  readonly gapMs: number;
  readonly graceMs: number;
}): SessionWindows {
  atLeast(1, { gapMs });
  atLeast(0, { graceMs });
  return { kind: 'session', gapMs, graceMs };
}

/** A window is closed, and takes no record any more, when stream time reaches its end plus this. */
export function closesAfterMs(windows: Windows): number {
  // An end that is part of the window closes one millisecond later than one that is not.
  if (windows.kind === 'time') return windows.graceMs;
  if (windows.kind === 'sliding') return windows.graceMs + 1;
  return windows.gapMs + windows.graceMs + 1;
}

const looksPerRetention = 64;
const longestStepMs = 1_000;

/**
 * How far stream time goes between two looks for closed windows: looking costs as much for many records as for one. Kafka Streams
 * looks once a second by the wall clock; by stream time, what comes of it is the same in every run.
 */
export function lookStepMs(windows: Windows): number {
  return Math.min(longestStepMs, Math.max(1, Math.floor(retentionOf(windows) / looksPerRetention)));
}

/** How long a store must keep what a record may still need. */
export function retentionOf(windows: Windows): number {
  if (windows.kind === 'time') return windows.sizeMs + windows.graceMs;
  // A record looks for the window that ended with the record before it, and that began one difference earlier.
  if (windows.kind === 'sliding') return 2 * windows.differenceMs + windows.graceMs + 2;
  return windows.gapMs + windows.graceMs + 1;
}

function atLeast(least: number, options: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(options))
    if (!Number.isSafeInteger(value) || value < least)
      throw invalid(`${name} is ${value}: give whole milliseconds, at least ${least}`);
}

function invalid(message: string): SluiceError {
  return new SluiceError('CONFIG_INVALID', `windows: ${message}`);
}
