/**
 * A Hubble flow, as `hubble observe -o jsonpb` prints it (snake case) or as Go and older versions do (camel case).
 *
 * Owns: reading of the fields, who is the client of a flow. Does not own: which events it makes (hubble.ts).
 */

import type { Direction, HttpRequest, Transport, Verdict } from '../generated/types.ts';
import { clusterName, type Fields, fieldsOf, listOf, numberOf, textOf, textsOf, timeUs } from './fields.ts';

export interface FlowEnd {
  /** Empty: not told. */
  readonly cluster: string;
  readonly namespace: string;
  readonly pod: string;
  /** Without source prefix and without those of Cilium's own. */
  readonly labels: Readonly<Record<string, string>>;
  /** Reserved identity without `reserved:`; empty for pods. */
  readonly entity: string;
  readonly workloadKind: string;
  readonly workload: string;
  readonly address: string;
  readonly port: number;
  readonly names: readonly string[];
}

export interface Flow {
  readonly timeUs: number | undefined;
  readonly node: string;
  readonly verdict: Verdict;
  /** A call on a socket, seen before a Service's address was exchanged, or on the way back: the exchanged one says it all. */
  readonly isHalfTranslated: boolean;
  /** As the flow's packets went. */
  readonly source: FlowEnd;
  readonly destination: FlowEnd;
  readonly transport: Transport;
  readonly icmpType: number | null;
  /** Undefined: not told. */
  readonly isReply: boolean | undefined;
  /** Whether the packet opens a connection; undefined: not told. */
  readonly isOpening: boolean | undefined;
  readonly direction: Direction;
  /** The packet was seen arriving at its destination. */
  readonly hasArrived: boolean;
  readonly http: HttpRequest | null;
  readonly dns: FlowDns | null;
}

export interface FlowDns {
  readonly query: string;
  readonly addresses: readonly string[];
  readonly ttlSeconds: number;
  readonly responseCode: number;
}

const spellings = new Map<string, readonly string[]>();

/** Snake case as it is, camel case, as Go prints it, upper case. */
function spellingsOf(name: string): readonly string[] {
  const camel = name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
  const made = [camel, camel.charAt(0).toUpperCase() + camel.slice(1), name.toUpperCase()];
  spellings.set(name, made);
  return made;
}

/** The value of a field, whichever way its name is spelled. */
function get(fields: Fields, name: string): unknown {
  const direct = fields[name];
  if (direct !== undefined) return direct;
  for (const spelling of spellings.get(name) ?? spellingsOf(name)) {
    const value = fields[spelling];
    if (value !== undefined) return value;
  }
  return undefined;
}

/** Text: why it is none. */
export function readFlow(given: Fields): Flow | string {
  const flow = fieldsOf(get(given, 'flow') ?? given);
  const verdict = verdictOf(flow);
  if (verdict === undefined) return `has no verdict that is known: ${textOf(get(flow, 'verdict')) || 'none'}`;
  const ip = fieldsOf(flow.IP ?? flow.ip);
  const layer4 = layer4Of(fieldsOf(get(flow, 'l4')));
  const layer7 = fieldsOf(get(flow, 'l7'));
  const end = (which: 'source' | 'destination', port: number) =>
    endOf(fieldsOf(get(flow, which)), {
      address: textOf(ip[which]),
      port,
      names: textsOf(get(flow, `${which}_names`)),
    });
  return {
    timeUs: timeOf(get(flow, 'time')) ?? timeOf(get(given, 'time')),
    // Told behind the name of its cluster, where that has one.
    node: (textOf(get(flow, 'node_name')) || textOf(get(given, 'node_name'))).replace(/^.*\//, ''),
    verdict,
    isHalfTranslated: /^SOCK_XLATE_POINT_(PRE_|.*_REV$)/.test(textOf(get(flow, 'sock_xlate_point'))),
    source: end('source', layer4.sourcePort),
    destination: end('destination', layer4.destinationPort),
    transport: layer4.transport,
    icmpType: layer4.icmpType,
    isReply: isReply(flow) ?? layer4.isReply,
    isOpening: layer4.isOpening,
    direction: directionOf(textOf(get(flow, 'traffic_direction'))),
    hasArrived: textOf(get(flow, 'trace_observation_point')) === 'TO_ENDPOINT',
    http: httpOf(fieldsOf(get(layer7, 'http'))),
    dns: dnsOf(layer7),
  };
}

/** As text, or as programs print it that do not know protobuf's times: seconds and nanoseconds. */
function timeOf(value: unknown): number | undefined {
  const seconds = numberOf(fieldsOf(value).seconds);
  if (seconds === undefined) return timeUs(textOf(value));
  return seconds * 1_000_000 + Math.floor((numberOf(fieldsOf(value).nanos) ?? 0) / 1000);
}

/** AUDIT would have been dropped, ERROR was; what is only traced or redirected to the proxy has no verdict yet. */
const verdicts: Readonly<Record<string, Verdict>> = {
  FORWARDED: 'ALLOW',
  TRANSLATED: 'ALLOW',
  REDIRECTED: 'ALLOW',
  TRACED: 'ALLOW',
  AUDIT: 'AUDIT',
  DROPPED: 'DENY',
  ERROR: 'DENY',
};

function verdictOf(flow: Fields): Verdict | undefined {
  const hasDropReason =
    (numberOf(get(flow, 'drop_reason')) ?? 0) > 0 ||
    !['', 'DROP_REASON_UNKNOWN'].includes(textOf(get(flow, 'drop_reason_desc')));
  return hasDropReason ? 'DENY' : verdicts[textOf(get(flow, 'verdict')).toUpperCase()];
}

function directionOf(text: string): Direction {
  return text === 'INGRESS' || text === 'EGRESS' ? text : 'NONE';
}

/** `reply` of older versions is absent when it is none. */
function isReply(flow: Fields): boolean | undefined {
  const told = get(flow, 'is_reply');
  if (typeof told === 'boolean') return told;
  const value = fieldsOf(told).value;
  if (typeof value === 'boolean') return value;
  return flow.reply === true ? true : undefined;
}

interface Layer4 {
  readonly transport: Transport;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly icmpType: number | null;
  readonly isReply?: boolean;
  readonly isOpening?: boolean;
}

/** Echo, timestamp and information replies, multicast and neighbour answers: what another type asked for. */
export const icmpRequestOf: Readonly<Record<'ICMP' | 'ICMPV6', Readonly<Record<number, number>>>> = {
  ICMP: { 0: 8, 14: 13, 16: 15, 18: 17 },
  ICMPV6: { 129: 128 },
};

function layer4Of(layer4: Fields): Layer4 {
  for (const transport of ['TCP', 'UDP', 'SCTP'] as const) {
    const found = layer4[transport] ?? layer4[transport.toLowerCase()];
    if (found === undefined) continue;
    const fields = fieldsOf(found);
    const ports = {
      transport,
      sourcePort: numberOf(get(fields, 'source_port')) ?? 0,
      destinationPort: numberOf(get(fields, 'destination_port')) ?? 0,
      icmpType: null,
    };
    const flags = get(fields, 'flags');
    if (transport !== 'TCP' || flags === undefined) return ports;
    const { SYN, ACK } = fieldsOf(flags) as { SYN?: boolean; ACK?: boolean };
    return { ...ports, isOpening: SYN === true && ACK !== true, ...(SYN && ACK && { isReply: true }) };
  }
  for (const [name, transport] of [
    ['ICMPv4', 'ICMP'],
    ['ICMPv6', 'ICMPV6'],
  ] as const) {
    const found = layer4[name] ?? layer4[name.toLowerCase()];
    if (found === undefined) continue;
    const icmpType = numberOf(fieldsOf(found).type) ?? 0;
    const isAnswer = icmpRequestOf[transport][icmpType] !== undefined;
    return { transport, sourcePort: 0, destinationPort: 0, icmpType, ...(isAnswer && { isReply: true }) };
  }
  return { transport: 'OTHER', sourcePort: 0, destinationPort: 0, icmpType: null };
}

interface ToldLabels {
  readonly labels: Readonly<Record<string, string>>;
  readonly entities: readonly string[];
  readonly namespace: string;
}

/** Many flows are of few pods: the same labels are the same object. */
const toldBefore = new Map<string, ToldLabels>();
const mostTold = 10_000;

function labelsOf(texts: readonly string[]): ToldLabels {
  const key = texts.join('\n');
  const before = toldBefore.get(key);
  if (before) return before;
  if (toldBefore.size >= mostTold) toldBefore.clear();
  const told = readLabels(texts);
  toldBefore.set(key, told);
  return told;
}

/** `k8s:app=web`; of what Cilium adds only the namespace is ours to know, and that is told besides. */
function readLabels(texts: readonly string[]): ToldLabels {
  const labels: Record<string, string> = {};
  const entities: string[] = [];
  let namespace = '';
  for (const text of texts) {
    if (text.startsWith('reserved:')) {
      entities.push(text.slice('reserved:'.length).replace(/^world-ipv[46]$/, 'world'));
      continue;
    }
    const [, source, key = '', value = ''] = /^(?:([a-z0-9-]+):)?([^=]+)(?:=(.*))?$/s.exec(text) ?? [];
    if (key === 'io.kubernetes.pod.namespace') namespace = value;
    const isForeign = source !== undefined && source !== 'k8s' && source !== 'any';
    if (key === '' || isForeign || key.startsWith('io.cilium.') || key.startsWith('io.kubernetes.pod.'))
      continue;
    labels[key] = value;
  }
  return { labels: Object.freeze(labels), entities, namespace };
}

/** What has several reserved identities is the most particular of them. */
const entityOrder = [
  'kube-apiserver',
  'ingress',
  'health',
  'host',
  'remote-node',
  'init',
  'unmanaged',
  'world',
];

function endOf(
  fields: Fields,
  { address, port, names }: Pick<FlowEnd, 'address' | 'port' | 'names'>,
): FlowEnd {
  const { labels, entities, namespace } = labelsOf(textsOf(get(fields, 'labels')));
  const [workload] = listOf(get(fields, 'workloads')).map(fieldsOf);
  const entity = entityOrder.find(name => entities.includes(name)) ?? entities[0] ?? '';
  return {
    cluster: clusterName(get(fields, 'cluster_name')),
    namespace: textOf(get(fields, 'namespace')) || namespace,
    pod: textOf(get(fields, 'pod_name')),
    labels,
    entity,
    workloadKind: textOf(workload?.kind),
    workload: textOf(workload?.name),
    ...{ address, port, names },
  };
}

function httpOf(http: Fields): HttpRequest | null {
  const method = textOf(http.method);
  const url = textOf(http.url);
  if (method === '' || url === '') return null;
  const [, host = '', rest = url] = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)(.*)$/is.exec(url) ?? [];
  const path = rest.replace(/[?#].*$/s, '').replace(/^\/+/, '/');
  return { method: method.toUpperCase(), path: path === '' ? '/' : path, host };
}

function dnsOf(layer7: Fields): FlowDns | null {
  const dns = fieldsOf(get(layer7, 'dns'));
  const query = textOf(dns.query).toLowerCase().replace(/\.$/, '');
  if (query === '') return null;
  return {
    query,
    addresses: textsOf(dns.ips),
    ttlSeconds: numberOf(dns.ttl) ?? 0,
    responseCode: numberOf(dns.rcode) ?? 0,
  };
}

/** Pods have a namespace, and what is no pod a reserved identity; addresses of which nothing else is told have neither. */
export function isPod({ namespace, pod, labels, entity }: FlowEnd): boolean {
  return entity === '' && namespace !== '' && (pod !== '' || Object.keys(labels).length > 0);
}

export const dnsPort = 53;

/** True when the source is the client, false when the destination is; undefined: it cannot be told. */
export function isFromClient({ isReply, isOpening, source, destination, dns }: Flow): boolean | undefined {
  if (dns) {
    const [fromServer, toServer] = [source.port === dnsPort, destination.port === dnsPort];
    if (fromServer !== toServer) return toServer;
    if (isPod(source) !== isPod(destination)) return isPod(source);
  }
  if (isReply !== undefined) return !isReply;
  // Where flags are not told at all, flows are connections.
  return isOpening === false ? undefined : true;
}
