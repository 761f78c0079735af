/**
 * What changes between two sets of policies.
 *
 * Owns: the accesses on which two sets are compared: those that a rule of either speaks of (probes.ts), and those that were seen.
 * A change of wording opens and closes nothing.
 *
 * Pure. Exact for rules that name one thing. Directories, patterns, ranges and regular expressions are compared at samples and at
 * what was seen: two that overlap in part may differ in places that were not looked at.
 */

import { type AnyPolicyObject, canonicalJson } from '#policy';
import type { Access } from './access.ts';
import { accessText } from './access-text.ts';
import { type Change, comparePolicies } from './compare.ts';
import { compareText } from './order.ts';
import { probesOf } from './probes.ts';

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
