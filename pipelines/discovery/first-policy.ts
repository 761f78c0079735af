import { type BehaviourProfile, type Policy, policyIdOf, type Stage } from '#schemas';
import { confidenceOf } from './confidence.ts';
import { type EmitterName, makePolicy, type PolicyOptions } from './make-policy.ts';

export interface FirstPolicyOptions {
  readonly emit: readonly EmitterName[];
  readonly stage: Stage;
  readonly policy: PolicyOptions;
  /** Counted as lost before they could be learned. Absent: none. */
  readonly lostEvents?: number;
}

/** The policy of a workload of which there was none before. Undefined: `makePolicy` has nothing to say. */
export function firstPolicy(
  profiles: readonly BehaviourProfile[],
  { emit, stage, policy, lostEvents = 0 }: FirstPolicyOptions,
): Policy | undefined {
  const content = makePolicy(profiles, emit, policy);
  if (!content) return undefined;
  const policyId = policyIdOf(content.target);
  const confidence = confidenceOf(profiles, lostEvents);
  return { policyId, generation: 1, prevDigest: '', stage, signature: null, ...content, confidence };
}
