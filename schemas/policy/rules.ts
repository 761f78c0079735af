/**
 * The flat rules of a document: what each of its entries says once everything inherited is resolved.
 *
 * Owns: flattening and the rules' ids.
 * Does not own: which rule wins (the enforcer's compiler, the evaluator).
 *
 * Invariants:
 * R1 Equal rules have equal ids, wherever they stand: the id is over class, action and match, not over severity,
 *    tags, message or place. Two rules of one document with the same id are one rule: the first is kept.
 * R2 A class that has an Allow rule gets a rule `<class>/default` with action Block. System calls never do: KubeArmor
 *    knows no allow-list of them.
 * R3 Nothing is left out: what an implementation cannot enforce is in the list for it to refuse.
 */

import type { AnyPolicyObject, PolicyObject } from './document.ts';
import type { FlatRule } from './flat-rule.ts';
import { type CiliumRule, ciliumParts } from './flatten-cilium.ts';
import { flattenKubeArmor } from './flatten-kubearmor.ts';
import { flattenNetworkPolicy } from './flatten-network-policy.ts';
import type { KubeArmorHostPolicy } from './kubearmor-policy.ts';
import { ruleIdOf } from './rule-id.ts';

/** All rules of a document, the defaults of its allow-listed classes last. Pure; the order is the document's. */
export function flattenRules(document: PolicyObject | KubeArmorHostPolicy): readonly FlatRule[] {
  const unnamed =
    document.kind === 'NetworkPolicy' ? flattenNetworkPolicy(document) : flattenKubeArmor(document);
  const byId = new Map<string, FlatRule>();
  for (const rule of unnamed) {
    const ruleId = ruleIdOf(rule);
    if (!byId.has(ruleId)) byId.set(ruleId, { ruleId, ...rule });
  }
  return [...byId.values()];
}

/** As `flattenRules`, of a document of any kind. */
export function flattenAny(document: AnyPolicyObject): readonly (FlatRule | CiliumRule)[] {
  if (document.kind !== 'CiliumNetworkPolicy' && document.kind !== 'CiliumClusterwideNetworkPolicy')
    return flattenRules(document);
  const rules = ciliumParts(document).flatMap(part => part.rules);
  return [...new Map(rules.toReversed().map(rule => [rule.ruleId, rule])).values()].reverse();
}
