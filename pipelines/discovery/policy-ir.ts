/**
 * A policy before it has a form: what one workload may do, and on which evidence.
 *
 * Owns: from behaviours to access rules. Pure, and sorted throughout: the same behaviours in whatever order give the same
 * policy, whatever their counts (I2).
 * Does not own: which paths become one rule (generalise.ts), the documents (emit-*.ts).
 */

import { canonicalJson, joinEvidence } from '#policy';
import type { Behaviour, BehaviourProfile, Evidence, Peer, Transport } from '#schemas';
import { generalise, type PathRule } from './generalise.ts';
import { compareText } from './order.ts';

export interface WorkloadPolicy {
  readonly cluster: string;
  readonly namespace: string;
  readonly workloadKind: string;
  readonly workload: string;
  readonly selector: Readonly<Record<string, string>>;
  readonly containers: readonly ContainerPolicy[];
  /** Of the whole pod; null when no network activity was seen. */
  readonly network: NetworkRules | null;
  /** What was seen and is in no rule. */
  readonly losses: readonly string[];
}

export interface ContainerPolicy {
  readonly container: string;
  readonly executables: readonly PathRule[];
  readonly files: readonly PathRule[];
  readonly transports: readonly TransportRule[];
  /** Whether it was seen tracing another process. */
  readonly traces: boolean;
}

export interface TransportRule {
  readonly transport: Transport;
  readonly observed: number;
  readonly evidence: Evidence;
}

export interface NetworkRules {
  readonly egress: readonly PeerRule[];
  readonly ingress: readonly PeerRule[];
}

export interface PeerRule {
  readonly peer: Peer;
  readonly transport: Transport;
  readonly port: number;
  readonly evidence: Evidence;
}

/** Profiles of the containers of one workload. Errors: none; what cannot be expressed is among the losses. */
export function workloadPolicy(profiles: readonly BehaviourProfile[]): WorkloadPolicy {
  const sorted = profiles.toSorted((a, b) => compareText(a.container, b.container));
  const [first] = sorted;
  if (!first) throw new RangeError('a policy needs at least one profile');
  const { cluster, namespace, workloadKind, workload } = first;
  const losses = new Set<string>();
  // What was seen on the wire is the pod's, under no container's name: it says nothing of what a container may call.
  const containers = sorted
    .filter(({ container }) => container !== '')
    .map(profile => containerPolicy(profile, losses));
  const network = networkRules(sorted, losses);
  return {
    ...{ cluster, namespace, workloadKind, workload },
    selector: selectorOf(sorted),
    containers,
    network,
    losses: [...losses].sort(compareText),
  };
}

/** The containers of a workload share its selector; when they were told at different times the longest spelling counts. */
function selectorOf(profiles: readonly BehaviourProfile[]): Readonly<Record<string, string>> {
  const spelled = (selector: object) => JSON.stringify(Object.entries(selector).sort());
  const selectors = profiles.map(({ selector }) => selector).filter(each => Object.keys(each).length > 0);
  const [best = {}] = selectors.sort((a, b) => compareText(spelled(a), spelled(b)));
  return Object.fromEntries(Object.entries(best).sort(([a], [b]) => compareText(a, b)));
}

function containerPolicy({ container, behaviours }: BehaviourProfile, losses: Set<string>): ContainerPolicy {
  const lose = (what: string) => losses.add(`container ${container}: ${what}`);
  const of = (...operations: Behaviour['operation'][]) =>
    behaviours.filter(({ operation }) => operations.includes(operation));
  const executables = generalise(
    of('EXEC').map(({ object, evidence }) => ({ path: object, write: false, evidence })),
    { literal: true, report: (path, why) => lose(`execution of ${pathName(path)}: ${why}`) },
  );
  const files = generalise(
    of('FILE_READ', 'FILE_WRITE').map(({ operation, object, evidence }) => ({
      path: object,
      write: operation === 'FILE_WRITE',
      evidence,
    })),
    { literal: false, report: (path, why) => lose(`access to ${pathName(path)}: ${why}`) },
  );
  for (const { object } of of('CAPABILITY'))
    lose(`capability ${object}: capabilities are not restricted yet`);
  const traces = of('SYSCALL').some(({ object }) => object === 'ptrace');
  const transports = transportRules(behaviours, lose);
  const unseen = [
    ...(executables.length === 0 ? ['execution'] : []),
    ...(files.length === 0 ? ['file access'] : []),
    ...(transports.length === 0 ? ['socket'] : []),
  ];
  for (const what of unseen) lose(`no ${what} was seen: that is not restricted`);
  return { container, executables, files, transports, traces };
}

/** Enforcers write what they could not resolve (deleted files, mostly) under one name. */
function pathName(path: string): string {
  return path.startsWith('unresolved:') ? 'an object without a path' : path;
}

const expressible: readonly Transport[] = ['TCP', 'UDP', 'SCTP', 'ICMP', 'ICMPV6', 'RAW'];

function isNetwork({ operation, object }: Behaviour): boolean {
  if (operation === 'SYSCALL') return object === 'socket';
  return ['CONNECT', 'ACCEPT', 'BIND', 'SEND'].includes(operation);
}

function transportRules(behaviours: readonly Behaviour[], lose: (what: string) => void): TransportRule[] {
  const byTransport = Map.groupBy(behaviours.filter(isNetwork), ({ transport }) => transport);
  return [...byTransport]
    .sort(([a], [b]) => compareText(a, b))
    .flatMap(([transport, seen]): TransportRule[] => {
      const evidence = joinEvidence(seen.map(each => each.evidence))!;
      if (expressible.includes(transport)) return [{ transport, observed: seen.length, evidence }];
      lose('a socket of a family that no rule can name');
      return [];
    });
}

function networkRules(profiles: readonly BehaviourProfile[], losses: Set<string>): NetworkRules | null {
  const behaviours = profiles.flatMap(each => each.behaviours).filter(isNetwork);
  if (behaviours.length === 0) {
    losses.add('no network activity was seen: the network is not restricted');
    return null;
  }
  const lose = (what: string) => losses.add(what);
  for (const { operation, transport, port } of behaviours) {
    const takesDatagrams = operation === 'BIND' && transport === 'UDP' && port !== 0;
    if (takesDatagrams) lose(`ingress on UDP port ${port}: who sends datagrams is not seen`);
  }
  return {
    egress: peerRules(behaviours, ['CONNECT', 'SEND'], what => lose(`egress ${what}`)),
    ingress: peerRules(behaviours, ['ACCEPT'], what => lose(`ingress ${what}`)),
  };
}

function peerRules(
  behaviours: readonly Behaviour[],
  operations: readonly Behaviour['operation'][],
  lose: (what: string) => void,
): PeerRule[] {
  const rules = new Map<string, PeerRule>();
  for (const { operation, peer, transport, port, evidence } of behaviours) {
    if (!operations.includes(operation) || isSelf(peer)) continue;
    const why = inexpressible(peer, transport, port);
    const where = `${peer ? nameOf(peer) : 'an unknown peer'}, ${transport} port ${port}`;
    if (why || !peer) {
      lose(`${where}: ${why}`);
      continue;
    }
    const key = `${sayable(peer)}\n${transport}\n${port}`;
    const known = rules.get(key);
    const joined = joinEvidence(known ? [known.evidence, evidence] : [evidence])!;
    const named = known && compareText(nameOf(known.peer), nameOf(peer)) <= 0 ? known.peer : peer;
    rules.set(key, { peer: named, transport, port, evidence: joined });
  }
  return [...rules].sort(([a], [b]) => compareText(a, b)).map(([, rule]) => rule);
}

/** What a document can say of a peer: the pods of a Service and those of its Deployment may be the same. */
function sayable({ type, namespace, selector, value }: Peer): string {
  if (type === 'ADDRESS') return value;
  return `${namespace}\n${canonicalJson(selector)}`;
}

/** Within itself a pod is not ruled. */
function isSelf(peer: Peer | null): boolean {
  return peer?.type === 'ENTITY' && peer.value === 'self';
}

/** Why a network policy cannot name it; empty when it can. */
function inexpressible(peer: Peer | null, transport: Transport, port: number): string {
  if (!peer) return 'whom it was with is not known';
  if (peer.type === 'ENTITY' || peer.type === 'FQDN') return `a NetworkPolicy cannot name ${peer.value}`;
  if (peer.type === 'WORKLOAD' && Object.keys(peer.selector).length === 0) return 'nothing selects its pods';
  if (!['TCP', 'UDP', 'SCTP'].includes(transport)) return `a NetworkPolicy cannot name ${transport}`;
  return port === 0 ? 'a NetworkPolicy cannot name port 0' : '';
}

function nameOf({ type, namespace, workloadKind, workload, value }: Peer): string {
  return type === 'WORKLOAD' ? `${workloadKind} ${namespace}/${workload}` : value;
}
