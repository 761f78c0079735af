/** What policies are worth, as numbers. Every column is defined in docs/benchmarks.md. */

import { type AnyPolicyObject, canonicalJson, flattenAny } from '#policy';
import { type Activity, isPod } from './activity.ts';
import { workloadKey } from './application.ts';
import { Judge } from './judge.ts';
import type { System, Written } from './system.ts';
import type { Element } from './universe.ts';

export interface Figures {
  /** Shares, from 0 to 1, of what is meant. */
  readonly coverage: number;
  readonly distinctCoverage: number;
  readonly falseDenials: number;
  readonly precision: number;
  /** What is admitted to what is meant. */
  readonly overPermission: number;
  readonly attacksBlocked: number;
  /** Workloads that one can reach and is not meant to, on average. */
  readonly unmeantReach: number;
  readonly rules: number;
  readonly bytes: number;
  /** Rules that came and went an hour since the window before; null: there is none. */
  readonly editsPerHour: number | null;
  /** Rules shared with the last window, of those of either. */
  readonly jaccard: number;
  readonly unseenMass: number | null;
}

export interface Questions {
  /** Benign, after the learning. */
  readonly heldOut: readonly Activity[];
  readonly attacks: readonly Activity[];
  readonly universe: readonly Element[];
}

export type Judged = Omit<Figures, 'editsPerHour' | 'jaccard'> & { readonly ruleSet: ReadonlySet<string> };

export function judged({ policies, unseenMass }: Written, { heldOut, attacks, universe }: Questions): Judged {
  const judge = new Judge(policies);
  const ruleSet = rulesOf(policies);
  const byBehaviour = new Map<string, { all: number; admitted: number }>();
  for (const activity of heldOut) {
    const known = byBehaviour.get(activity.behaviour) ?? { all: 0, admitted: 0 };
    known.all += 1;
    known.admitted += Number(judge.admits(activity));
    byBehaviour.set(activity.behaviour, known);
  }
  const classes = [...byBehaviour.values()];
  const coverage = sum(classes.map(({ admitted }) => admitted)) / heldOut.length;
  const admitted = universe.filter(({ activity }) => judge.admits(activity));
  const meant = universe.filter(({ isMeant }) => isMeant).length;
  return {
    coverage,
    distinctCoverage: sum(classes.map(each => each.admitted / each.all)) / classes.length,
    falseDenials: 1 - coverage,
    precision: admitted.length === 0 ? 0 : admitted.filter(({ isMeant }) => isMeant).length / admitted.length,
    overPermission: admitted.length / meant,
    attacksBlocked: attacks.filter(activity => !judge.admits(activity)).length / attacks.length,
    unmeantReach: unmeantReach(universe, admitted),
    rules: ruleSet.size,
    bytes: sum(policies.map(each => JSON.stringify(each).length)),
    unseenMass,
    ruleSet,
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

function unmeantReach(universe: readonly Element[], admitted: readonly Element[]): number {
  const everybody = new Set(
    universe.flatMap(({ activity: { client } }) => (isPod(client) ? [client.uid] : [])),
  );
  const reached = new Set<string>();
  for (const { activity, isMeant } of admitted) {
    const { client, server, question, request } = activity;
    // Questions and requests are made where a connection is meant.
    if (isMeant || question || request || !isPod(client) || !isPod(server)) continue;
    reached.add(`${workloadKey(client.workload)} ${workloadKey(server.workload)}`);
  }
  return reached.size / everybody.size;
}

/** One for each thing that a document admits; what denies the rest is none. Documents' names do not count. */
export function rulesOf(policies: readonly AnyPolicyObject[]): ReadonlySet<string> {
  return new Set(
    policies.flatMap(each => {
      const about =
        'podSelector' in (each.spec ?? {})
          ? (each.spec as { podSelector: unknown }).podSelector
          : selectorOf(each);
      return flattenAny(each)
        .filter(({ match }) => match.type !== 'default')
        .map(({ ruleId }) => `${each.metadata.namespace} ${canonicalJson(about ?? null)} ${ruleId}`);
    }),
  );
}

function selectorOf(policy: AnyPolicyObject): unknown {
  return policy.kind === 'CiliumNetworkPolicy' ? policy.spec?.endpointSelector : null;
}

export function editsBetween(before: ReadonlySet<string>, after: ReadonlySet<string>): number {
  return before.size + after.size - 2 * shared(before, after);
}

export function jaccard(one: ReadonlySet<string>, other: ReadonlySet<string>): number {
  const both = shared(one, other);
  const all = one.size + other.size - both;
  return all === 0 ? 1 : both / all;
}

function shared(one: ReadonlySet<string>, other: ReadonlySet<string>): number {
  return [...one].filter(each => other.has(each)).length;
}

/** Same bytes, whatever order the documents are in. */
export function bytesOf(system: System): string {
  return JSON.stringify(
    system
      .written()
      .policies.map(each => canonicalJson(each))
      .toSorted(),
  );
}
