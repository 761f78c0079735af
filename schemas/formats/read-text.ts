/** For tests: everything a reader makes of a text. */

import { type FormatName, formatReader } from './detect-format.ts';
import type { Outcome } from './outcome.ts';

export function readText(format: FormatName, text: string | Buffer): Outcome[] {
  const reader = formatReader(format, { cluster: 'c', input: 'in' });
  return [...reader.push(Buffer.from(text as string)), ...reader.end()];
}

export function eventsOf(outcomes: readonly Outcome[]) {
  return outcomes.flatMap(outcome => ('events' in outcome ? outcome.events : []));
}
