export type { Access, Actor, DecidingRule, Decision, Judged, Verdict } from './access.ts';
export { type Change, type Comparison, comparePolicies, compareRules, explainRule } from './compare.ts';
export { confidenceOf } from './confidence.ts';
export { decide, PolicySet } from './decide.ts';
export type { KnownService } from './decide-cilium.ts';
export { admits } from './evaluate.ts';
export { type FirstPolicyOptions, firstPolicy } from './first-policy.ts';
export { type HttpOptions, httpDefaults } from './generalise-http.ts';
export {
  type EmitterName,
  emitterNames,
  knownEmitters,
  makePolicy,
  type PolicyContent,
  type PolicyOptions,
  policyDefaults,
} from './make-policy.ts';
export type { PlanSettings } from './plan-policies.ts';
export { type DiscoveryOptions, discoveryDefaults, discoveryTopology } from './topology.ts';
