/** Who was at an address: pod, Service, range, or the pod itself. */

import { labelledKind, stableLabels } from '#kubernetes';
import { addressRange, plainAddress } from '#policy';
import { type Endpoint, type Peer, type ServicePort, withDefaults } from '#schemas';
import type { AddressOwner, EntityIntervals } from './entity-intervals.ts';
import { type PortOf, type ServiceOwner, servedPort } from './service-intervals.ts';
import { fits } from './workload-selectors.ts';

export type { PortOf } from './service-intervals.ts';

/** Several peers: the endpoints of a Service without selector, of which each may be the one. null: nobody is told. */
export type PeerOutcome =
  | { readonly peers: readonly (Peer | null)[]; readonly port?: number }
  /** Why it cannot be told yet who it was. */
  | { readonly unknown: string }
  /** Why it cannot be told who it was. */
  | { readonly refused: string };

export interface PeerQuestion {
  readonly cluster: string;
  readonly address: string;
  readonly atUs: number;
  /** The asking pod; empty when not known. */
  readonly podUid: string;
  /** null: of an incoming connection. */
  readonly named: PortOf | null;
  /** What the agent told of the other side; null or absent: its address only. */
  readonly remote?: Endpoint | null;
}

/** The peer that is the pod itself: no network policy is about it. */
export const selfEntity = 'self';
const self: Peer = withDefaults('Peer', { type: 'ENTITY', value: selfEntity });

export function resolvePeer(intervals: EntityIntervals, question: PeerQuestion): PeerOutcome {
  const { cluster, atUs, named, remote = null } = question;
  const address = plainAddress(question.address);
  if (address !== '' && isOwn(address)) return { peers: [self] };
  const told = remote && toldPeer(intervals, remote, { cluster, address });
  if (address === '') return { peers: [told] };
  const resolution = intervals.address({ cluster, address, atUs, named });
  if (resolution === 'ambiguous') return told ? { peers: [told] } : { refused: 'peer-ambiguous' };
  if (resolution === 'unknown') {
    if (told) return { peers: [told] };
    return intervals.isPodAddress(cluster, address) ? { unknown: 'peer-pod-unknown' } : addressPeer(address);
  }
  const owner = resolution.found;
  // The agent knew the identity when it happened; what it only calls the world may be a Service's address.
  if (told && !agrees(told, owner, intervals)) return { peers: [told] };
  switch (owner.type) {
    case 'pod':
      return { peers: [podPeer(intervals, owner, question.podUid)] };
    case 'service':
      return servicePeer(intervals, owner, question);
    case 'node':
      return nodePeer(intervals, owner, question);
  }
}

function podPeer(intervals: EntityIntervals, owner: PodOwner, askingUid: string): Peer {
  if (owner.podUid === askingUid) return self;
  const { namespace, workloadKind, workload } = owner;
  const selector = intervals.selector(owner) ?? {};
  return { type: 'WORKLOAD', namespace, workloadKind, workload, selector, value: '' };
}

type PodOwner = Extract<AddressOwner, { type: 'pod' }>;

/** A pod of the workload that was told, or with the labels that were; or nothing that contradicts. */
function agrees(told: Peer, owner: AddressOwner, intervals: EntityIntervals): boolean {
  if (told.type !== 'WORKLOAD') return told.type !== 'ENTITY' || told.value === 'world';
  if (owner.type !== 'pod' || owner.namespace !== told.namespace) return false;
  if (told.workloadKind !== labelledKind)
    return owner.workloadKind === told.workloadKind && owner.workload === told.workload;
  return fits(intervals.selector(owner) ?? {}, told.selector);
}

const entities = new Set([
  ...['host', 'remote-node', 'kube-apiserver', 'health', 'init', 'unmanaged', 'ingress', 'world'],
]);

/**
 * Whom the agent names: pods by the workload that selects them, else by their labels; a reserved identity, a DNS name; null
 * when it names nobody.
 */
function toldPeer(
  intervals: EntityIntervals,
  { namespace, labels, entity, dnsNames }: Endpoint,
  { cluster, address }: Pick<PeerQuestion, 'cluster' | 'address'>,
): Peer | null {
  const selector = selectingLabels(labels);
  if (namespace !== '' && Object.keys(selector).length > 0) {
    const known = intervals.selecting(cluster, namespace, selector);
    if (known) {
      const { workloadKind, workload } = known;
      const own = { ...intervals.selector(known) };
      return { type: 'WORKLOAD', namespace, workloadKind, workload, selector: own, value: '' };
    }
    const workload = Object.entries(selector)
      .map(([key, value]) => `${key}=${value}`)
      .join(',');
    return { type: 'WORKLOAD', namespace, workloadKind: labelledKind, workload, selector, value: '' };
  }
  const [name] = dnsNames.map(each => each.toLowerCase().replace(/\.$/, '')).sort();
  if (name && (entity === '' || entity === 'world'))
    return withDefaults('Peer', { type: 'FQDN', value: name });
  if (!entities.has(entity) || (entity === 'world' && address !== '')) return null;
  return withDefaults('Peer', { type: 'ENTITY', value: entity });
}

type Labels = Readonly<Record<string, string>>;

/** By the object that was told: readers of flows give the same one for the same labels. */
const selecting = new WeakMap<Labels, Record<string, string>>();

function selectingLabels(labels: Labels): Record<string, string> {
  const before = selecting.get(labels);
  if (before) return before;
  const found = selectingOf(labels);
  selecting.set(labels, found);
  return found;
}

/** Labels as Kubernetes has them, sorted, without Cilium's own and without those that differ from pod to pod. */
function selectingOf(labels: Labels): Record<string, string> {
  const plain = Object.entries(labels)
    .filter(([key]) => !/^(reserved|cidr|fqdn):/.test(key))
    .map(([key, value]) => [key.replace(/^(k8s|any):/, ''), value] as const)
    .filter(([key]) => !/^io\.(kubernetes\.pod\.namespace|cilium\.)/.test(key))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return stableLabels(Object.fromEntries(plain));
}

/** Connecting to the unspecified address reaches the loopback. */
function isOwn(address: string): boolean {
  return address.startsWith('127.') || address === '::1' || address === '0.0.0.0' || address === '::';
}

function addressPeer(address: string): PeerOutcome {
  const range = addressRange(address);
  if (!range) return { refused: 'peer-address-unreadable' };
  return { peers: [withDefaults('Peer', { type: 'ADDRESS', value: `${address}/${range.prefix}` })] };
}

/** The pods behind a Service, at their own port: that is what a network policy is asked about. */
function servicePeer(intervals: EntityIntervals, service: ServiceOwner, question: PeerQuestion): PeerOutcome {
  const { named, atUs } = question;
  const { namespace, name, selector } = service;
  const backends = intervals.backends(service, atUs);
  const served = servedPort(service, named);
  const port = backendPort(served, backends.portsByName);
  if (port === 'named') return { refused: 'service-port-named' };
  const onPort = port === undefined ? {} : { port };
  if (Object.keys(selector).length === 0)
    return endpointPeers(intervals, { ...question, addresses: backends.addresses }, onPort);
  const peer: Peer = {
    ...{ type: 'WORKLOAD', namespace, workloadKind: 'Service', workload: name },
    selector: { ...selector },
    value: '',
  };
  return { peers: [peer], ...onPort };
}

/** The number of a port that is told by its name, where one number is known; undefined: the port that was named. */
function backendPort(
  served: ServicePort | undefined,
  portsByName: ReadonlyMap<string, readonly number[]>,
): number | 'named' | undefined {
  if (!served || served.targetPort === '') return undefined;
  const number = Number(served.targetPort);
  if (Number.isInteger(number)) return number;
  const [only, ...more] = portsByName.get(served.name) ?? [];
  return only === undefined || more.length > 0 ? 'named' : only;
}

/** Who stands behind a Service without selector; where that is not told, its own address. */
function endpointPeers(
  intervals: EntityIntervals,
  { cluster, address, addresses, atUs, podUid }: PeerQuestion & { readonly addresses: readonly string[] },
  onPort: { readonly port?: number },
): PeerOutcome {
  if (addresses.length === 0) return addressPeer(plainAddress(address));
  const outcomes = addresses.map(each => {
    const resolution = intervals.address({ cluster, address: each, atUs });
    const isPod = typeof resolution !== 'string' && resolution.found.type === 'pod';
    return isPod ? { peers: [podPeer(intervals, resolution.found as PodOwner, podUid)] } : addressPeer(each);
  });
  const refused = outcomes.find(outcome => 'refused' in outcome);
  return refused ?? { peers: outcomes.flatMap(each => ('peers' in each ? each.peers : [])), ...onPort };
}

type NodeOwner = Extract<AddressOwner, { type: 'node' }>;

/** A node port leads to a Service; else it is what uses the node's own network, which has no labels: its address. */
function nodePeer(intervals: EntityIntervals, { name }: NodeOwner, question: PeerQuestion): PeerOutcome {
  const { cluster, named, atUs } = question;
  const service = named ? intervals.behindNodePort(cluster, named, atUs) : undefined;
  const served = service?.ports.find(
    ({ transport, nodePort }) => transport === named?.transport && nodePort === named.port,
  );
  if (service && served) {
    const onService = { transport: served.transport, port: served.port };
    return servicePeer(intervals, service, { ...question, named: onService });
  }
  const outcome = addressPeer(plainAddress(question.address));
  if (!('peers' in outcome)) return outcome;
  return { peers: outcome.peers.map(peer => ({ ...peer!, workloadKind: 'Node', workload: name })) };
}
