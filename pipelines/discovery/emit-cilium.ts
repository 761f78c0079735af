/**
 * A CiliumNetworkPolicy for the pods of a workload, a CiliumClusterwideNetworkPolicy for a node: peers by labels, name, reserved
 * identity or address; ports, ICMP types, requests and DNS names; both directions.
 */

import type { CiliumPolicy, CiliumSpec } from '#policy';
import { withDefaults } from '#schemas';
import { isNamed } from './decide-cilium.ts';
import { documentName } from './document-name.ts';
import type { EmitOptions, Emitted, Ground } from './emitted.ts';
import type { HttpRule } from './generalise-http.ts';
import { type NameRule, nameOf, type PeerRule, portName } from './network-ir.ts';
import type { WorkloadPolicy } from './policy-ir.ts';

type Direction = 'egress' | 'ingress';

/** None when no network activity was seen. */
export function emitCilium(policy: WorkloadPolicy, options: EmitOptions): Emitted[] {
  const { network, namespace, workloadKind, workload, selector } = policy;
  const { lose } = options;
  if (!network) return [];
  const grounds = new Map<string, Ground>();
  const sayable = (direction: Direction, rules: readonly PeerRule[]) =>
    workloadKind === 'Node' ? rules.flatMap(rule => ofNode(direction, rule, options)) : rules;
  const egress = withDnsServer(withoutCovered(sayable('egress', network.egress)), lose);
  const ingress = withoutCovered(sayable('ingress', network.ingress));
  for (const rule of egress.filter(isNode)) lose(`egress to ${nodeGap(rule)}`);
  for (const rule of ingress.filter(isNode)) lose(`ingress from ${nodeGap(rule)}`);
  const note = (direction: Direction, rules: readonly PeerRule[]) => {
    for (const [i, rule] of rules.entries())
      noteRule(grounds, { direction, at: `spec.${direction}[${i}]`, rule });
  };
  note('egress', egress);
  note('ingress', ingress);
  const labels = { matchLabels: { ...selector } };
  const spec: CiliumSpec = {
    ...(workloadKind === 'Node' ? { nodeSelector: labels } : { endpointSelector: labels }),
    // An entry that names nobody closes the direction; no entry at all would leave it open.
    egress: egress.length > 0 ? egress.map(rule => entryOf('to', rule)) : [{}],
    ingress: ingress.length > 0 ? ingress.map(rule => entryOf('from', rule)) : [{}],
  };
  const name = documentName({ workloadKind, workload });
  const managed = { 'app.kubernetes.io/managed-by': 'sluice' };
  const object: CiliumPolicy =
    workloadKind === 'Node'
      ? {
          ...{ apiVersion: 'cilium.io/v2', kind: 'CiliumClusterwideNetworkPolicy' },
          ...{ metadata: { name, labels: managed }, spec },
        }
      : {
          ...{ apiVersion: 'cilium.io/v2', kind: 'CiliumNetworkPolicy' },
          ...{ metadata: { name, namespace, labels: managed }, spec },
        };
  return [{ object, grounds }];
}

function isNode({ peer }: PeerRule): boolean {
  return peer.type === 'ADDRESS' && peer.workloadKind === 'Node';
}

/** An entity would admit every node of the cluster, which was not seen. */
function nodeGap(rule: PeerRule): string {
  const { workload, value } = rule.peer;
  return `${value}, ${portName(rule)}: that is node ${workload}, and Cilium takes ranges for nodes only with policy-cidr-match-mode=nodes`;
}

/** Cilium refuses requests in policies of nodes. */
function ofNode(direction: Direction, rule: PeerRule, { lose, widen }: EmitOptions): PeerRule[] {
  if (rule.http.length === 0) return [rule];
  const where = `${direction} ${nameOf(rule.peer)}, ${portName(rule)}`;
  lose(
    widen
      ? `${where}: widened: Cilium takes no requests for nodes, so all of them are admitted`
      : `${where}: Cilium takes no requests for nodes; left out`,
  );
  return widen ? [{ ...rule, http: [] }] : [];
}

const dnsPort = 53;

/** Cilium learns names from the answers it sees, so whoever may reach a name must ask somebody it watches. */
function withDnsServer(egress: readonly PeerRule[], lose: (what: string) => void): PeerRule[] {
  const named = egress.filter(({ peer }) => peer.type === 'FQDN');
  if (named.length === 0 || egress.some(({ dns }) => dns.length > 0)) return [...egress];
  // Where it was not seen what was asked for, everything may be: to say so makes Cilium look at it, and admits no more.
  const watched = egress.map(rule =>
    isDnsServer(rule)
      ? { ...rule, dns: [{ name: anyName, observed: 1, admits: everyName, evidence: rule.evidence }] }
      : rule,
  );
  if (egress.some(isDnsServer)) return watched;
  lose('egress to names: the DNS server that answered was not seen; kube-dns in kube-system is assumed');
  const peer = withDefaults('Peer', {
    ...{ type: 'WORKLOAD', namespace: 'kube-system', workloadKind: 'Service', workload: 'kube-dns' },
    selector: { 'k8s-app': 'kube-dns' },
  });
  const names = new Map(
    named.map(({ peer, observed, admits, evidence }) => [
      peer.value,
      { name: peer.value, observed, admits, evidence },
    ]),
  );
  const dns = [...names.values()];
  const assumed = {
    ...{ peer, port: dnsPort, icmpType: null, http: [], addresses: [], dns },
    ...{ observed: 1, admits: '' },
  };
  // An answer that is too long for a datagram is asked for again over TCP.
  const transports = ['UDP', 'TCP'] as const;
  return [
    ...egress,
    ...transports.map(transport => ({ ...assumed, transport, evidence: named[0]!.evidence })),
  ];
}

const anyName = '*';
const everyName = 'every name: which were asked for was not seen';

function isDnsServer({ transport, port, peer }: PeerRule): boolean {
  return transport === 'UDP' && port === dnsPort && peer.type === 'WORKLOAD';
}

/** Where the world may be reached, its addresses and names need no rule of their own, unless they were asked for more. */
function withoutCovered(rules: readonly PeerRule[]): PeerRule[] {
  const spelled = ({ transport, port, icmpType }: PeerRule) => `${transport} ${port} ${icmpType}`;
  const isWorld = ({ peer }: PeerRule) => peer.type === 'ENTITY' && peer.value === 'world';
  const worlds = new Map(rules.filter(isWorld).map(rule => [spelled(rule), rule]));
  const isOutside = ({ peer }: PeerRule) => peer.type === 'ADDRESS' || peer.type === 'FQDN';
  return rules.filter(rule => {
    const world = worlds.get(spelled(rule));
    return !(world && isOutside(rule) && carriesAll(world, rule));
  });
}

/** Whether whatever was asked for by the rule may be asked for of the world. */
function carriesAll(world: PeerRule, { http, dns }: PeerRule): boolean {
  const isRequested = ({ method, path, admits }: HttpRule) => {
    const literal = admits === '' ? path.replaceAll(/\\(.)/g, '$1') : null;
    return world.http.some(
      each =>
        each.method === method &&
        (each.path === path || (literal !== null && new RegExp(`^(?:${each.path})$`).test(literal))),
    );
  };
  const isAskedFor = ({ name }: NameRule) =>
    world.dns.some(each => each.name === name || isNamed({ name: null, pattern: each.name }, name));
  // Of whom connections alone were seen, it is not known that those carry requests.
  const areRequested = world.http.length === 0 || (http.length > 0 && http.every(isRequested));
  const areAskedFor = world.dns.length === 0 || (dns.length > 0 && dns.every(isAskedFor));
  return areRequested && areAskedFor;
}

type Entry = NonNullable<CiliumSpec['egress']>[number];

function entryOf(side: 'to' | 'from', rule: PeerRule): Entry {
  return { ...peerOf(side, rule), ...portOf(rule, side === 'to') } as Entry;
}

function peerOf(side: 'to' | 'from', { peer }: PeerRule) {
  const { type, namespace, selector, value } = peer;
  switch (type) {
    case 'WORKLOAD':
      return {
        [`${side}Endpoints`]: [
          { matchLabels: { ...selector, 'k8s:io.kubernetes.pod.namespace': namespace } },
        ],
      };
    case 'ENTITY':
      return { [`${side}Entities`]: [value] };
    case 'FQDN':
      return { toFQDNs: [nameMatch(value)] };
    case 'ADDRESS':
      return { [`${side}CIDR`]: [value] };
  }
}

function nameMatch(name: string) {
  return name.includes('*') ? { matchPattern: name } : { matchName: name };
}

function portOf(rule: PeerRule, isEgress: boolean) {
  const { transport, port, icmpType, http, dns } = rule;
  if (icmpType !== null) {
    return { icmps: [{ fields: [{ family: transport === 'ICMP' ? 'IPv4' : 'IPv6', type: icmpType }] }] };
  }
  const names = dns.map(({ name }) => nameMatch(name));
  const rules =
    http.length > 0
      ? { rules: { http: http.map(({ method, path }) => ({ method, path })) } }
      : names.length > 0 && isEgress
        ? { rules: { dns: names } }
        : {};
  return { toPorts: [{ ports: [{ port: String(port), protocol: transport }], ...rules }] };
}

interface Noted {
  readonly direction: Direction;
  readonly at: string;
  readonly rule: PeerRule;
}

function noteRule(grounds: Map<string, Ground>, { direction, at, rule }: Noted): void {
  const verb = direction === 'egress' ? 'connects to' : 'accepts';
  const where = `${nameOf(rule.peer)}, ${portName(rule)}`;
  grounds.set(at, ground(`${verb} ${where}`, rule));
  for (const [k, { method, path, admits, observed, evidence }] of rule.http.entries()) {
    const what = `${direction === 'egress' ? 'asks' : 'answers'} ${where}: ${method} ${path}`;
    grounds.set(`${at}.toPorts[0].rules.http[${k}]`, ground(what, { admits, observed, evidence }));
  }
  for (const [k, { name, ...seen }] of rule.dns.entries())
    grounds.set(`${at}.toPorts[0].rules.dns[${k}]`, ground(`asks ${where} for ${name}`, seen));
}

function ground(
  what: string,
  { admits, observed, evidence }: Pick<PeerRule, 'admits' | 'observed' | 'evidence'>,
): Ground {
  return { summary: admits ? `${what}; admits ${admits}` : what, observed, evidence, admits };
}
