/** The rules of a NetworkPolicy: one for each pair of a peer and a port. */

import type { PeerMatch, PortMatch, UnnamedRule } from './flat-rule.ts';
import type { NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from './network-policy.ts';

/** A policy that names no types is about ingress, and about egress when it has egress rules: as Kubernetes has it. */
export function flattenNetworkPolicy({ metadata, spec }: NetworkPolicy): UnnamedRule[] {
  const namespace = metadata.namespace ?? 'default';
  const types = spec.policyTypes ?? ['Ingress', ...(spec.egress?.length ? (['Egress'] as const) : [])];
  const rules: UnnamedRule[] = [];
  if (types.includes('Ingress')) {
    for (const [i, { from, ports }] of (spec.ingress ?? []).entries()) {
      rules.push(...pairs('ingress', `spec.ingress[${i}]`, peersOf(from, namespace), portsOf(ports)));
    }
  }
  if (types.includes('Egress')) {
    for (const [i, { to, ports }] of (spec.egress ?? []).entries()) {
      rules.push(...pairs('egress', `spec.egress[${i}]`, peersOf(to, namespace), portsOf(ports)));
    }
  }
  const postures = (['Ingress', 'Egress'] as const)
    .filter(type => types.includes(type))
    .map(type => ({
      class: type === 'Ingress' ? ('ingress' as const) : ('egress' as const),
      action: 'Block' as const,
      match: { type: 'default' as const },
      at: 'spec.policyTypes',
      ...untold,
    }));
  return [...rules, ...postures];
}

const untold = { severity: 1, tags: [], message: '' };

function* pairs(
  direction: 'ingress' | 'egress',
  at: string,
  peers: readonly PeerMatch[],
  ports: readonly PortMatch[],
): Iterable<UnnamedRule> {
  for (const peer of peers) {
    for (const port of ports) {
      yield { class: direction, action: 'Allow', match: { type: 'traffic', peer, port }, at, ...untold };
    }
  }
}

function peersOf(peers: readonly NetworkPolicyPeer[] | undefined, namespace: string): PeerMatch[] {
  if (!peers?.length) return [{ type: 'any' }];
  return peers.map(({ ipBlock, podSelector, namespaceSelector }) => {
    if (ipBlock) return { type: 'block', cidr: ipBlock.cidr, except: [...(ipBlock.except ?? [])].sort() };
    return {
      type: 'pods',
      namespace: namespaceSelector ? null : namespace,
      namespaceSelector: namespaceSelector ?? null,
      podSelector: podSelector ?? {},
    };
  });
}

function portsOf(ports: readonly NetworkPolicyPort[] | undefined): PortMatch[] {
  if (!ports?.length) return [{ type: 'any' }];
  return ports.map(({ protocol = 'TCP', port, endPort }) => {
    if (port === undefined) return { type: 'protocol', protocol };
    if (typeof port === 'string') return { type: 'named', protocol, name: port };
    return { type: 'range', protocol, first: port, last: endPort ?? port };
  });
}
