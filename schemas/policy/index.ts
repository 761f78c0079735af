// Canonical form
export { canonicalJson, digest, hashOf, policyDigest } from './canonical.ts';
// Addresses
export { addressRange, type Cidr, contains, parseCidr } from './cidr.ts';
// Documents
export {
  documentOf,
  type PolicyObject,
  parseDocument,
  parsePolicyObject,
  parsePolicyText,
} from './document.ts';
// Evidence
export { GrowingEvidence, joinEvidence, type Sighting } from './evidence.ts';
// Rules
export type {
  Conditions,
  FlatRule,
  Match,
  PeerMatch,
  PortMatch,
  PortProtocol,
  RuleClass,
  SyscallSource,
} from './flat-rule.ts';
export {
  containerNameKey,
  type KubeArmorPolicy,
  type PolicyAction,
  protocolNames,
} from './kubearmor-policy.ts';
export type { LabelSelector, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from './network-policy.ts';
export { ruleIdOf } from './rule-id.ts';
export { flattenRules } from './rules.ts';
// Selectors
export { containersOf, type Labels, type Subject, selects, selectsLabels } from './selector.ts';
