/**
 * What an event says a container does: the identity of its behaviours.
 *
 * Owns: operation, object, port and peer of each kind of event. The port is the one of the side that listens, never the
 * ephemeral one.
 * Does not own: whose event it is (learner.ts), how often (profile.ts).
 */

import { addressRange, plainAddress } from '#policy';
import {
  type BehaviourOperation,
  type CapabilityEvent,
  type DnsEvent,
  type Endpoint,
  type FileEvent,
  type HttpRequest,
  type NetworkAccess,
  type NetworkEvent,
  type Peer,
  type ProcessEvent,
  type SyscallEvent,
  type Transport,
  withDefaults,
} from '#schemas';
import type { PeerOutcome, PortOf } from './resolve-peer.ts';

export type LearnableEvent =
  | ProcessEvent
  | FileEvent
  | NetworkEvent
  | SyscallEvent
  | CapabilityEvent
  | DnsEvent;

/** A behaviour without its evidence. */
export interface Observed {
  readonly operation: BehaviourOperation;
  readonly object: string;
  readonly source: string;
  readonly transport: Transport;
  readonly port: number;
  readonly peer: Peer | null;
  readonly http: HttpRequest | null;
}

/** Empty: nothing that a policy could be about. Else why it cannot be told, or not yet. */
export type Observation = readonly Observed[] | { readonly refused: string } | { readonly unknown: string };

/** Resolves an address at the event's time; with the port an outgoing connection names, and what the agent told of it. */
export type ResolvePeer = (address: string, named: PortOf | null, remote?: Endpoint | null) => PeerOutcome;

/** What enforcers write before a path they could not resolve. */
const unresolved = 'unresolved:';
const nothing: readonly Observed[] = [];

export function observe(event: LearnableEvent, resolvePeer: ResolvePeer): Observation {
  const source = event.process?.executable ?? '';
  if ('file' in event) return observeFile(event, source);
  if ('network' in event) return observeNetwork(event.network, source, resolvePeer);
  if ('dns' in event) return observeDns(event, source, resolvePeer);
  if ('execution' in event) return [onObject('EXEC', pathOf(event.execution.path), source)];
  if ('syscall' in event) return [onObject('SYSCALL', event.syscall.syscall, source)];
  return [onObject('CAPABILITY', event.capability.capability, source)];
}

function onObject(operation: BehaviourOperation, object: string, source: string): Observed {
  return { operation, object, source, transport: 'OTHER', port: 0, peer: null, http: null };
}

/** Deleted files have no end of names and none of them can be in a rule: they are one object. */
function pathOf(path: string): string {
  return path === '' || path.startsWith(unresolved) ? unresolved : path;
}

function observeFile({ file }: FileEvent, source: string): Observed[] {
  const { operation, path, targetPath, read, write } = file;
  const observed: Observed[] = [];
  if (read) observed.push(onObject('FILE_READ', pathOf(path), source));
  if (write) observed.push(onObject('FILE_WRITE', pathOf(path), source));
  const changesTarget = operation === 'RENAME' || operation === 'LINK';
  if (changesTarget && write) observed.push(onObject('FILE_WRITE', pathOf(targetPath), source));
  return observed;
}

/** Ports the kernel picks for clients; who binds one without listening on it meant none. */
const firstEphemeralPort = 32_768;

/** A client's port never becomes a rule: what came from a well-known port to one like that is a reply. */
const lastWellKnownPort = 1023;

function observeNetwork(network: NetworkAccess, source: string, resolvePeer: ResolvePeer): Observation {
  const { operation, direction, transport, localPort, remotePort } = network;
  if (transport === 'UNIX') return nothing;
  const outgoing = () => observeTraffic('CONNECT', { network, source, resolvePeer, port: remotePort });
  const incoming = () => observeTraffic('ACCEPT', { network, source, resolvePeer, port: localPort });
  switch (operation) {
    case 'CONNECT':
    case 'SEND':
      return outgoing();
    case 'ACCEPT':
      return incoming();
    case 'FLOW':
      if (direction === 'EGRESS') return isReply(remotePort, localPort) ? nothing : outgoing();
      return direction === 'INGRESS' && !isReply(localPort, remotePort) ? incoming() : nothing;
    case 'BIND':
    case 'LISTEN': {
      const port = operation === 'BIND' && localPort >= firstEphemeralPort ? 0 : localPort;
      return [{ ...onObject('BIND', '', source), transport, port }];
    }
    case 'SOCKET':
      return [{ ...onObject('SOCKET', '', source), transport }];
    case 'OTHER':
      return nothing;
  }
}

function isReply(toPort: number, fromPort: number): boolean {
  return toPort >= firstEphemeralPort && fromPort > 0 && fromPort <= lastWellKnownPort;
}

interface Traffic {
  readonly network: NetworkAccess;
  readonly source: string;
  readonly resolvePeer: ResolvePeer;
  /** The server's. */
  readonly port: number;
}

function observeTraffic(
  operation: 'CONNECT' | 'ACCEPT',
  { network, source, resolvePeer, port }: Traffic,
): Observation {
  const { transport, remoteAddress, remote, icmpType, http } = network;
  const isIcmp = transport === 'ICMP' || transport === 'ICMPV6';
  const named = operation === 'CONNECT' && !isIcmp ? { transport, port } : null;
  const outcome = resolvePeer(remoteAddress, named, remote);
  if (!('peers' in outcome)) return outcome;
  return outcome.peers.map(peer => ({
    operation,
    object: isIcmp && icmpType !== null ? String(icmpType) : '',
    source,
    transport,
    port: isIcmp ? 0 : (outcome.port ?? port),
    peer,
    http: http && httpOf(http),
  }));
}

/** Queries hold what users type: never part of a rule. The host is the peer, by whatever name it was called. */
function httpOf({ method, path }: HttpRequest): HttpRequest {
  const plain = path.replace(/^[a-z]+:\/\/[^/?#]*/i, '').replace(/[?#].*$/s, '');
  return { method: method.toUpperCase(), path: plain === '' ? '/' : plain.replace(/^\/{2,}/, '/'), host: '' };
}

const dnsPort = 53;

/**
 * Who answered (transport UDP, the server as peer), and each address of the answer (transport OTHER, the address as peer): the
 * name of a connection is found in what was learned, so it does not matter which of the two events came first (I2).
 */
function observeDns({ dns }: DnsEvent, source: string, resolvePeer: ResolvePeer): Observation {
  const object = dns.query.toLowerCase().replace(/\.$/, '');
  if (object === '') return nothing;
  const server = resolvePeer(dns.serverAddress, { transport: 'UDP', port: dnsPort }, dns.server);
  if (!('peers' in server)) return server;
  const asked = server.peers.map(
    (peer): Observed => ({
      ...onObject('DNS', object, source),
      transport: 'UDP',
      port: server.port ?? dnsPort,
      peer,
    }),
  );
  const answers = dns.addresses.flatMap((address): Observed[] => {
    const range = addressRange(address);
    if (!range) return [];
    const value = `${plainAddress(address)}/${range.prefix}`;
    const peer = withDefaults('Peer', { type: 'ADDRESS', value });
    return [{ ...onObject('DNS', object, source), peer }];
  });
  return [...asked, ...answers];
}

/** Equal for the same behaviour. A peer is who it is, not how it is selected. */
export function identityOf({ operation, object, source, transport, port, peer, http }: Observed): string {
  const who = peer
    ? `${peer.type}\n${peer.namespace}\n${peer.workloadKind}\n${peer.workload}\n${peer.value}`
    : '';
  const identity = `${operation}\n${object}\n${source}\n${transport}\n${port}\n${who}`;
  return http ? `${identity}\n${http.method} ${http.path}` : identity;
}
