/** What a human should look at: drift, stale rules, spikes. Pure. */

import { hashOf, joinEvidence } from '#policy';
import type { BehaviourProfile, Evidence, Policy, PolicyFinding } from '#schemas';
import { accessText, type PolicyContent, type SeenAccess } from '../discovery/index.ts';
import type { RecentDenials, Spike } from './denials.ts';

/** A finding and what it is told by: of one content once. */
export interface Found {
  readonly name: string;
  readonly finding: PolicyFinding;
}

type About = Pick<Policy, 'policyId' | 'generation' | 'digest'>;

/** One for each thing the workload does and the policy does not admit. */
export function driftOf(policy: About, denied: readonly SeenAccess[], atUs: number): Found[] {
  const byText = Map.groupBy(denied, ({ access }) => accessText(access));
  return [...byText].map(([text, each]) => {
    const evidence = joinEvidence(each.map(one => one.evidence))!;
    const finding: PolicyFinding = {
      ...{ ...about(policy), type: 'DRIFT', ruleId: '', at: atUs },
      ...{ summary: `not admitted: ${text}`, ...behind(evidence) },
    };
    return { name: `DRIFT ${hashOf(text).slice(0, 16)}`, finding };
  });
}

/**
 * One for each rule that the workload went on without for `staleDays`, by its own events: what is not running has no stale
 * rules. `now`: what discovery makes of the profiles now, which holds the newest evidence of each rule; of a rule that it no longer
 * makes nothing is said.
 */
export function staleRules(
  policy: Policy,
  {
    now,
    profiles,
  }: { readonly now: PolicyContent | undefined; readonly profiles: readonly BehaviourProfile[] },
  { staleDays, atUs }: { readonly staleDays: number; readonly atUs: number },
): Found[] {
  const lastUs = lastActivity(profiles);
  const nameOf = ({ document, ruleId }: { document: string; ruleId: string }) => `${document} ${ruleId}`;
  const fresh = new Map(now?.rules.map(rule => [nameOf(rule), rule.evidence]));
  return policy.rules.flatMap((rule): Found[] => {
    const evidence = fresh.get(nameOf(rule));
    if (!evidence || lastUs - evidence.lastSeen < staleDays * 86_400e6) return [];
    const days = Math.floor((lastUs - evidence.lastSeen) / 86_400e6);
    const finding: PolicyFinding = {
      ...{ ...about(policy), type: 'STALE', ruleId: rule.ruleId, at: atUs },
      ...{ summary: `${rule.summary} (${rule.document}): not seen for ${days} days`, ...behind(evidence) },
    };
    return [{ name: `STALE ${nameOf(rule)}`, finding }];
  });
}

export function spikeFinding(
  policy: About,
  spike: Spike,
  recent: RecentDenials,
  atUs: number,
): PolicyFinding {
  const { ruleId, summary, events, firstUs, lastUs } = spike;
  return {
    ...{ ...about(policy), type: 'DENIAL_SPIKE', ruleId, summary, count: events, at: atUs },
    ...{
      firstSeen: firstUs,
      lastSeen: lastUs,
      samples: recent.slice(-samplesKept).map(({ sample }) => sample),
    },
  };
}

const samplesKept = 3;

/** Event time of the last thing the workload was seen doing; 0 when nothing was. */
export function lastActivity(profiles: readonly BehaviourProfile[]): number {
  let lastUs = 0;
  for (const { behaviours } of profiles)
    for (const { evidence } of behaviours) lastUs = Math.max(lastUs, evidence.lastSeen);
  return lastUs;
}

function about({ policyId, generation, digest }: About): About {
  return { policyId, generation, digest };
}

function behind({ count, firstSeen, lastSeen, samples }: Evidence) {
  return { count, firstSeen, lastSeen, samples };
}
