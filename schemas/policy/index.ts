// Canonical form
export { canonicalJson, digest, hashOf, policyDigest } from './canonical.ts';
// Addresses
export { addressRange, type Cidr, contains, parseCidr, plainAddress } from './cidr.ts';
export type {
  CiliumClusterwideNetworkPolicy,
  CiliumNetworkPolicy,
  CiliumPolicy,
  CiliumSpec,
} from './cilium-policy.ts';
// Documents
export {
  type AnyPolicyObject,
  documentOf,
  type PolicyObject,
  parseAnyDocument,
  parseAnyPolicy,
  parseAnyPolicyText,
  parseDocument,
  parsePolicyObject,
  parsePolicyText,
} from './document.ts';
// Evidence
export { GrowingEvidence, joinEvidence } from './evidence.ts';
export { EvidenceRows, type Sighting } from './evidence-rows.ts';
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
  type CiliumLayer7,
  type CiliumMatch,
  type CiliumPart,
  type CiliumPeer,
  type CiliumPortMatch,
  type CiliumRule,
  ciliumParts,
} from './flatten-cilium.ts';
export {
  containerNameKey,
  type KubeArmorHostPolicy,
  type KubeArmorPolicy,
  kubeArmorHostPolicy,
  kubeArmorPolicy,
  type PolicyAction,
  protocolNames,
} from './kubearmor-policy.ts';
export type { LabelSelector, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from './network-policy.ts';
// Versions
export { PackedPolicy, packedPolicySerde } from './packed-policy.ts';
// Requests
export {
  anyWord,
  identifierKind,
  isSensitiveRequest,
  kindOfMany,
  manyOf,
  type PartKind,
} from './request-parts.ts';
export { ruleIdOf } from './rule-id.ts';
export { flattenAny, flattenRules } from './rules.ts';
// Selectors
export { containersOf, type Labels, type Subject, selects, selectsLabels } from './selector.ts';
// Paths
export {
  anyName,
  mustNotBeWritten,
  type PlaceKind,
  parentOf,
  placeOf,
  SensitivePaths,
} from './sensitive-paths.ts';
export { Shelf } from './shelf.ts';
export {
  nextVersion,
  StandingPolicies,
  type Succession,
  successionOf,
  type VersionChange,
} from './succession.ts';
