/** Who was at an address: pod, Service, range, or the pod itself. */

import { addressRange } from '#policy';
import { type Peer, type Transport, withDefaults } from '#schemas';
import type { AddressOwner, EntityIntervals } from './entity-intervals.ts';

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
}

/** The peer that is the pod itself: no network policy is about it. */
export const selfEntity = 'self';
const self: Peer = withDefaults('Peer', { type: 'ENTITY', value: selfEntity });

export function resolvePeer(intervals: EntityIntervals, question: PeerQuestion): PeerOutcome {
  const { cluster, address, atUs, podUid, named } = question;
  if (address === '') return { peer: null };
  if (isOwn(address)) return { peer: self };
  const resolution = intervals.address(cluster, address, atUs);
  if (resolution === 'ambiguous') return { refused: 'peer-ambiguous' };
  if (resolution === 'unknown') return addressPeer(address);
  const owner = resolution.found;
  if (owner.type === 'service') return servicePeer(owner, address, named);
  if (owner.podUid === podUid) return { peer: self };
  const { namespace, workloadKind, workload } = owner;
  const selector = intervals.selector(owner) ?? {};
  return { peer: { type: 'WORKLOAD', namespace, workloadKind, workload, selector, value: '' } };
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
