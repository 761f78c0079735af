import type { BehaviourProfile, Policy } from '#schemas';
import { confidenceOf, emittersOf, makePolicy, type PolicyOptions } from '../../pipelines/discovery/index.ts';

/**
 * The policy with what stands behind it by now: evidence grows without a new generation. Rules that would not be made of the
 * profiles any more keep what they had; what was lost is as of the record, since only agents know.
 */
export function withFreshEvidence(
  policy: Policy,
  profiles: readonly BehaviourProfile[],
  options: PolicyOptions,
): Policy {
  const now = profiles.length > 0 ? makePolicy(profiles, emittersOf(policy), options) : undefined;
  if (!now) return policy;
  const nameOf = ({ document, ruleId }: { document: string; ruleId: string }) => `${document} ${ruleId}`;
  const fresh = new Map(now.rules.map(rule => [nameOf(rule), rule]));
  const rules = policy.rules.map(rule => {
    const { observed, unseen, admits, evidence } = fresh.get(nameOf(rule)) ?? rule;
    return { ...rule, observed, unseen, admits, evidence };
  });
  return { ...policy, rules, confidence: confidenceOf(profiles, policy.confidence?.lostEvents ?? 0) };
}
