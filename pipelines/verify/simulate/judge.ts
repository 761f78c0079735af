/**
 * What a set of policies, enforced, would have done to what a recording holds.
 *
 * Pure: the same deeds and policies give the same report. A policy is judged as if it were enforced, whatever its stage.
 */

import { type AnyPolicyObject, flattenAny } from '#policy';
import type { Verdict } from '#schemas';
import {
  type Access,
  type Actor,
  accessText,
  type DecidingRule,
  type Decision,
  PolicySet,
} from '../../discovery/index.ts';
import type { RecordedDeeds } from './recorded-deeds.ts';
import type { Deed, Example, Tallied, WorkloadName } from './tally.ts';

/** One access of one container, and how often the recording has it. */
export interface Finding {
  readonly workload: WorkloadName;
  /** Empty: of the pod as a whole. */
  readonly container: string;
  readonly access: Omit<Access, 'actor' | 'namespaces'>;
  /** The access in words. */
  readonly what: string;
  /** What the recording says became of it. */
  readonly recorded: Verdict;
  readonly count: number;
  /** Microseconds since the epoch. */
  readonly firstSeen: number;
  readonly lastSeen: number;
  /** What decided; null: no policy speaks of it. */
  readonly rule: DecidingRule | null;
  /** Whether that is a rule about it, not that no rule admits it. */
  readonly isNamed: boolean;
  /** Whether only the other side of the connection told of it. */
  readonly isConcluded: boolean;
  readonly example: Example;
}

/** Each sorted by workload, then the most frequent first. */
export interface Findings {
  /** Happened in the recording, and would be denied. */
  readonly denied: readonly Finding[];
  /** Happened, and would be audited. */
  readonly audited: readonly Finding[];
  /** Was denied in the recording already, and would be again. */
  readonly stillDenied: readonly Finding[];
  /** Was denied in the recording, and would not be any more. */
  readonly opened: readonly Finding[];
  /** Distinct accesses that were judged. */
  readonly accesses: number;
  /** `kind/namespace/name` of documents that are about nobody in the recording. */
  readonly idle: readonly string[];
  /** `kind/namespace/name: place` of rules with a named port: no recording tells which number that is, so they admit nothing. */
  readonly namedPorts: readonly string[];
}

export function judge(deeds: RecordedDeeds, policies: readonly AnyPolicyObject[]): Findings {
  const candidates = new Candidates(policies, deeds);
  const postures = new Set(policies.flatMap(posturesOf));
  const heard = new Set<string>();
  for (const deed of deeds.tally.deeds()) if (!deed.isConcluded) heard.add(sideOf(deed));
  const found = { denied: [], audited: [], stillDenied: [], opened: [] } as Record<Outcome, Judged[]>;
  let accesses = 0;
  for (const deed of deeds.tally.deeds()) {
    if (deed.isConcluded && heard.has(sideOf(deed))) continue;
    accesses += 1;
    const access = accessOf(deed, deeds);
    const decision = candidates.of(access.actor).decide(access);
    const outcome = outcomeOf(deed.verdict, decision);
    if (outcome) found[outcome].push({ deed, access, decision });
  }
  const findings = (judged: readonly Judged[]) => joined(judged.map(each => findingOf(each, postures)));
  return {
    denied: findings(found.denied),
    audited: findings(found.audited),
    stillDenied: findings(found.stillDenied),
    opened: findings(found.opened),
    ...{ accesses, idle: candidates.idle(), namedPorts: policies.flatMap(namedPortsOf).sort() },
  };
}

type Outcome = 'denied' | 'audited' | 'stillDenied' | 'opened';

interface Judged {
  readonly deed: Tallied;
  readonly access: Access;
  readonly decision: Decision;
}

function outcomeOf(recorded: Verdict, { verdict }: Decision): Outcome | undefined {
  if (recorded === 'DENY') return verdict === 'deny' ? 'stillDenied' : 'opened';
  if (verdict === 'deny') return 'denied';
  return verdict === 'audit' ? 'audited' : undefined;
}

/** Policies, found by whom they are about: there may be tens of thousands of each. */
class Candidates {
  readonly #deeds: RecordedDeeds;
  readonly #byNamespace = new Map<string, readonly AnyPolicyObject[]>();
  readonly #everywhere: readonly AnyPolicyObject[];
  readonly #sets = new Map<string, PolicySet>();
  readonly #mine = new Map<string, PolicySet>();
  readonly #busy = new Set<string>();
  readonly #all: readonly AnyPolicyObject[];

  constructor(policies: readonly AnyPolicyObject[], deeds: RecordedDeeds) {
    this.#all = policies;
    this.#deeds = deeds;
    const isEverywhere = ({ kind }: AnyPolicyObject) =>
      kind === 'KubeArmorHostPolicy' || kind === 'CiliumClusterwideNetworkPolicy';
    this.#everywhere = policies.filter(isEverywhere);
    for (const [namespace, each] of Map.groupBy(
      policies.filter(policy => !isEverywhere(policy)),
      ({ metadata }) => metadata.namespace ?? 'default',
    ))
      this.#byNamespace.set(namespace, each);
  }

  /** Those about the actor. */
  of(actor: Actor): PolicySet {
    const key = JSON.stringify(actor);
    const known = this.#mine.get(key);
    if (known) return known;
    const namespace = 'nodeLabels' in actor ? '' : actor.namespace;
    const mine = this.#setOf(namespace).about(actor, this.#deeds.objects.namespaces);
    for (const policy of mine) this.#busy.add(nameOf(policy));
    const set = new PolicySet(mine, this.#deeds.objects.services);
    this.#mine.set(key, set);
    return set;
  }

  idle(): string[] {
    return this.#all
      .map(nameOf)
      .filter(name => !this.#busy.has(name))
      .sort();
  }

  #setOf(namespace: string): PolicySet {
    const known = this.#sets.get(namespace);
    if (known) return known;
    const set = new PolicySet([...(this.#byNamespace.get(namespace) ?? []), ...this.#everywhere]);
    this.#sets.set(namespace, set);
    return set;
  }
}

function nameOf({ kind, metadata }: AnyPolicyObject): string {
  return `${kind}/${metadata.namespace ?? ''}/${metadata.name}`;
}

function posturesOf(policy: AnyPolicyObject): string[] {
  return flattenAny(policy)
    .filter(({ match }) => match.type === 'default')
    .map(({ ruleId }) => `${nameOf(policy)} ${ruleId}`);
}

function namedPortsOf(policy: AnyPolicyObject): string[] {
  const places = flattenAny(policy)
    .filter(({ match }) => 'port' in match && typeof match.port === 'object' && match.port.type === 'named')
    .map(({ at }) => `${nameOf(policy)}: ${at}`);
  return [...new Set(places)];
}

function accessOf({ actor, observed, address }: Deed, deeds: RecordedDeeds): Access {
  const { namespace, labels, container, workloadKind } = actor;
  const { peer } = observed;
  const names = peer?.type === 'ADDRESS' ? deeds.namesOf(actor, peer.value) : [];
  return {
    ...observed,
    actor: workloadKind === 'Node' ? { nodeLabels: labels } : { namespace, labels, container },
    namespaces: deeds.objects.namespaces,
    ...(names.length > 0 && { names }),
    ...(address !== '' && { addresses: [address] }),
  };
}

/** The same whoever of the two told it. */
function sideOf({ actor, observed, verdict }: Deed): string {
  const { cluster, namespace, workloadKind, workload } = actor;
  const { operation, object, transport, port, peer, http } = observed;
  const other = peer && [peer.namespace, peer.workloadKind, peer.workload];
  const isDenied = verdict === 'DENY';
  return JSON.stringify([
    ...[cluster, namespace, workloadKind, workload, operation, object, transport, port],
    ...[other, http, isDenied],
  ]);
}

function findingOf({ deed, access, decision }: Judged, postures: ReadonlySet<string>): Finding {
  const { cluster, namespace, workloadKind, workload, container } = deed.actor;
  const { actor: _, namespaces: __, ...what } = access;
  const { rule } = decision;
  return {
    workload: { cluster, namespace, workloadKind, workload },
    container,
    access: what,
    what: accessText(access),
    recorded: deed.verdict,
    ...{ count: deed.count, firstSeen: deed.firstUs, lastSeen: deed.lastUs },
    rule,
    isNamed: rule !== null && !postures.has(`${rule.document} ${rule.ruleId}`),
    ...{ isConcluded: deed.isConcluded, example: deed.example },
  };
}

/** Of pods that differ in labels alone, where that does not matter: one. */
function joined(findings: readonly Finding[]): Finding[] {
  const same = Map.groupBy(findings, ({ workload, container, what, recorded, rule, isConcluded }) =>
    JSON.stringify([workload, container, what, recorded, rule, isConcluded]),
  );
  const all = [...same.values()].map(each => {
    const first = each.reduce((a, b) => (b.firstSeen < a.firstSeen ? b : a));
    const count = each.reduce((sum, one) => sum + one.count, 0);
    return { ...first, count, lastSeen: Math.max(...each.map(({ lastSeen }) => lastSeen)) };
  });
  const order = ({ workload }: Finding) =>
    `${workload.cluster}/${workload.namespace}/${workload.workload}/${workload.workloadKind}`;
  return all.sort(
    (a, b) =>
      compare(order(a), order(b)) ||
      b.count - a.count ||
      compare(a.container, b.container) ||
      compare(a.what, b.what),
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
