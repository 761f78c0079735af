/** Connections that rules of peers and ports speak of. */

import { contains, type Match, type PeerMatch, type PortMatch, parseCidr } from '#policy';
import type { Peer, Transport } from '#schemas';
import { withDefaults } from '#schemas';
import { nameOf } from './network-ir.ts';
import { type DeedProbe, labelsOf, nothing, unnamed } from './probe.ts';

type Operation = 'CONNECT' | 'ACCEPT';

export interface PeerSample {
  readonly peer: Peer;
  readonly names?: readonly string[];
  readonly shown: string;
  readonly isSample: boolean;
}

export interface PortSample {
  readonly transport: Transport;
  readonly port: number;
  readonly portNames?: readonly string[];
  readonly shown: string;
  readonly isSample: boolean;
}

export function trafficProbes(operation: Operation, match: Extract<Match, { type: 'traffic' }>): DeedProbe[] {
  return pairs(operation, peerSamples(match.peer), portSamples(match.port));
}

export function pairs(
  operation: Operation,
  peers: readonly PeerSample[],
  ports: readonly PortSample[],
): DeedProbe[] {
  const verb = operation === 'CONNECT' ? 'connects to' : 'accepts';
  return peers.flatMap(each =>
    ports.map(
      ({ transport, port, portNames, shown, isSample }): DeedProbe => ({
        deed: {
          ...{ ...nothing, operation, transport, port, peer: each.peer },
          ...(each.names && { names: each.names }),
          ...(portNames && { portNames }),
        },
        what: `${verb} ${each.shown}, ${shown}`,
        isSample: isSample || each.isSample,
      }),
    ),
  );
}

const namespaceLabel = 'kubernetes.io/metadata.name';

function peerSamples(match: PeerMatch): PeerSample[] {
  if (match.type === 'any') return anybody;
  if (match.type === 'block') return addressSamples(match.cidr, match.except);
  const { namespace, namespaceSelector, podSelector } = match;
  const named = namespace ?? labelsOf(namespaceSelector ?? {})[namespaceLabel];
  return [podSample(labelsOf(podSelector), named)];
}

/** Pods with just these labels; `namespace` undefined: of any. */
export function podSample(selector: Record<string, string>, namespace: string | undefined): PeerSample {
  const workload =
    Object.entries(selector)
      .map(each => each.join('='))
      .join(',') || 'all';
  const known = { type: 'WORKLOAD', workloadKind: 'pods', workload, selector } as const;
  const peer = withDefaults('Peer', { ...known, namespace: namespace ?? unnamed });
  const isSample = namespace === undefined || Object.keys(selector).length === 0;
  return { peer, shown: nameOf({ ...peer, namespace: namespace ?? '*' }), isSample };
}

/** The first and the last address of a range, as far as they are not excepted. */
export function addressSamples(cidr: string, except: readonly string[] = []): PeerSample[] {
  const range = parseCidr(cidr);
  if (!range) return [];
  const bits = cidr.includes(':') ? 128 : 32;
  const isOne = cidr.endsWith(`/${bits}`);
  const edges = isOne ? [cidr] : edgesOf(cidr, bits);
  return edges
    .filter(edge => !except.some(each => contains(parseCidr(each)!, parseCidr(edge)!)))
    .map(edge => ({
      peer: withDefaults('Peer', { type: 'ADDRESS', value: edge }),
      shown: except.length > 0 ? `${cidr} except ${except.join(', ')}` : cidr,
      isSample: !isOne,
    }));
}

function edgesOf(cidr: string, bits: number): string[] {
  const [address = '', length = String(bits)] = cidr.split('/');
  if (bits === 128) return [`${address}/128`];
  const value = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const size = 2 ** (32 - Number(length));
  const first = Math.floor(value / size) * size;
  return [first, first + size - 1].map(each => {
    const parts = [24, 16, 8, 0].map(shift => Math.floor(each / 2 ** shift) % 256);
    return `${parts.join('.')}/32`;
  });
}

export const anybody: PeerSample[] = [
  { ...podSample({}, undefined), shown: 'anybody' },
  {
    peer: withDefaults('Peer', { type: 'ADDRESS', value: '203.0.113.1/32' }),
    ...{ shown: 'anybody', isSample: true },
  },
];

/** Both ends of a range; a port that no rule is likely to name where any will do. */
export function portSamples(match: PortMatch): PortSample[] {
  const anyPort = 64_999;
  switch (match.type) {
    case 'any':
      return (['TCP', 'UDP', 'SCTP'] as const).map(transport => ({
        ...{ transport, port: anyPort, shown: `${transport} any port`, isSample: true },
      }));
    case 'protocol':
      return [
        { transport: match.protocol, port: anyPort, shown: `${match.protocol} any port`, isSample: true },
      ];
    case 'named': {
      const { protocol: transport, name } = match;
      return [
        { transport, port: anyPort, portNames: [name], shown: `${transport} port ${name}`, isSample: false },
      ];
    }
    case 'range': {
      const { protocol: transport, first, last } = match;
      const shown = `${transport} port ${first === last ? first : `${first} to ${last}`}`;
      const ends = first === last ? [first] : [first, last];
      return ends.map(port => ({ transport, port, shown, isSample: first !== last }));
    }
  }
}
