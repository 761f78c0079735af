/** Two sets of policies, access by access and rule by rule. Pure. */

import { type AnyPolicyObject, canonicalJson, flattenAny } from '#policy';
import type { Access, Decision } from './access.ts';
import { PolicySet } from './decide.ts';

export interface Change {
  readonly access: Access;
  readonly before: Decision;
  readonly after: Decision;
}

export interface Comparison {
  /** Denied before, not after. */
  readonly opens: readonly Change[];
  /** Not denied before, denied after. */
  readonly closes: readonly Change[];
  /** Denied in neither, and audited in one. */
  readonly audits: readonly Change[];
}

/** The accesses that change, of those given (observations, probes), each once, in order. */
export function comparePolicies(
  before: readonly AnyPolicyObject[],
  after: readonly AnyPolicyObject[],
  accesses: readonly Access[],
): Comparison {
  const [old, next] = [byActor(before), byActor(after)];
  const distinct = new Map(accesses.map(access => [canonicalJson(access), access]));
  const changes = [...distinct]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, access]) => ({ access, before: old(access), after: next(access) }));
  const denies = ({ verdict }: Decision) => verdict === 'deny';
  return {
    opens: changes.filter(change => denies(change.before) && !denies(change.after)),
    closes: changes.filter(change => !denies(change.before) && denies(change.after)),
    audits: changes.filter(
      ({ before, after }) => !denies(before) && !denies(after) && before.verdict !== after.verdict,
    ),
  };
}

/** Verdicts by the policies that are about the actor: of thousands of policies few are. */
function byActor(policies: readonly AnyPolicyObject[]): (access: Access) => Decision {
  const all = new PolicySet(policies);
  const sets = new Map<string, PolicySet>();
  return access => {
    const who = canonicalJson([access.actor, access.namespaces ?? null]);
    const set = sets.get(who) ?? new PolicySet(all.about(access.actor, access.namespaces));
    sets.set(who, set);
    return set.decide(access);
  };
}

/** Rules that only one of the sets holds, by document and rule id: what to read first. */
export function compareRules(before: readonly AnyPolicyObject[], after: readonly AnyPolicyObject[]) {
  const rulesOf = (policies: readonly AnyPolicyObject[]) =>
    new Set(
      policies.flatMap(each =>
        flattenAny(each).map(
          rule => `${each.kind}/${each.metadata.namespace ?? ''}/${each.metadata.name} ${rule.ruleId}`,
        ),
      ),
    );
  const [old, next] = [rulesOf(before), rulesOf(after)];
  return {
    added: [...next].filter(each => !old.has(each)).sort(),
    removed: [...old].filter(each => !next.has(each)).sort(),
  };
}
