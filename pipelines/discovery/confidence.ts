/**
 * How far what was learned of a workload can be trusted to be all of it.
 *
 * Owns: the estimate of what was not seen (Good and Turing: the share of events that are the only one of their kind, of kinds that a
 * policy tells apart), lowered by counted loss.
 */

import type { BehaviourProfile, PolicyConfidence } from '#schemas';
import { evidenceOfKinds } from './behaviour-kinds.ts';

/** `lostEvents`: counted as lost on the way here, of this workload's node or source. Errors: RangeError when negative. */
export function confidenceOf(profiles: readonly BehaviourProfile[], lostEvents = 0): PolicyConfidence {
  if (!(lostEvents >= 0)) throw new RangeError(`${lostEvents} events cannot be lost`);
  const evidences = profiles.flatMap(({ behaviours }) => behaviours.map(({ evidence }) => evidence));
  // What differs in identifiers is new each time, and admitted nevertheless.
  const kinds = profiles.flatMap(({ behaviours }) => evidenceOfKinds(behaviours));
  const events = kinds.reduce((sum, { count }) => sum + count, 0);
  const singletons = kinds.filter(({ count }) => count === 1).length;
  const unseenMass = events === 0 ? 1 : singletons / events;
  const kept = events === 0 ? 0 : events / (events + lostEvents);
  return {
    behaviours: evidences.length,
    events,
    lostEvents,
    unseenMass,
    replicas: new Set(evidences.flatMap(({ replicas }) => replicas)).size,
    days: new Set(evidences.flatMap(({ days }) => days)).size,
    confidence: (1 - unseenMass) * kept,
  };
}
