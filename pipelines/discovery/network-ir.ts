/**
 * Whom a workload talks to, before it has a form.
 *
 * Owns: from network and DNS behaviours to one rule for each peer and port, with what was asked for on it.
 * Does not own: what a kind of document can say (the emitters report what it cannot).
 *
 * Invariants:
 * W1 Connections to an address, of which one came after it was answered for a name, are connections to that name: a recording
 *    that begins between an answer and its use shows the next answer only. It does not matter in which order both were
 *    learned; only when they happened.
 * W2 A connection on which requests were seen is no rule of its own: the requests are.
 */

import { canonicalJson, joinEvidence } from '#policy';
import type { Behaviour, BehaviourProfile, Evidence, Peer, Transport } from '#schemas';
import { withDefaults } from '#schemas';
import { generaliseHttp, type HttpOptions, type HttpRule, type Request } from './generalise-http.ts';
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
  /** Names that were asked for; empty: it was not seen which, or it is no DNS server. */
  readonly dns: readonly NameRule[];
  /** Addresses at which a peer that is told by its name was reached; ranges of one. */
  readonly addresses: readonly string[];
  readonly evidence: Evidence;
}

export interface NameRule {
  readonly name: string;
  readonly evidence: Evidence;
}

interface Options {
  readonly losses: Set<string>;
  readonly http: HttpOptions;
}

/** null when no network activity was seen at all. */
export function networkRules(
  profiles: readonly BehaviourProfile[],
  { losses, http }: Options,
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
  return {
    egress: peerRules(named.filter(isEgress), { http, lose: what => lose(`egress ${what}`) }),
    ingress: peerRules(
      behaviours
        .filter(({ operation }) => operation === 'ACCEPT')
        .map(behaviour => ({ behaviour, addresses: [] })),
      { http, lose: what => lose(`ingress ${what}`) },
    ),
  };
}

function isNetwork(behaviour: Behaviour): boolean {
  return isTraffic(behaviour) || opensSocket(behaviour) || behaviour.operation === 'DNS';
}

interface Named {
  readonly behaviour: Behaviour;
  readonly addresses: readonly string[];
}

function isEgress({ behaviour: { operation, transport } }: Named): boolean {
  return operation === 'CONNECT' || operation === 'SEND' || (operation === 'DNS' && transport !== 'OTHER');
}

/** W1. Of several names the one that was answered first. */
function nameConnections(behaviours: readonly Behaviour[]): Named[] {
  const answers = behaviours.filter(
    ({ operation, transport }) => operation === 'DNS' && transport === 'OTHER',
  );
  const byAddress = Map.groupBy(answers, ({ peer }) => peer?.value ?? '');
  return behaviours.map(behaviour => {
    const { operation, peer, evidence } = behaviour;
    const isConnection = operation === 'CONNECT' || operation === 'SEND';
    if (!isConnection || peer?.type !== 'ADDRESS') return { behaviour, addresses: [] };
    const [answer] = (byAddress.get(peer.value) ?? [])
      .filter(answer => answer.evidence.firstSeen <= evidence.lastSeen)
      .sort((a, b) => a.evidence.firstSeen - b.evidence.firstSeen || compareText(a.object, b.object));
    const name = answer?.object;
    if (name === undefined) return { behaviour, addresses: [] };
    const fqdn = withDefaults('Peer', { type: 'FQDN', value: name });
    return { behaviour: { ...behaviour, peer: fqdn }, addresses: [peer.value] };
  });
}

interface PeerOptions {
  readonly http: HttpOptions;
  readonly lose: (what: string) => void;
}

function peerRules(named: readonly Named[], { http, lose }: PeerOptions): PeerRule[] {
  const groups = new Map<string, Named[]>();
  for (const each of named) {
    const { peer, transport, port, object, operation } = each.behaviour;
    if (isSelf(peer)) continue;
    const why = inexpressible(each.behaviour);
    if (why) {
      lose(`${peer ? nameOf(peer) : 'an unknown peer'}, ${transport} port ${port}: ${why}`);
      continue;
    }
    const icmp = operation === 'DNS' ? '' : object;
    const key = `${sayable(peer!)}\n${transport}\n${port}\n${icmp}`;
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  return [...groups].sort(([a], [b]) => compareText(a, b)).map(([, group]) => ruleOf(group, http));
}

function ruleOf(group: readonly Named[], http: HttpOptions): PeerRule {
  const behaviours = group.map(({ behaviour }) => behaviour);
  const { transport, port, object, operation } = behaviours[0]!;
  const [peer] = behaviours.map(each => each.peer!).sort((a, b) => compareText(nameOf(a), nameOf(b)));
  const requests = behaviours.flatMap((each): Request[] =>
    each.http ? [{ method: each.http.method, path: each.http.path, evidence: each.evidence }] : [],
  );
  const asked = behaviours.filter(each => each.operation === 'DNS');
  const names = [...Map.groupBy(asked, each => each.object)].sort(([a], [b]) => compareText(a, b));
  const isIcmp = transport === 'ICMP' || transport === 'ICMPV6';
  return {
    ...{ peer: peer!, transport, port },
    icmpType: isIcmp && operation !== 'DNS' && object !== '' ? Number(object) : null,
    http: generaliseHttp(requests, http),
    dns: names.map(([name, each]) => ({ name, evidence: joinEvidence(each.map(one => one.evidence))! })),
    addresses: [...new Set(group.flatMap(({ addresses }) => addresses))].sort(compareText),
    evidence: joinEvidence(behaviours.map(({ evidence }) => evidence))!,
  };
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
