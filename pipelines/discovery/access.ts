/** What is judged: one thing that a container, or a node, does; and the verdict on it. */

import type { Subject } from '#policy';
import type { Behaviour } from '#schemas';

export type Judged = Pick<Behaviour, 'operation' | 'object' | 'transport' | 'port' | 'peer'> &
  Partial<Pick<Behaviour, 'http' | 'source'>>;

/** Whose it is. A node has `nodeLabels`, and no pod's labels or namespace. */
export type Actor = Subject | { readonly nodeLabels: Readonly<Record<string, string>> };

export type NamespaceLabels = ReadonlyMap<string, Readonly<Record<string, string>>>;

export interface Access extends Judged {
  readonly actor: Actor;
  /** Whether the acting process owns the object; absent: not known, which counts as not. */
  readonly isOwner?: boolean;
  /** DNS names under which the peer's address was answered before. */
  readonly names?: readonly string[];
  /** Addresses of a peer that is told by its name. */
  readonly addresses?: readonly string[];
  /** Labels of namespaces, by name, beside the name that all are labelled with. Absent: none is known. */
  readonly namespaces?: NamespaceLabels;
  /** Names of the server's port in its pod. */
  readonly portNames?: readonly string[];
}

export type Verdict = 'allow' | 'audit' | 'deny';

/** `rule` is the one that decided; null: no policy speaks of it. */
export interface Decision {
  readonly verdict: Verdict;
  readonly rule: DecidingRule | null;
}

export interface DecidingRule {
  /** `<kind>/<namespace>/<name>`; empty when rules were judged without their document. */
  readonly document: string;
  readonly ruleId: string;
  readonly at: string;
}

const strictness = { allow: 0, audit: 1, deny: 2 } as const;

/** The strictest; of equals the first that names a rule. */
export function strictest(decisions: readonly Decision[]): Decision {
  return decisions.reduce<Decision>((worst, each) => {
    const difference = strictness[each.verdict] - strictness[worst.verdict];
    return difference > 0 || (difference === 0 && worst.rule === null) ? each : worst;
  }, unspoken);
}

/** What no policy speaks of is allowed. */
export const unspoken: Decision = { verdict: 'allow', rule: null };
