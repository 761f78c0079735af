/**
 * The health record: the books in public, and the point from which a successor goes on.
 *
 * Owns: how a statement of the books is written into AgentHealth.counters and read back.
 */

import { type AgentHealth, withDefaults } from '#schemas';
import type { Statement } from './books.ts';

/** Up to where everything is settled, and since when anything beyond it can have happened. */
export interface Settled {
  readonly sequence: number;
  readonly openSinceMs: number;
  readonly dropped: Readonly<Record<string, number>>;
}

export interface HealthOf {
  readonly agent: string;
  readonly cluster: string;
  readonly node: string;
  readonly version: string;
  readonly bootId: string;
  readonly atMs: number;
  readonly openSinceMs: number;
  readonly statement: Statement;
  readonly counters: Readonly<Record<string, number>>;
}

const settledSequence = 'settled.sequence';
const settledSince = 'settled.open-since-ms';
const settledDropped = 'settled.dropped.';

export function healthRecord({ statement, counters, openSinceMs, atMs, ...who }: HealthOf): AgentHealth {
  const { emitted, delivered, spooled, dropped, settled } = statement;
  const droppedBefore = Object.entries(settled.dropped).map(([reason, n]) => [settledDropped + reason, n]);
  return withDefaults('AgentHealth', {
    ...who,
    at: atMs * 1000,
    emitted,
    delivered,
    spooled,
    dropped,
    counters: {
      ...counters,
      ...Object.fromEntries(droppedBefore),
      [settledSequence]: settled.sequence,
      [settledSince]: openSinceMs,
    },
  });
}

/** What `healthRecord` wrote; undefined for a record without it. */
export function settledOf({ counters }: AgentHealth): Settled | undefined {
  const sequence = counters[settledSequence];
  const openSinceMs = counters[settledSince];
  if (sequence === undefined || openSinceMs === undefined) return undefined;
  const dropped = Object.entries(counters)
    .filter(([name]) => name.startsWith(settledDropped))
    .map(([name, n]) => [name.slice(settledDropped.length), n]);
  return { sequence, openSinceMs, dropped: Object.fromEntries(dropped) };
}
