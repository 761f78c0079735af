/** Whom a document is for. */

import type { PolicyObject } from './document.ts';
import { containerNameKey, type KubeArmorPolicy } from './kubearmor-policy.ts';
import type { LabelSelector } from './network-policy.ts';

export type Labels = Readonly<Record<string, string>>;

export interface Subject {
  readonly namespace: string;
  /** The pod's. */
  readonly labels: Labels;
  /** Name of the container in the pod. */
  readonly container: string;
}

/**
 * True when the document applies to the container. A NetworkPolicy applies to all containers of a pod. An absent
 * namespace means `default`. All expressions of a KubeArmorPolicy must hold, where KubeArmor's own agent lets one that
 * holds make up for another.
 */
export function selects(document: PolicyObject, { namespace, labels, container }: Subject): boolean {
  if ((document.metadata.namespace ?? 'default') !== namespace) return false;
  if (document.kind === 'NetworkPolicy') return selectsLabels(document.spec.podSelector, labels);
  const named = containersOf(document);
  if (named !== null && !named.includes(container)) return false;
  const { matchLabels = {}, matchExpressions = [] } = document.spec.selector ?? {};
  const wanted = Object.entries(matchLabels).filter(([key]) => key !== containerNameKey);
  return (
    wanted.every(([key, value]) => valueAt(labels, key) === value) &&
    matchExpressions.every(({ operator, values }) => (operator === 'In') === values.some(isLabel(labels)))
  );
}

function isLabel(labels: Labels) {
  return (text: string) => {
    const at = text.indexOf('=');
    return valueAt(labels, text.slice(0, at)) === text.slice(at + 1);
  };
}

/** The containers a KubeArmorPolicy names in its selector; null: all of the pod. */
export function containersOf({ spec }: KubeArmorPolicy): readonly string[] | null {
  const list = spec.selector?.matchLabels?.[containerNameKey];
  if (list === undefined) return null;
  return list
    .slice(1, -1)
    .split(',')
    .map(name => name.trim());
}

/** Kubernetes' own semantics: everything must hold, and an empty selector selects all. */
export function selectsLabels(selector: LabelSelector, labels: Labels): boolean {
  const { matchLabels = {}, matchExpressions = [] } = selector;
  return (
    Object.entries(matchLabels).every(([key, value]) => valueAt(labels, key) === value) &&
    matchExpressions.every(requirement => holds(requirement, labels))
  );
}

type Requirement = NonNullable<LabelSelector['matchExpressions']>[number];

function holds({ key, operator, values = [] }: Requirement, labels: Labels): boolean {
  const value = valueAt(labels, key);
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
  }
}

function valueAt(labels: Labels, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}
