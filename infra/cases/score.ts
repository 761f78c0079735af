/**
 * How policies do on a case.
 *
 * Invariants:
 * S1 What was seen is admitted.
 * S2 What was not seen is denied, unless the expected policies name a rule that admits it.
 */

import type { AnyPolicyObject } from '#policy';
import { type Access, type KnownService, PolicySet } from '../../pipelines/discovery/index.ts';
import { otherSourcePath, probesOf } from './probes.ts';
import type { PodLabels } from './seen.ts';

export interface Score {
  readonly seen: number;
  /** What was seen and is denied. */
  readonly denied: readonly Access[];
  readonly probes: number;
  /** What was neither seen nor expected and is admitted. */
  readonly admitted: readonly Access[];
  /** Of those, what another executable does that the seen one did. */
  readonly bySource: readonly Access[];
  /** Rules of the expectation, of which some admit what was seen. */
  readonly expectedRules: number;
  readonly coveredRules: number;
  /** Rules of the expectation that nothing seen is behind. */
  readonly unfounded: readonly string[];
  /** What the expectation admits that was not seen, and is denied here. */
  readonly narrower: number;
}

export interface Scored {
  readonly policies: readonly AnyPolicyObject[];
  readonly expected: readonly AnyPolicyObject[];
  readonly seen: readonly Access[];
  readonly pods: readonly PodLabels[];
  /** That policies may name. */
  readonly services: readonly KnownService[];
}

export function score({ policies, expected, seen, pods, services }: Scored): Score {
  const ours = new PolicySet(policies, services);
  const theirs = new PolicySet(expected, services);
  const admits = (set: PolicySet, access: Access) => {
    const { verdict, rule } = set.decide(access);
    return verdict === 'allow' && rule !== null;
  };
  const passes = (access: Access) => ours.decide(access).verdict === 'allow';
  const probes = probesOf(seen, pods);
  const expectedToo = probes.filter(probe => admits(theirs, probe));
  const wrong = probes.filter(probe => passes(probe) && !admits(theirs, probe));
  const isBySource = ({ source }: Access) => source === otherSourcePath;
  const rules = expected.flatMap(document => rulesBehind(document, { seen, services }));
  return {
    seen: seen.length,
    denied: seen.filter(access => !passes(access)),
    probes: probes.length,
    admitted: wrong.filter(access => !isBySource(access)),
    bySource: wrong.filter(isBySource),
    expectedRules: rules.length,
    coveredRules: rules.filter(({ founded }) => founded.length > 0 && founded.every(passes)).length,
    unfounded: rules.filter(({ founded }) => founded.length === 0).map(({ name }) => name),
    narrower: expectedToo.filter(probe => !passes(probe)).length,
  };
}

interface RuleBehind {
  readonly name: string;
  /** What was seen and it admits. */
  readonly founded: readonly Access[];
}

/** Each of a document's entries alone, with what was seen that it admits. */
function rulesBehind(
  document: AnyPolicyObject,
  { seen, services }: Pick<Scored, 'seen' | 'services'>,
): RuleBehind[] {
  return entriesOf(document).map(({ place, alone }) => {
    const set = new PolicySet([alone], services);
    const founded = seen.filter(access => {
      const { verdict, rule } = set.decide(access);
      return verdict === 'allow' && rule !== null;
    });
    return { name: `${document.metadata.name} ${place}`, founded };
  });
}

interface Entry {
  readonly place: string;
  readonly alone: AnyPolicyObject;
}

const lists = ['egress', 'ingress', 'matchPaths', 'matchDirectories'];

/** The document once for each entry of its lists of rules, with that one only. */
function entriesOf(document: AnyPolicyObject): Entry[] {
  const spec = (document as { spec: Record<string, unknown> }).spec;
  return Object.entries(spec).flatMap(([name, value]) => {
    const inner = value as Record<string, unknown>;
    const [found, wrap] = lists.includes(name)
      ? [[[name, value]] as const, (list: string, one: unknown) => ({ [list]: [one] })]
      : [
          Object.entries(inner ?? {}).filter(([list]) => lists.includes(list)),
          (list: string, one: unknown) => ({ [name]: { [list]: [one] } }),
        ];
    return found.flatMap(([list, entries]) =>
      (entries as unknown[]).map((one, index) => {
        const bare = Object.fromEntries(
          Object.entries(spec).filter(([key]) => !['egress', 'ingress', 'file', 'process'].includes(key)),
        );
        const alone = { ...document, spec: { ...bare, ...wrap(list, one) } } as AnyPolicyObject;
        return { place: `${list}[${index}]`, alone };
      }),
    );
  });
}
