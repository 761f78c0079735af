/**
 * What a set of policies says of an access: our own reading of KubeArmor's, Cilium's and Kubernetes' semantics.
 *
 * Owns: which documents are about the actor, and that each of the three systems has to let it pass.
 * Does not own: the semantics of each (decide-flat.ts, decide-cilium.ts).
 *
 * Invariants:
 * V1 Pure: the same policies, in whatever order, give the same verdict on the same access.
 * V2 What no policy speaks of is allowed, with no rule named.
 */

import {
  type AnyPolicyObject,
  type CiliumPolicy,
  type CiliumRule,
  type CiliumSpec,
  ciliumParts,
  type FlatRule,
  flattenRules,
  type Subject,
  selects,
  selectsLabels,
} from '#policy';
import {
  type Access,
  type Actor,
  type Decision,
  type NamespaceLabels,
  strictest,
  unspoken,
} from './access.ts';
import { ciliumLabels, decideCilium, type KnownService, selectsCilium } from './decide-cilium.ts';
import { decideFlat } from './decide-flat.ts';
import { judgeable } from './judgeable.ts';

interface Filed {
  readonly document: string;
}

/** Policies, read once for many accesses. Errors: POLICY_INVALID for what cannot be judged. */
export class PolicySet {
  readonly #flat: readonly {
    readonly object: Exclude<AnyPolicyObject, CiliumPolicy>;
    readonly rules: readonly (FlatRule & Filed)[];
  }[];
  readonly #cilium: readonly {
    readonly object: CiliumPolicy;
    readonly spec: CiliumSpec;
    readonly rules: readonly (CiliumRule & Filed)[];
  }[];
  readonly #services: readonly KnownService[];

  constructor(policies: readonly AnyPolicyObject[], services: readonly KnownService[] = []) {
    const sorted = policies.toSorted((a, b) => (fileName(a) < fileName(b) ? -1 : 1));
    this.#services = services;
    this.#flat = sorted
      .filter(object => !isCilium(object))
      .map(object => ({
        object,
        rules: filed(flattenRules(object), object),
      }));
    this.#cilium = sorted.filter(isCilium).flatMap(object =>
      ciliumParts(object).map(({ spec, rules }) => ({
        ...{ object, spec },
        rules: filed(rules, object),
      })),
    );
  }

  /** The policies that are about the actor, by kind and name. */
  about(actor: Actor, namespaces?: NamespaceLabels): AnyPolicyObject[] {
    return [
      ...this.#flat.filter(({ object }) => isFor(object, actor)).map(({ object }) => object),
      ...new Set(
        this.#cilium
          .filter(({ object, spec }) => isOf(object, spec, { actor, namespaces }))
          .map(({ object }) => object),
      ),
    ];
  }

  decide(access: Access): Decision {
    const { actor, namespaces } = access;
    const flat = this.#flat.filter(({ object }) => isFor(object, actor));
    const rulesOf = (isNetwork: boolean) =>
      flat
        .filter(({ object }) => (object.kind === 'NetworkPolicy') === isNetwork)
        .flatMap(({ rules }) => rules);
    const verdicts = [...decideFlat(rulesOf(false), access), ...decideFlat(rulesOf(true), access)];
    const cilium = decideCilium(
      this.#cilium
        .filter(({ object, spec }) => isOf(object, spec, { actor, namespaces }))
        .flatMap(({ rules }) => rules),
      access,
      this.#services,
    );
    const decisions = verdicts.map(({ verdict, rule }) => ({ verdict, rule: named(rule) }));
    if (cilium.verdict === 'unspoken') return strictest(decisions);
    return strictest([
      ...decisions,
      { verdict: cilium.verdict, rule: named(cilium.rule as CiliumRule & Filed) },
    ]);
  }
}

/** One access. For many, make a `PolicySet`. */
export function decide(policies: readonly AnyPolicyObject[], access: Access): Decision {
  return policies.length === 0 ? unspoken : new PolicySet(policies).decide(access);
}

function filed<R extends FlatRule | CiliumRule>(rules: readonly R[], object: AnyPolicyObject): (R & Filed)[] {
  const document = fileName(object);
  return judgeable(rules, document).map(rule => ({ ...rule, document }));
}

function named({ document, ruleId, at }: (FlatRule | CiliumRule) & Filed) {
  return { document, ruleId, at };
}

function fileName({ kind, metadata }: AnyPolicyObject): string {
  return `${kind}/${metadata.namespace ?? ''}/${metadata.name}`;
}

function isCilium(object: AnyPolicyObject): object is CiliumPolicy {
  return object.kind === 'CiliumNetworkPolicy' || object.kind === 'CiliumClusterwideNetworkPolicy';
}

function isNode(actor: Actor): actor is Exclude<Actor, Subject> {
  return 'nodeLabels' in actor;
}

function isFor(object: Exclude<AnyPolicyObject, CiliumPolicy>, actor: Actor): boolean {
  if (object.kind !== 'KubeArmorHostPolicy') return !isNode(actor) && selects(object, actor);
  return isNode(actor) && selectsLabels(object.spec.nodeSelector, actor.nodeLabels);
}

/** A policy of a namespace is about its pods; one of the cluster about pods of all, or about nodes. */
function isOf(
  { kind, metadata }: CiliumPolicy,
  { endpointSelector, nodeSelector }: CiliumSpec,
  { actor, namespaces }: { readonly actor: Actor; readonly namespaces: NamespaceLabels | undefined },
): boolean {
  if (isNode(actor)) return nodeSelector !== undefined && selectsCilium(nodeSelector, actor.nodeLabels);
  if (!endpointSelector) return false;
  const isHere =
    kind === 'CiliumClusterwideNetworkPolicy' || (metadata.namespace ?? 'default') === actor.namespace;
  return isHere && selectsCilium(endpointSelector, ciliumLabels(actor.namespace, actor.labels, namespaces));
}
