/**
 * How far what was learned of a workload can be trusted to be all of it.
 *
 * Owns: the estimate of what was not seen (Good and Turing: the share of events that are the only one of their behaviour),
 * lowered by counted loss.
 */

import type { BehaviourProfile } from '#schemas';

export interface Confidence {
  /** Distinct behaviours, and events behind them. */
  readonly behaviours: number;
  readonly events: number;
  /** Estimated probability that the next event shows a behaviour that was not seen; 1 when nothing was seen. */
  readonly unseenMass: number;
  readonly replicas: number;
  readonly days: number;
  /** From 0 to 1: (1 - unseen mass) x the share of events that was not lost. */
  readonly confidence: number;
}

/** `lostEvents`: counted as lost on the way here, of this workload's node or source. Errors: RangeError when negative. */
export function confidenceOf(profiles: readonly BehaviourProfile[], lostEvents = 0): Confidence {
  if (!(lostEvents >= 0)) throw new RangeError(`${lostEvents} events cannot be lost`);
  const evidences = profiles.flatMap(({ behaviours }) => behaviours.map(({ evidence }) => evidence));
  const events = evidences.reduce((sum, { count }) => sum + count, 0);
  const singletons = evidences.filter(({ count }) => count === 1).length;
  const unseenMass = events === 0 ? 1 : singletons / events;
  const kept = events === 0 ? 0 : events / (events + lostEvents);
  return {
    behaviours: evidences.length,
    events,
    unseenMass,
    replicas: new Set(evidences.flatMap(({ replicas }) => replicas)).size,
    days: new Set(evidences.flatMap(({ days }) => days)).size,
    confidence: (1 - unseenMass) * kept,
  };
}
