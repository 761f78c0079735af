export { admits, type Judged } from './evaluate.ts';
export { type EmitterName, emitterNames, makePolicy, type PolicyContent } from './make-policy.ts';
export type { PlanSettings } from './plan-policies.ts';
export { type DiscoveryOptions, discoveryDefaults, discoveryTopology } from './topology.ts';
