/**
 * Verdicts of Cilium policies.
 *
 * Owns: deny before allow, additive allows, layer 7 as a condition on requests and names, not on the connection that carries
 * them; whom selectors, entities, ranges, names and Services mean.
 * Does not own: which policies select the actor (decide.ts).
 */

import {
  addressRange,
  type CiliumLayer7,
  type CiliumPeer,
  type CiliumPortMatch,
  type CiliumRule,
  contains,
  type LabelSelector,
  parseCidr,
  selectsLabels,
} from '#policy';
import type { Peer } from '#schemas';
import type { Access, NamespaceLabels } from './access.ts';

/** Services that toServices may name, as they are at the moment of the access. */
export interface KnownService {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Of its endpoints that are no pods. */
  readonly addresses: readonly string[];
  readonly selector: Readonly<Record<string, string>>;
}

export type CiliumVerdict =
  | { readonly verdict: 'allow' | 'deny'; readonly rule: CiliumRule }
  | { readonly verdict: 'unspoken' };

/** Of rules that all select the actor. */
export function decideCilium(
  rules: readonly CiliumRule[],
  access: Access,
  services: readonly KnownService[] = [],
): CiliumVerdict {
  const direction = directionOf(access);
  if (!direction || isSelf(access.peer)) return { verdict: 'unspoken' };
  const mine = rules.filter(rule => rule.class === direction);
  const denied = mine.find(rule => rule.action === 'Block' && carries(rule, access, services));
  if (denied) return { verdict: 'deny', rule: denied };
  const allowed = mine.find(
    rule => rule.action === 'Allow' && carries(rule, access, services) && admitsLayer7(rule, access),
  );
  if (allowed) return { verdict: 'allow', rule: allowed };
  const posture = mine.find(({ match }) => match.type === 'default');
  return posture ? { verdict: 'deny', rule: posture } : { verdict: 'unspoken' };
}

function directionOf({ operation, transport }: Access): 'egress' | 'ingress' | undefined {
  if (operation === 'CONNECT' || operation === 'SEND') return 'egress';
  if (operation === 'DNS') return transport === 'OTHER' ? undefined : 'egress';
  return operation === 'ACCEPT' ? 'ingress' : undefined;
}

function isSelf(peer: Peer | null): boolean {
  return peer?.type === 'ENTITY' && peer.value === 'self';
}

/** Whether the rule is about the connection: peer and port. */
function carries({ match }: CiliumRule, access: Access, services: readonly KnownService[]): boolean {
  return (
    match.type === 'cilium' && matchesPort(match.port, access) && matchesPeer(match.peer, access, services)
  );
}

function matchesPort(match: CiliumPortMatch, { transport, port, object, portNames = [] }: Access): boolean {
  switch (match.type) {
    case 'any':
      return true;
    case 'range':
      return match.protocol === transport && match.first <= port && port <= match.last;
    case 'named':
      return match.protocol === transport && portNames.includes(match.name);
    case 'icmp':
      return transport === (match.family === 'IPv4' ? 'ICMP' : 'ICMPV6') && icmpTypeOf(match) === object;
  }
}

const icmpTypes = {
  IPv4: { EchoReply: 0, DestinationUnreachable: 3, Redirect: 5, Echo: 8, EchoRequest: 8, TimeExceeded: 11 },
  IPv6: { DestinationUnreachable: 1, PacketTooBig: 2, TimeExceeded: 3, EchoRequest: 128, EchoReply: 129 },
} as const satisfies Record<string, Readonly<Record<string, number>>>;

function icmpTypeOf({ family, icmpType }: Extract<CiliumPortMatch, { type: 'icmp' }>): string {
  const named: Readonly<Record<string, number>> = icmpTypes[family];
  return String(typeof icmpType === 'number' ? icmpType : (named[icmpType] ?? icmpType));
}

function matchesPeer(match: CiliumPeer, access: Access, services: readonly KnownService[]): boolean {
  const { peer } = access;
  switch (match.type) {
    case 'any':
      return true;
    case 'endpoints':
      return isEndpoint(match, access);
    case 'entity':
      return isEntity(match.entity, access);
    case 'nodes':
      return peer?.type === 'ENTITY' && peer.value === 'remote-node' && isEverything(match.selector);
    case 'cidr':
      return addressesOf(access).some(
        address => isIn(match.cidr, address) && !match.except.some(each => isIn(each, address)),
      );
    case 'fqdn':
      return namesOf(access).some(name => isNamed(match, name));
    case 'service':
      return services.filter(each => isService(match, each)).some(each => isBehind(each, access));
  }
}

function isEverything({ matchLabels = {}, matchExpressions = [] }: LabelSelector): boolean {
  return Object.keys(matchLabels).length === 0 && matchExpressions.length === 0;
}

type EndpointsPeer = Extract<CiliumPeer, { type: 'endpoints' }>;
const podNamespace = 'io.kubernetes.pod.namespace';

/** A wildcard selects pods with a namespace: reserved identities have to be named. */
function isEndpoint({ selector, namespace }: EndpointsPeer, { peer, namespaces }: Access): boolean {
  if (peer?.type === 'ENTITY') {
    const keys = Object.keys(selector.matchLabels ?? {});
    return keys.length > 0 && selectsCilium(selector, entityLabels(peer.value));
  }
  if (peer?.type !== 'WORKLOAD') return false;
  if (namespace !== null && peer.namespace !== namespace) return false;
  return selectsCilium(selector, ciliumLabels(peer.namespace, peer.selector, namespaces));
}

const namespacePrefix = 'io.cilium.k8s.namespace.labels.';

export function ciliumLabels(
  namespace: string,
  labels: Readonly<Record<string, string>>,
  namespaces?: NamespaceLabels,
) {
  const known = Object.entries(namespaces?.get(namespace) ?? {});
  return {
    ...labels,
    ...Object.fromEntries(known.map(([key, value]) => [namespacePrefix + key, value])),
    [`${namespacePrefix}kubernetes.io/metadata.name`]: namespace,
    [podNamespace]: namespace,
  };
}

/** Keys may say where a label is from; `k8s:`, `any:` and none mean the same for pods. */
export function selectsCilium(selector: LabelSelector, labels: Readonly<Record<string, string>>): boolean {
  const plain = (key: string) => key.replace(/^(k8s|any)[:.]/, '').replace(/^reserved\./, 'reserved:');
  return selectsLabels(
    {
      matchLabels: Object.fromEntries(
        Object.entries(selector.matchLabels ?? {}).map(([key, value]) => [plain(key), value]),
      ),
      matchExpressions: (selector.matchExpressions ?? []).map(each => ({ ...each, key: plain(each.key) })),
    },
    labels,
  );
}

/** The API server runs on a node, and is that as well. */
function entityLabels(entity: string): Readonly<Record<string, string>> {
  const isNode = entity === 'kube-apiserver';
  return { [`reserved:${entity}`]: '', ...(isNode && { 'reserved:remote-node': '' }) };
}

const ofCluster = ['host', 'remote-node', 'init', 'ingress', 'unmanaged', 'health', 'kube-apiserver'];

function isEntity(entity: string, access: Access): boolean {
  const { peer } = access;
  if (entity === 'all') return true;
  if (entity === 'none' || !peer) return false;
  if (entity === 'cluster')
    return peer.type === 'WORKLOAD' || (peer.type === 'ENTITY' && ofCluster.includes(peer.value));
  if (peer.type === 'ENTITY') return `reserved:${entity}` in entityLabels(peer.value);
  if (peer.type === 'WORKLOAD') return false;
  if (entity === 'world') return true;
  const family = entity === 'world-ipv4' ? 4 : entity === 'world-ipv6' ? 6 : 0;
  return addressesOf(access).some(address => rangeOf(address)?.family === family);
}

function addressesOf({ peer, addresses = [] }: Access): readonly string[] {
  if (peer?.type === 'ADDRESS') return [peer.value];
  return peer?.type === 'FQDN' ? addresses : [];
}

function namesOf({ peer, names = [] }: Access): readonly string[] {
  if (peer?.type === 'FQDN') return [peer.value, ...names];
  return peer?.type === 'ADDRESS' ? names : [];
}

function rangeOf(text: string) {
  return parseCidr(text) ?? addressRange(text);
}

function isIn(cidr: string, address: string): boolean {
  const [outer, inner] = [rangeOf(cidr), rangeOf(address)];
  return outer !== undefined && inner !== undefined && contains(outer, inner);
}

interface NameMatch {
  readonly name: string | null;
  readonly pattern: string | null;
}

const nameCharacter = '[-a-z0-9_]';

/** A star stands for what a part of a name may hold; two at the start for one or more parts; alone for every name. */
export function isNamed({ name, pattern }: NameMatch, asked: string): boolean {
  const plain = asked.toLowerCase();
  if (pattern === null) return name === plain;
  if (/^\*+$/.test(pattern)) return true;
  const source = pattern.replaceAll(/^\*{2,}\.|\*+|[.+?^${}()|[\]\\]/g, part => {
    if (!part.startsWith('*')) return `\\${part}`;
    return part.endsWith('.') ? `(?:${nameCharacter}+\\.)+` : `${nameCharacter}*`;
  });
  return new RegExp(`^${source}$`).test(plain);
}

type ServicePeer = Extract<CiliumPeer, { type: 'service' }>;

function isService({ name, namespace, selector }: ServicePeer, service: KnownService): boolean {
  if (namespace !== '' && service.namespace !== namespace) return false;
  return selector ? selectsLabels(selector, service.labels) : service.name === name;
}

function isBehind({ namespace, addresses, selector }: KnownService, access: Access): boolean {
  const { peer } = access;
  if (peer?.type === 'WORKLOAD') {
    const selects =
      Object.keys(selector).length > 0 && selectsLabels({ matchLabels: { ...selector } }, peer.selector);
    return peer.namespace === namespace && selects;
  }
  return addressesOf(access).some(each => addresses.some(address => isIn(address, each)));
}

/** The connection itself is carried by a rule with layer 7: only requests and names on it are judged. */
function admitsLayer7({ match }: CiliumRule, access: Access): boolean {
  if (match.type !== 'cilium' || match.layer7 === null) return true;
  const { layer7 } = match;
  if (layer7.type === 'http') return !access.http || isRequest(layer7, access.http);
  return access.operation !== 'DNS' || isNamed(layer7, access.object);
}

type HttpMatch = Extract<CiliumLayer7, { type: 'http' }>;

/** Headers are never seen by us, so a rule that asks for some admits nothing that we judge. */
function isRequest({ method, path, host, headers }: HttpMatch, http: NonNullable<Access['http']>): boolean {
  const matches = (pattern: string | null, text: string) =>
    pattern === null || new RegExp(`^(?:${pattern})$`).test(text);
  return (
    headers.length === 0 &&
    matches(method, http.method) &&
    matches(path, http.path) &&
    matches(host, http.host)
  );
}
