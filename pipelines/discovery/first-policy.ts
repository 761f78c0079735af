import { type BehaviourProfile, type Policy, policyIdOf, type Stage } from '#schemas';
import { type EmitterName, makePolicy, type PolicyOptions } from './make-policy.ts';

export interface FirstPolicyOptions {
  readonly emit: readonly EmitterName[];
  readonly stage: Stage;
  readonly policy: PolicyOptions;
}

/** The policy of a workload of which there was none before. Undefined: `makePolicy` has nothing to say. */
export function firstPolicy(
  profiles: readonly BehaviourProfile[],
  { emit, stage, policy }: FirstPolicyOptions,
): Policy | undefined {
  const content = makePolicy(profiles, emit, policy);
  if (!content) return undefined;
  const policyId = policyIdOf(content.target);
  return { policyId, generation: 1, prevDigest: '', stage, signature: null, ...content };
}
