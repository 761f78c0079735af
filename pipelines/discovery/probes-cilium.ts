/** Accesses that Cilium's rules speak of: peers, ports, ICMP types, requests, DNS names. */

import type { CiliumLayer7, CiliumPeer, CiliumPortMatch, CiliumRule } from '#policy';
import { withDefaults } from '#schemas';
import { closedDirection, type Deed, type DeedProbe, labelsOf, unnamed } from './probe.ts';
import {
  addressSamples,
  anybody,
  type PeerSample,
  type PortSample,
  pairs,
  podSample,
  portSamples,
} from './probes-network.ts';

/** Empty when nothing can be made of it: a Service, of which the pods are not known here; a regular expression of another kind. */
export function ciliumProbes({ class: direction, match }: CiliumRule): DeedProbe[] {
  if (match.type === 'default') return closedDirection(direction);
  const operation = direction === 'egress' ? 'CONNECT' : 'ACCEPT';
  const { peer, port, layer7 } = match;
  if (port.type === 'icmp') return icmpProbes(operation, peerSamples(peer), port);
  const carried = pairs(operation, peerSamples(peer), portsOf(port));
  return layer7 ? carried.flatMap(each => layer7Probes(each, layer7)) : carried;
}

const namespaceKey = /^(k8s[:.]|any[:.])?io\.kubernetes\.pod\.namespace$/;

function peerSamples(peer: CiliumPeer): PeerSample[] {
  switch (peer.type) {
    case 'any':
      return anybody;
    case 'endpoints': {
      const labels = Object.entries(labelsOf(peer.selector));
      const namespace = labels.find(([key]) => namespaceKey.test(key))?.[1] ?? peer.namespace ?? undefined;
      const own = labels
        .filter(([key]) => !namespaceKey.test(key))
        .map(([key, value]) => [key.replace(/^(k8s|any)[:.]/, ''), value]);
      return [podSample(Object.fromEntries(own), namespace)];
    }
    case 'entity':
      return [
        {
          peer: withDefaults('Peer', { type: 'ENTITY', value: peer.entity }),
          shown: peer.entity,
          isSample: false,
        },
      ];
    case 'nodes':
      return [
        {
          peer: withDefaults('Peer', { type: 'ENTITY', value: 'remote-node' }),
          shown: 'nodes',
          isSample: true,
        },
      ];
    case 'cidr':
      return addressSamples(peer.cidr, peer.except);
    case 'fqdn': {
      const value = peer.name ?? peer.pattern!.replaceAll('*', 'x');
      return [
        {
          peer: withDefaults('Peer', { type: 'FQDN', value }),
          shown: peer.name ?? peer.pattern!,
          isSample: peer.name === null,
        },
      ];
    }
    case 'service':
      return [];
  }
}

function portsOf(port: Exclude<CiliumPortMatch, { type: 'icmp' }>): PortSample[] {
  return port.type === 'any'
    ? portSamples(port)
    : portSamples({ ...port, protocol: port.protocol as 'TCP' | 'UDP' | 'SCTP' });
}

function icmpProbes(
  operation: 'CONNECT' | 'ACCEPT',
  peers: readonly PeerSample[],
  { family, icmpType }: Extract<CiliumPortMatch, { type: 'icmp' }>,
): DeedProbe[] {
  const transport = family === 'IPv4' ? 'ICMP' : 'ICMPV6';
  const port = { transport, port: 0, shown: `${transport} type ${icmpType}`, isSample: false } as const;
  return pairs(operation, peers, [port]).map(probe => ({
    ...probe,
    deed: { ...probe.deed, object: String(icmpType) } as Deed,
  }));
}

function layer7Probes({ deed, what, isSample }: DeedProbe, layer7: CiliumLayer7): DeedProbe[] {
  if (layer7.type === 'dns') {
    const shown = layer7.name ?? layer7.pattern!;
    const object = layer7.name ?? layer7.pattern!.replaceAll('*', 'x');
    const asked = { ...deed, operation: 'DNS', object } as const;
    return [{ deed: asked, what: `${what}: asks for ${shown}`, isSample: isSample || layer7.name === null }];
  }
  const [method, path, host] = [layer7.method ?? 'GET', layer7.path ?? `/${unnamed}`, layer7.host ?? ''].map(
    textOf,
  );
  if (method === undefined || path === undefined || host === undefined) return [];
  const shown = `${layer7.method ?? 'any method'} ${layer7.path ?? 'any path'}`;
  const isOne = method === layer7.method && isLiteral(layer7.path);
  return [
    {
      deed: { ...deed, http: { method, path, host } },
      ...{ what: `${what}: ${shown}`, isSample: isSample || !isOne },
    },
  ];
}

function isLiteral(pattern: string | null): boolean {
  return pattern !== null && !/[[\](){}*+?|^$]|(?<!\\)\./.test(pattern.replaceAll(/\\[^a-zA-Z0-9]/g, ''));
}

/** A text that the expression matches whole; undefined: none was found. */
function textOf(pattern: string): string | undefined {
  const candidate = pattern
    .replaceAll(/\[0-9a-fA-F\]\{(\d+),?\}|\[0-9a-f\]\{(\d+),?\}/g, (_, a, b) => '0'.repeat(Number(a ?? b)))
    .replaceAll(/\[0-9\][+*]|\\d[+*]/g, '7')
    .replaceAll(/\[\^\/\][+*]|\.[+*]|\.\{\d+,?\d*\}/g, 'x')
    .replaceAll(/\(\?:|\(|\)/g, '')
    .replaceAll(/\\(.)/g, '$1');
  return new RegExp(`^(?:${pattern})$`).test(candidate) ? candidate : undefined;
}
