/**
 * What the records of a case say happened, as accesses to be judged.
 *
 * A reading of its own: what is scored must not be read by what is scored. It knows only what these cases hold.
 */

import { type Peer, type Transport, withDefaults } from '#schemas';
import type { Access } from '../../pipelines/discovery/index.ts';

type Fields = Readonly<Record<string, unknown>>;
type Labels = Readonly<Record<string, string>>;

export interface PodLabels {
  readonly namespace: string;
  readonly labels: Labels;
  readonly container: string;
}

/** Of logs, whose pod has no labels: the pods whose names begin so. */
export type PodNamed = (namespace: string, pod: string) => Labels;

/** Accesses that were forwarded or passed, each once; both ends of a flow that are pods. */
export function seenIn(records: readonly Fields[], podNamed: PodNamed): Access[] {
  const answered = answeredNames(records);
  const all = records.flatMap(record =>
    'verdict' in record ? ofFlow(record, answered) : ofLog(record, podNamed),
  );
  return [...new Map(all.map(access => [JSON.stringify(access), access])).values()];
}

/** Names by the address that was answered for them. */
function answeredNames(records: readonly Fields[]): ReadonlyMap<string, string[]> {
  const names = new Map<string, string[]>();
  for (const record of records) {
    const { query = '', ips = [] } = at(record, 'l7', 'dns') as { query?: string; ips?: string[] };
    for (const ip of ips) names.set(ip, [...(names.get(ip) ?? []), query.replace(/\.$/, '')]);
  }
  return names;
}

interface End {
  readonly pod: PodLabels | null;
  readonly entity: string;
  readonly address: string;
  readonly port: number;
}

function ofFlow(flow: Fields, answered: ReadonlyMap<string, string[]>): Access[] {
  if (flow.verdict !== 'FORWARDED') return [];
  const [[transport, layer4] = ['', {}]] = Object.entries(at(flow, 'l4') as Record<string, Fields>);
  const [source, destination] = [endOf(flow, 'source', layer4), endOf(flow, 'destination', layer4)];
  const dns = at(flow, 'l7', 'dns');
  const isBack = dns.query === undefined ? flow.reply === true || flow.is_reply === true : false;
  const [client, server] = isBack ? [destination, source] : [source, destination];
  const isIcmp = transport.startsWith('ICMP');
  const { method, url } = at(flow, 'l7', 'http') as { method?: string; url?: string };
  const http = method && url ? { method, path: pathOf(url), host: '' } : null;
  const shared = {
    transport: (isIcmp ? (transport === 'ICMPv4' ? 'ICMP' : 'ICMPV6') : transport) as Transport,
    port: isIcmp ? 0 : server.port,
    object: isIcmp ? String(layer4.type ?? 0) : '',
    http,
  };
  const names = answered.get(server.address) ?? [];
  return [
    ...(client.pod
      ? [{ ...shared, operation: 'CONNECT', actor: client.pod, peer: peerOf(server), names }]
      : []),
    ...(server.pod ? [{ ...shared, operation: 'ACCEPT', actor: server.pod, peer: peerOf(client) }] : []),
  ] as Access[];
}

function endOf(flow: Fields, which: 'source' | 'destination', layer4: Fields): End {
  const { namespace = '', labels = [] } = at(flow, which) as { namespace?: string; labels?: string[] };
  const reserved = labels.find(label => label.startsWith('reserved:'))?.slice('reserved:'.length) ?? '';
  const plain = labels
    .map(label => label.replace(/^k8s:/, '').split('=') as [string, string])
    .filter(([key]) => !key.startsWith('reserved:') && !key.startsWith('io.kubernetes.pod.'));
  const pod = namespace ? { namespace, labels: Object.fromEntries(plain), container: '' } : null;
  const address = String(at(flow, 'IP')[which] ?? '');
  return { pod, entity: reserved, address, port: Number(layer4[`${which}_port`] ?? 0) };
}

/** What Cilium has no entity for is told by its address. */
const unnamed = ['', 'world', 'unknown'];

function peerOf({ pod, entity, address }: End): Peer {
  if (pod)
    return withDefaults('Peer', {
      ...{ type: 'WORKLOAD', namespace: pod.namespace, workloadKind: 'Pods', workload: '' },
      selector: { ...pod.labels },
    });
  if (!unnamed.includes(entity)) return withDefaults('Peer', { type: 'ENTITY', value: entity });
  return withDefaults('Peer', { type: 'ADDRESS', value: `${address}/${address.includes(':') ? 128 : 32}` });
}

function pathOf(url: string): string {
  return new URL(url, 'http://host').pathname;
}

function ofLog(given: Fields, podNamed: PodNamed): Access[] {
  const log = Object.fromEntries(
    Object.entries(given).map(([key, value]) => [key.toLowerCase(), String(value)]),
  );
  if (log.result?.toLowerCase() === 'permission denied') return [];
  const namespace = log.namespacename ?? '';
  const labels = podNamed(namespace, log.podname ?? '');
  const actor = { namespace, labels, container: log.containername ?? '' };
  const [object = '', source = ''] = [log.resource, log.source].map(text => text?.split(' ')[0]);
  const isWritten = /O_(WRONLY|RDWR)/i.test(log.data ?? '');
  const operation =
    log.operation?.toLowerCase() === 'process' ? 'EXEC' : isWritten ? 'FILE_WRITE' : 'FILE_READ';
  return [{ actor, operation, object, source, transport: 'OTHER', port: 0, peer: null, http: null }];
}

function at(fields: Fields, ...path: string[]): Fields {
  let found: unknown = fields;
  for (const name of path) found = (found as Fields | undefined)?.[name];
  return (found ?? {}) as Fields;
}
