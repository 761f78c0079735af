export type { Access, Actor, DecidingRule, Decision, Judged, Verdict } from './access.ts';
export { decide, PolicySet } from './decide.ts';
export type { KnownService } from './decide-cilium.ts';
export { admits } from './evaluate.ts';
export {
  defaultEmitters,
  type EmitterName,
  emitterNames,
  makePolicy,
  type PolicyContent,
  type PolicyOptions,
  policyDefaults,
} from './make-policy.ts';
export type { PlanSettings } from './plan-policies.ts';
export { type DiscoveryOptions, discoveryDefaults, discoveryTopology } from './topology.ts';
