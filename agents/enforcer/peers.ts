/**
 * The addresses a peer has now.
 *
 * Owns: pods and Services behind a selector, ranges with exceptions, what a pod may always reach.
 * Does not own: ports and the union of rules (peer-rules.ts).
 *
 * The kernel part judges the address a program names. For a Service that is its own address, before any translation, so
 * a peer that selects pods also admits a Service as far as every pod behind it is selected and the port is the same one.
 */

import { type PeerMatch, selectsLabels } from '#policy';
import type { ServicePort } from '#schemas';
import { type AddressPrefix, contains, parsePrefix } from './address.ts';
import type { EntityTable, KnownPod, KnownService } from './entity-table.ts';
import type { AddressBlock, PortOf } from './peer-rules.ts';

export interface PeersOf {
  readonly direction: 'egress' | 'ingress';
  readonly peer: PeerMatch;
  /** Empty: every transport and port. */
  readonly ports: readonly PortOf[];
}

const everywhere: AddressPrefix = { value: 0n, bits: 0 };
const allOfIpv4 = parsePrefix('0.0.0.0/0');

export function blocksOf({ direction, peer, ports }: PeersOf, entities: EntityTable): AddressBlock[] {
  switch (peer.type) {
    case 'any':
      return [{ prefix: everywhere, except: [] }];
    case 'block':
      return [rangeOf(peer.cidr, peer.except)];
    case 'pods': {
      const selected = (pod: KnownPod) => isSelected(peer, pod, entities);
      const pods = entities.pods().filter(pod => !pod.hostNetwork);
      const own = pods.filter(selected).flatMap(pod => pod.addresses.map(single));
      return direction === 'egress' ? [...own, ...serviceBlocks({ pods, selected, ports }, entities)] : own;
    }
  }
}

/** An IPv6 range that happens to hold IPv4-mapped addresses means IPv6 all the same. */
function rangeOf(cidr: string, except: readonly string[]): AddressBlock {
  const prefix = parsePrefix(cidr);
  const foreign = prefix.bits < allOfIpv4.bits && contains(prefix, allOfIpv4) ? [allOfIpv4] : [];
  return { prefix, except: [...except.map(parsePrefix), ...foreign] };
}

function single(address: string): AddressBlock {
  return { prefix: parsePrefix(address), except: [] };
}

type Pods = Extract<PeerMatch, { type: 'pods' }>;

function isSelected(
  { namespace, namespaceSelector, podSelector }: Pods,
  pod: KnownPod,
  entities: EntityTable,
): boolean {
  const inNamespace = namespaceSelector
    ? selectsLabels(namespaceSelector, entities.namespaceLabels(pod.namespace))
    : pod.namespace === namespace;
  return inNamespace && selectsLabels(podSelector, pod.labels);
}

interface ServicesFor {
  readonly pods: readonly KnownPod[];
  readonly selected: (pod: KnownPod) => boolean;
  readonly ports: readonly PortOf[];
}

function serviceBlocks({ pods, selected, ports }: ServicesFor, entities: EntityTable): AddressBlock[] {
  return entities.services().flatMap(service => {
    if (Object.keys(service.selector).length === 0) return [];
    const backends = pods.filter(pod => isBackend(service, pod));
    if (backends.length === 0 || !backends.every(selected)) return [];
    return service.ports
      .filter(servicePort => admitsPort(ports, servicePort))
      .flatMap(({ transport, port }) =>
        service.addresses
          .filter(address => address !== 'None')
          .map(address => ({ ...single(address), only: { transport: codeOf(transport), port } })),
      );
  });
}

function isBackend({ namespace, selector }: KnownService, pod: KnownPod): boolean {
  return pod.namespace === namespace && selectsLabels({ matchLabels: { ...selector } }, pod.labels);
}

/** Whether the pods' port behind a Service's port is admitted. One that is only named cannot be told here. */
function admitsPort(ports: readonly PortOf[], { transport, port, targetPort }: ServicePort): boolean {
  if (ports.length === 0) return true;
  const target = targetPort === '' ? port : Number(targetPort);
  return ports.some(
    each => each.transport === codeOf(transport) && (each.port === 0 || each.port === target),
  );
}

function codeOf(transport: ServicePort['transport']): number {
  return transport === 'TCP' ? 1 : transport === 'UDP' ? 2 : transport === 'SCTP' ? 3 : 0;
}

/** Within itself a pod is not ruled, and its own node may always reach it (kubelet's probes). */
export function alwaysAdmitted(
  direction: 'egress' | 'ingress',
  {
    podAddresses,
    nodeAddresses,
  }: { readonly podAddresses: readonly string[]; readonly nodeAddresses: readonly string[] },
): AddressBlock[] {
  const own = ['127.0.0.0/8', '::1', ...podAddresses];
  return (direction === 'ingress' ? [...own, ...nodeAddresses] : own).map(single);
}
