/**
 * Whom a workload talks to, before it has a form.
 *
 * Owns: from network and DNS behaviours to one rule for each peer and port, with what was asked for on it.
 * Does not own: which connections are to names (name-connections.ts), what a kind of document can say (the emitters report what it cannot).
 *
 * Invariants:
 * W2 A connection on which requests were seen is no rule of its own: the requests are.
 */

import { canonicalJson, joinEvidence } from '#policy';
import type { Behaviour, BehaviourProfile, Evidence, Peer, Transport } from '#schemas';
import { generaliseHttp, type HttpOptions, type HttpRule, type Request } from './generalise-http.ts';
import { generaliseNames, type NameOptions, type NamePattern } from './generalise-names.ts';
import { type Named, nameConnections } from './name-connections.ts';
import { compareText } from './order.ts';
import { isTraffic, opensSocket } from './traffic-behaviours.ts';

export interface NetworkRules {
  readonly egress: readonly PeerRule[];
  readonly ingress: readonly PeerRule[];
}

export interface PeerRule {
  readonly peer: Peer;
  readonly transport: Transport;
  readonly port: number;
  /** Of ICMP; null: any other transport, or not told. */
  readonly icmpType: number | null;
  /** Empty: connections alone were seen. */
  readonly http: readonly HttpRule[];
  /** Distinct peers seen that it admits. */
  readonly observed: number;
  /** Peers that it admits and that were not seen; empty when those are none. */
  readonly admits: string;
  /** Names that were asked for; empty: it was not seen which, or it is no DNS server. */
  readonly dns: readonly NameRule[];
  /** Addresses at which a peer that is told by its name was reached; ranges of one. */
  readonly addresses: readonly string[];
  readonly evidence: Evidence;
}

export interface NameRule {
  /** With stars, where it stands for several. */
  readonly name: string;
  readonly observed: number;
  readonly admits: string;
  readonly evidence: Evidence;
}

interface Options {
  readonly losses: Set<string>;
  readonly http: HttpOptions;
  readonly names: NameOptions;
}

/** null when no network activity was seen at all. */
export function networkRules(
  profiles: readonly BehaviourProfile[],
  { losses, http, names }: Options,
): NetworkRules | null {
  const all = profiles.flatMap(each => each.behaviours);
  const behaviours = all.filter(isNetwork);
  if (behaviours.length === 0) {
    losses.add('no network activity was seen: the network is not restricted');
    return null;
  }
  const lose = (what: string) => losses.add(what);
  for (const { operation, transport, port } of behaviours) {
    const takesDatagrams = operation === 'BIND' && transport === 'UDP' && port !== 0;
    if (takesDatagrams) lose(`ingress on UDP port ${port}: who sends datagrams is not seen`);
  }
  const named = nameConnections(all);
  const rules = {
    egress: peerRules(named.filter(isEgress), { http, names, lose: what => lose(`egress ${what}`) }),
    ingress: peerRules(
      behaviours
        .filter(({ operation }) => operation === 'ACCEPT')
        .map(behaviour => ({ behaviour, addresses: [] })),
      { http, names, lose: what => lose(`ingress ${what}`) },
    ),
  };
  for (const direction of ['egress', 'ingress'] as const)
    if (rules[direction].length === 0) lose(`no ${direction} is in a rule: all of it is denied`);
  return rules;
}

function isNetwork(behaviour: Behaviour): boolean {
  return isTraffic(behaviour) || opensSocket(behaviour) || behaviour.operation === 'DNS';
}

function isEgress({ behaviour: { operation, transport } }: Named): boolean {
  return operation === 'CONNECT' || operation === 'SEND' || (operation === 'DNS' && transport !== 'OTHER');
}

interface PeerOptions {
  readonly http: HttpOptions;
  readonly names: NameOptions;
  readonly lose: (what: string) => void;
}

function peerRules(named: readonly Named[], { http, names, lose }: PeerOptions): PeerRule[] {
  const groups = new Map<string, Named[]>();
  const patterns = patternsOf(named, names);
  for (const each of named) {
    const { peer, transport, port, object, operation } = each.behaviour;
    if (isSelf(peer)) continue;
    const why = inexpressible(each.behaviour);
    if (why) {
      lose(`${peer ? nameOf(peer) : 'an unknown peer'}, ${transport} port ${port}: ${why}`);
      continue;
    }
    const icmp = operation === 'DNS' ? '' : object;
    const pattern = patterns.get(portKey(each))?.get(peer!.value)?.pattern;
    const who = pattern ?? sayable(peer!);
    const key = `${who}\n${transport}\n${port}\n${icmp}`;
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  return [...groups].sort(([a], [b]) => compareText(a, b)).map(([, group]) => ruleOf(group, { http, names }));
}

function portKey({ behaviour: { transport, port } }: Named): string {
  return `${transport} ${port}`;
}

/** Of the names that were reached, each port for itself. */
function patternsOf(named: readonly Named[], options: NameOptions) {
  const reached = named.filter(({ behaviour: { peer } }) => peer?.type === 'FQDN');
  const byPort = [...Map.groupBy(reached, portKey)].map(([port, each]) => {
    const names = each.map(({ behaviour }) => behaviour.peer!.value);
    return [port, generaliseNames(names, options)] as const;
  });
  return new Map(byPort);
}

function ruleOf(group: readonly Named[], { http, names }: Omit<PeerOptions, 'lose'>): PeerRule {
  const behaviours = group.map(({ behaviour }) => behaviour);
  const { transport, port, object, operation } = behaviours[0]!;
  const [peer] = behaviours.map(each => each.peer!).sort((a, b) => compareText(nameOf(a), nameOf(b)));
  const requests = behaviours.flatMap((each): Request[] =>
    each.http ? [{ method: each.http.method, path: each.http.path, evidence: each.evidence }] : [],
  );
  const asked = behaviours.filter(each => each.operation === 'DNS');
  const reached = namePatternOf(behaviours, names);
  const isIcmp = transport === 'ICMP' || transport === 'ICMPV6';
  return {
    ...{ peer: reached ? { ...peer!, value: reached.pattern } : peer!, transport, port },
    icmpType: isIcmp && operation !== 'DNS' && object !== '' ? Number(object) : null,
    http: generaliseHttp(requests, http),
    ...(reached
      ? { observed: reached.names.length, admits: reached.admits }
      : { observed: 1, admits: admitsOf(peer!) }),
    dns: nameRules(asked, names),
    addresses: [...new Set(group.flatMap(({ addresses }) => addresses))].sort(compareText),
    evidence: joinEvidence(behaviours.map(({ evidence }) => evidence))!,
  };
}

/** null: the peer is not told by its name. */
function namePatternOf(behaviours: readonly Behaviour[], options: NameOptions): NamePattern | null {
  const names = behaviours.flatMap(({ peer }) => (peer?.type === 'FQDN' ? [peer.value] : []));
  const [pattern = null] = generaliseNames(names, options).values();
  return pattern;
}

function admitsOf({ type, value }: Peer): string {
  return type === 'ENTITY' && value === 'world' ? 'every address outside of the cluster' : '';
}

function nameRules(asked: readonly Behaviour[], options: NameOptions): NameRule[] {
  const patterns = generaliseNames(
    asked.map(({ object }) => object),
    options,
  );
  const groups = Map.groupBy(asked, ({ object }) => patterns.get(object)!);
  return [...groups]
    .map(([{ pattern, names, admits }, each]) => ({
      ...{ name: pattern, observed: names.length, admits },
      evidence: joinEvidence(each.map(({ evidence }) => evidence))!,
    }))
    .sort((a, b) => compareText(a.name, b.name));
}

/** What a document can say of a peer: the pods of a Service and those of its Deployment may be the same. */
function sayable({ type, namespace, selector, value }: Peer): string {
  if (type !== 'WORKLOAD') return type === 'ADDRESS' ? value : `${type}\n${value}`;
  return `${namespace}\n${canonicalJson(selector)}`;
}

/** Within itself a pod is not ruled. */
function isSelf(peer: Peer | null): boolean {
  return peer?.type === 'ENTITY' && peer.value === 'self';
}

/** Why no document can name it; empty when one may. */
function inexpressible({ peer, transport, port, object }: Behaviour): string {
  if (!peer) return 'whom it was with is not known';
  if (peer.type === 'WORKLOAD' && Object.keys(peer.selector).length === 0) return 'nothing selects its pods';
  if (transport === 'ICMP' || transport === 'ICMPV6')
    return object === '' ? 'its ICMP type is not known' : '';
  if (!['TCP', 'UDP', 'SCTP'].includes(transport)) return `a NetworkPolicy cannot name ${transport}`;
  return port === 0 ? 'a NetworkPolicy cannot name port 0' : '';
}

export function nameOf({ type, namespace, workloadKind, workload, value }: Peer): string {
  return type === 'WORKLOAD' ? `${workloadKind} ${namespace}/${workload}` : value;
}

export function portName({ transport, port, icmpType }: PeerRule): string {
  return icmpType === null ? `${transport} port ${port}` : `${transport} type ${icmpType}`;
}
