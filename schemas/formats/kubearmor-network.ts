import type { NetworkAccess, Transport } from '../generated/types.ts';
import { withDefaults } from '../with-defaults.ts';
import { numberOf, pairsOf } from './fields.ts';
import type { Happened, Happening, KubeArmorRecord } from './kubearmor-record.ts';

type Told = Partial<
  Pick<NetworkAccess, 'localAddress' | 'localPort' | 'remoteAddress' | 'remotePort' | 'direction'>
>;

/** Sockets, connections, bound ports and what is sent to DNS servers. */
export function readKubeArmorNetwork(record: KubeArmorRecord): Happening {
  const { syscall } = record;
  const told = toldOf(record);
  const probe = told.kprobe ?? told.kfunc ?? told.lsm ?? '';
  const address = told.remoteip ?? told.sin_addr ?? told.sin6_addr ?? told.daddr ?? '';
  const port = numberOf(told.port ?? told.sin_port ?? told.sin6_port) ?? 0;
  const family = told.domain ?? told.sa_family ?? '';
  if (family === 'af_unix' || family === 'af_netlink') return 'a socket within the machine';
  const access = (
    operation: NetworkAccess['operation'],
    transport: Transport,
    more: Told = {},
  ): Happening => ({
    topic: 'events.network.v1',
    network: withDefaults('NetworkAccess', { operation, direction: 'NONE', transport, ...more }),
  });
  const remote = { remoteAddress: plain(address), remotePort: port };
  if (probe.startsWith('tcp_connect')) return access('CONNECT', 'TCP', { ...remote, direction: 'EGRESS' });
  if (probe.startsWith('tcp_accept'))
    // The port told of an accepted connection is the one that listens.
    return access('ACCEPT', 'TCP', { remoteAddress: plain(address), localPort: port, direction: 'INGRESS' });
  if (probe.startsWith('udp_send')) return access('SEND', 'UDP', { ...remote, direction: 'EGRESS' });
  switch (syscall) {
    case 'socket':
      return access('SOCKET', transportOf(told));
    case 'bind':
      return access('BIND', 'OTHER', { localAddress: plain(address), localPort: port });
    case 'connect':
    case 'accept':
    case 'accept4':
    case 'listen':
      // The same connection is reported with its transport by the probe of TCP; here it has none.
      return `a ${syscall} without its transport`;
    default:
      if (probe.includes('socket') || told.type !== undefined) return access('SOCKET', transportOf(told));
      return 'a network operation that is not known';
  }
}

/** What a DNS server was asked for, and which one; undefined: it is no question. */
export function readKubeArmorQuestion(record: KubeArmorRecord): Happened | undefined {
  const { kfunc = '', kprobe = '', domain = '', daddr = '' } = toldOf(record);
  if (!(kfunc || kprobe).startsWith('udp_send') || domain === '') return undefined;
  const dns = withDefaults('DnsAnswer', { query: domain.replace(/\.$/, ''), serverAddress: plain(daddr) });
  return { topic: 'events.dns.v1', dns };
}

/** Pairs are apart by spaces, those of questions by commas. */
function toldOf({ resource, data }: KubeArmorRecord): Record<string, string> {
  const commas = Object.values(data).filter(value => value.includes(','));
  const within = commas.map(value => pairsOf(value.slice(value.indexOf(',') + 1), ','));
  return lower(Object.assign({}, pairsOf(resource), data, ...within));
}

function lower(pairs: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(pairs).map(([key, value]) => [key.toLowerCase(), value.toLowerCase()]),
  );
}

const mapped = /^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/;

function plain(address: string): string {
  return address.replace(mapped, '');
}

/** The protocol, where it is named; else what the kernel chooses for the type of socket. */
function transportOf({ protocol = '', type = '' }: Readonly<Record<string, string>>): Transport {
  const byProtocol: Readonly<Record<string, Transport>> = {
    tcp: 'TCP',
    udp: 'UDP',
    sctp: 'SCTP',
    icmp: 'ICMP',
    icmpv6: 'ICMPV6',
    'ipv6-icmp': 'ICMPV6',
    raw: 'RAW',
  };
  const named = byProtocol[protocol];
  if (named) return named;
  if (type.includes('sock_stream')) return 'TCP';
  if (type.includes('sock_dgram')) return 'UDP';
  return type.includes('sock_raw') ? 'RAW' : 'OTHER';
}
