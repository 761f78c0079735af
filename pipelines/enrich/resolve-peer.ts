/** Who was at an address: pod, Service, range, or the pod itself. */

import { addressRange } from '#policy';
import { type Endpoint, type Peer, type Transport, withDefaults } from '#schemas';
import type { AddressOwner, EntityIntervals } from './entity-intervals.ts';
import { labelledKind } from './labelled-kind.ts';
import { stableLabels } from './stable-labels.ts';

/** The port an outgoing connection names; a Service may stand for another one. */
export interface PortOf {
  readonly transport: Transport;
  readonly port: number;
}

export type PeerOutcome =
  | { readonly peer: Peer | null; readonly port?: number }
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
  const { cluster, address, atUs, named, remote = null } = question;
  if (address !== '' && isOwn(address)) return { peer: self };
  if (address === '') return { peer: remote && toldPeer(remote, address) };
  const resolution = intervals.address(cluster, address, atUs);
  const told = remote && toldPeer(remote, address);
  if (resolution === 'ambiguous') return told ? { peer: told } : { refused: 'peer-ambiguous' };
  if (resolution === 'unknown') return told ? { peer: told } : addressPeer(address);
  const owner = resolution.found;
  // The agent knew the identity when it happened; what it only calls the world may be a Service's address.
  if (told && !agrees(told, owner)) return { peer: told };
  return owner.type === 'service'
    ? servicePeer(owner, address, named)
    : podPeer(intervals, owner, question.podUid);
}

function podPeer(intervals: EntityIntervals, owner: PodOwner, askingUid: string): PeerOutcome {
  if (owner.podUid === askingUid) return { peer: self };
  const { namespace, workloadKind, workload } = owner;
  const selector = intervals.selector(owner) ?? {};
  return { peer: { type: 'WORKLOAD', namespace, workloadKind, workload, selector, value: '' } };
}

type PodOwner = Extract<AddressOwner, { type: 'pod' }>;

/** The same pod's namespace, or nothing that contradicts. */
function agrees(told: Peer, owner: AddressOwner): boolean {
  if (told.type === 'WORKLOAD') return owner.type === 'pod' && owner.namespace === told.namespace;
  return told.type !== 'ENTITY' || told.value === 'world';
}

const entities = new Set([
  ...['host', 'remote-node', 'kube-apiserver', 'health', 'init', 'unmanaged', 'ingress', 'world'],
]);

/** Whom the agent names: pods by their labels, a reserved identity, a DNS name; null when it names nobody. */
function toldPeer({ namespace, labels, entity, dnsNames }: Endpoint, address: string): Peer | null {
  const selector = selectingLabels(labels);
  if (namespace !== '' && Object.keys(selector).length > 0) {
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

/** Labels as Kubernetes has them, sorted, without Cilium's own and without those that differ from pod to pod. */
function selectingLabels(labels: Readonly<Record<string, string>>): Record<string, string> {
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
  return { peer: withDefaults('Peer', { type: 'ADDRESS', value: `${address}/${range.prefix}` }) };
}

type Service = Extract<AddressOwner, { type: 'service' }>;

/** The pods behind a Service, at their own port: that is what a network policy is asked about. */
function servicePeer(service: Service, address: string, named: PortOf | null): PeerOutcome {
  const { namespace, name, selector, ports } = service;
  if (Object.keys(selector).length === 0) return addressPeer(address);
  const peer: Peer = {
    type: 'WORKLOAD',
    namespace,
    workloadKind: 'Service',
    workload: name,
    selector: { ...selector },
    value: '',
  };
  const served = ports.find(({ transport, port }) => transport === named?.transport && port === named.port);
  if (!served || served.targetPort === '') return { peer };
  const port = Number(served.targetPort);
  return Number.isInteger(port) ? { peer, port } : { refused: 'service-port-named' };
}
