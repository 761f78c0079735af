/**
 * What changes between two sets of policies, and why a rule stands.
 *
 * Owns: the accesses on which two sets are compared: those that a rule of either speaks of (probes.ts), and those that were seen.
 * A change of wording opens and closes nothing.
 *
 * Pure. Exact for rules that name one thing. Directories, patterns, ranges and regular expressions are compared at samples and at
 * what was seen: two that overlap in part may differ in places that were not looked at.
 */

import { type AnyPolicyObject, canonicalJson, flattenAny } from '#policy';
import type { Policy } from '#schemas';
import type { Access, Decision } from './access.ts';
import { accessText } from './access-text.ts';
import { PolicySet } from './decide.ts';
import { compareText } from './order.ts';
import { probesOf } from './probes.ts';

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

export interface Difference {
  readonly change: Change;
  /** In words; where it is a sample, what that stands for. */
  readonly what: string;
  /** Whether it stands for more than itself. */
  readonly isSample: boolean;
}

/** What `after` admits and `before` did not, and the other way round. */
export interface PolicyDiff {
  readonly opens: readonly Difference[];
  readonly closes: readonly Difference[];
  readonly audits: readonly Difference[];
  /** Rules of either that no access can be made of, as `<document> <place>`: what changes by them is not known. */
  readonly unjudged: readonly string[];
}

/** Compares two sets by what their rules speak of, and by `seen`: what the workloads were seen doing. */
export function diffPolicies(
  before: readonly AnyPolicyObject[],
  after: readonly AnyPolicyObject[],
  seen: readonly Access[] = [],
): PolicyDiff {
  const [a, b] = [probesOf(before), probesOf(after)];
  // What a rule names is told by its own name rather than as one of many, and by that rather than as it was seen.
  const probes = [...a.probes, ...b.probes].sort((x, y) => Number(y.isSample) - Number(x.isSample));
  const told = new Map(probes.map(probe => [deedKey(probe.access), probe]));
  const isTold = (access: Access) => told.get(deedKey(access))?.isSample === false;
  // Executables that no rule names are all alike.
  const isNew = (access: Access) => !isTold(access) && !isTold({ ...access, source: '' });
  const observed = seen
    .filter(isNew)
    .map(access => [deedKey(access), { access, what: accessText(access), isSample: false }] as const);
  const all = [...new Map([...told, ...observed]).values()];
  const { opens, closes, audits } = comparePolicies(
    before,
    after,
    all.map(({ access }) => access),
  );
  const aboutOf = new Map(all.map(probe => [probe.access, probe]));
  const differences = (changes: readonly Change[]) => {
    const byText = new Map<string, Difference>();
    for (const change of changes) {
      const { what, isSample } = aboutOf.get(change.access)!;
      byText.set(`${canonicalJson(change.access.actor)} ${what}`, { change, what, isSample });
    }
    return [...byText.values()];
  };
  const unjudged = [...new Set([...a.unjudged, ...b.unjudged])].sort(compareText);
  return { opens: differences(opens), closes: differences(closes), audits: differences(audits), unjudged };
}

/** What is done, and by whom: pods are told by their labels, whatever the workload is called. */
function deedKey({ actor, operation, object, transport, port, peer, http, source = '' }: Access): string {
  const whom = peer && [peer.type, peer.namespace, peer.selector, peer.value];
  const request = http && [http.method, http.path];
  return canonicalJson([actor, operation, object, transport, port, whom, request ?? null, source]);
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

/** Why a rule stands, as text: what it says, what it admits unseen, on how much evidence, and where that is. */
export function explainRule({
  ruleId,
  document,
  summary,
  observed,
  admits,
  unseen,
  evidence,
}: Policy['rules'][number]): string {
  const head = `${ruleId} of ${document}: ${summary}`;
  if (!evidence) return `${head}\nno evidence: it stands for what was never seen`;
  const day = (us: number) => new Date(us / 1000).toISOString();
  const many = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`;
  return [
    head,
    admits === ''
      ? 'admits nothing that was not seen'
      : `admits ${unseen < 0 ? 'things nobody can count' : many(unseen, 'thing')} that were not seen: ${admits}`,
    `${many(observed, 'distinct object')}, ${many(evidence.count, 'event')} on ${many(evidence.days.length, 'day')} by ${many(evidence.replicas.length, 'replica')}`,
    `from ${day(evidence.firstSeen)} to ${day(evidence.lastSeen)}`,
    ...evidence.samples.map(({ topic, partition, offset }) => `for example ${topic}/${partition}@${offset}`),
  ].join('\n');
}
