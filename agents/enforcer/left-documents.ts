/**
 * Documents of a policy that are Cilium's to enforce.
 *
 * Owns: that nothing is left to Cilium here unless this node rules the same pods in the same directions by a NetworkPolicy of the
 * same policy: what it says is then enforced by two, and not by nobody (I11).
 */

import { SluiceError } from '#errors';
import {
  type AnyPolicyObject,
  type CiliumNetworkPolicy,
  canonicalJson,
  ciliumParts,
  flattenRules,
  type NetworkPolicy,
  parseAnyDocument,
} from '#policy';
import type { PolicyDocument } from '#schemas';

export interface Divided {
  readonly own: readonly PolicyDocument[];
  /** Names of those that are left. */
  readonly left: readonly string[];
}

/** Errors: POLICY_UNENFORCEABLE for a document of Cilium's in whose place nothing is enforced here, POLICY_INVALID. */
export function divide(documents: readonly PolicyDocument[]): Divided {
  const ciliums = documents.filter(({ kind }) => kind === 'CiliumNetworkPolicy');
  if (ciliums.length === 0) return { own: documents, left: [] };
  const ruling = documents
    .filter(({ kind }) => kind === 'NetworkPolicy')
    .map(parseAnyDocument)
    .filter(isNetworkPolicy);
  for (const document of ciliums) {
    const object = parseAnyDocument(document) as CiliumNetworkPolicy;
    const unruled = ciliumParts(object).flatMap(({ spec, rules }) => {
      const closed = rules.filter(({ match }) => match.type === 'default').map(rule => rule.class);
      const pods = { namespace: namespaceOf(object), selector: spec.endpointSelector ?? {} };
      const here = ruling.filter(policy => isAbout(policy, pods)).flatMap(closedBy);
      return closed.filter(direction => !here.includes(direction));
    });
    if (unruled.length > 0)
      throw new SluiceError(
        'POLICY_UNENFORCEABLE',
        `CiliumNetworkPolicy ${document.name} cannot be enforced on this node, and no NetworkPolicy of the policy rules ` +
          `${[...new Set(unruled)].join(' and ')} of the same pods: emit one beside it`,
      );
  }
  return {
    own: documents.filter(({ kind }) => kind !== 'CiliumNetworkPolicy'),
    left: ciliums.map(({ name }) => name),
  };
}

function isNetworkPolicy(object: AnyPolicyObject): object is NetworkPolicy {
  return object.kind === 'NetworkPolicy';
}

function namespaceOf({ metadata }: AnyPolicyObject): string {
  return metadata.namespace ?? 'default';
}

interface Pods {
  readonly namespace: string;
  readonly selector: object;
}

function isAbout(policy: NetworkPolicy, { namespace, selector }: Pods): boolean {
  return (
    namespaceOf(policy) === namespace && canonicalJson(policy.spec.podSelector) === canonicalJson(selector)
  );
}

function closedBy(policy: NetworkPolicy): string[] {
  return flattenRules(policy)
    .filter(({ match }) => match.type === 'default')
    .map(rule => rule.class);
}
