export type { Access, Actor, DecidingRule, Decision, Judged, Verdict } from './access.ts';
export { accessText } from './access-text.ts';
export { type Change, type Comparison, comparePolicies, compareRules } from './compare.ts';
export { confidenceOf } from './confidence.ts';
export { booksKeptMs, CountedLoss } from './counted-loss.ts';
export { decide, PolicySet } from './decide.ts';
export type { KnownService } from './decide-cilium.ts';
export { type Difference, diffPolicies, type PolicyDiff } from './diff-policies.ts';
export { admits } from './evaluate.ts';
export { explainRule } from './explain-rule.ts';
export { type FirstPolicyOptions, firstPolicy } from './first-policy.ts';
export { type HttpOptions, httpDefaults } from './generalise-http.ts';
export { HeldProfile, heldProfileSerde, meaningOf } from './held-profile.ts';
export {
  type EmitterName,
  emitterNames,
  emittersOf,
  hubbleEmitterNames,
  knownEmitters,
  makePolicy,
  type PolicyContent,
  type PolicyOptions,
  policyDefaults,
} from './make-policy.ts';
export { type PathOptions, pathDefaults } from './path-options.ts';
export type { PlanSettings } from './plan-policies.ts';
export { type PolicySettings, policyOptionsOf, policySettings } from './policy-settings.ts';
export { actorOf, type SeenAccess, seenAccesses } from './seen-accesses.ts';
export { type DiscoveryOptions, discoveryDefaults, discoveryTopology } from './topology.ts';
