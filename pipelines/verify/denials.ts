/** Denials of one policy within a window, and when they are a spike. Event time throughout. */

import type { AlertSight } from './alert-sight.ts';
import type { VerifySettings } from './settings.ts';

/** The denials still in the window, each once. */
export type RecentDenials = readonly AlertSight[];

/** With one more; as many are kept as make a spike. */
export function withDenial(
  recent: RecentDenials,
  denial: AlertSight,
  { denials, withinMinutes }: VerifySettings['spike'],
): RecentDenials {
  if (recent.some(({ id }) => id === denial.id)) return recent;
  const sorted = [...recent, denial].sort((a, b) => a.atUs - b.atUs);
  const lastUs = sorted.at(-1)!.atUs;
  return sorted.filter(({ atUs }) => atUs > lastUs - withinMinutes * 60e6).slice(-denials);
}

/** How many events the denials stand for. */
export function eventsOf(recent: RecentDenials): number {
  return recent.reduce((sum, { count }) => sum + count, 0);
}

export interface Spike {
  /** The rule that denied most. */
  readonly ruleId: string;
  readonly events: number;
  readonly firstUs: number;
  readonly lastUs: number;
  readonly summary: string;
}

/** Null when it is none. */
export function spikeOf(recent: RecentDenials, { denials }: VerifySettings['spike']): Spike | null {
  const events = eventsOf(recent);
  if (events < denials) return null;
  const byRule = [...Map.groupBy(recent, ({ ruleId }) => ruleId)]
    .map(([ruleId, each]) => ({ ruleId, events: eventsOf(each), example: each.at(-1)! }))
    .sort((a, b) => b.events - a.events || (a.ruleId < b.ruleId ? -1 : 1));
  const [most] = byRule;
  const nodes = new Set(recent.map(({ sample }) => sample.origin.node)).size;
  const [firstUs, lastUs] = [recent[0]!.atUs, recent.at(-1)!.atUs];
  const many = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`;
  const minutes = ((lastUs - firstUs) / 60e6).toFixed(1);
  const summary = `${events} denials within ${minutes} minutes by ${many(byRule.length, 'rule')} on ${many(nodes, 'node')}; most by ${most!.ruleId}, for example ${most!.example.what}`;
  return { ruleId: most!.ruleId, events, firstUs, lastUs, summary };
}
