/**
 * What an event says a container does: the identity of its behaviours.
 *
 * Owns: operation, object, port and peer of each kind of event. The port is the one of the side that listens, never the
 * ephemeral one.
 * Does not own: whose event it is (learner.ts), how often (profile.ts).
 */

import type {
  BehaviourOperation,
  CapabilityEvent,
  FileEvent,
  NetworkAccess,
  NetworkEvent,
  Peer,
  ProcessEvent,
  SyscallEvent,
  Transport,
} from '#schemas';
import type { PeerOutcome, PortOf } from './resolve-peer.ts';

export type LearnableEvent = ProcessEvent | FileEvent | NetworkEvent | SyscallEvent | CapabilityEvent;

/** A behaviour without its evidence. */
export interface Observed {
  readonly operation: BehaviourOperation;
  readonly object: string;
  readonly source: string;
  readonly transport: Transport;
  readonly port: number;
  readonly peer: Peer | null;
}

/** Empty: nothing that a policy could be about. A string: why it cannot be told. */
export type Observation = readonly Observed[] | { readonly refused: string };

/** Resolves an address at the event's time; with the port an outgoing connection names. */
export type ResolvePeer = (address: string, named: PortOf | null) => PeerOutcome;

/** What enforcers write before a path they could not resolve. */
const unresolved = 'unresolved:';
const nothing: readonly Observed[] = [];

export function observe(event: LearnableEvent, resolvePeer: ResolvePeer): Observation {
  const source = event.process?.executable ?? '';
  if ('file' in event) return observeFile(event, source);
  if ('network' in event) return observeNetwork(event.network, source, resolvePeer);
  if ('execution' in event) return [onObject('EXEC', pathOf(event.execution.path), source)];
  if ('syscall' in event) return [onObject('SYSCALL', event.syscall.syscall, source)];
  return [onObject('CAPABILITY', event.capability.capability, source)];
}

function onObject(operation: BehaviourOperation, object: string, source: string): Observed {
  return { operation, object, source, transport: 'OTHER', port: 0, peer: null };
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

function observeNetwork(network: NetworkAccess, source: string, resolvePeer: ResolvePeer): Observation {
  const { operation, direction, transport, localPort, remotePort, remoteAddress } = network;
  if (transport === 'UNIX') return nothing;
  const outgoing = (): Observation =>
    withPeer(
      'CONNECT',
      { transport, port: remotePort },
      source,
      resolvePeer(remoteAddress, { transport, port: remotePort }),
    );
  const incoming = (): Observation =>
    withPeer('ACCEPT', { transport, port: localPort }, source, resolvePeer(remoteAddress, null));
  switch (operation) {
    case 'CONNECT':
    case 'SEND':
      return outgoing();
    case 'ACCEPT':
      return incoming();
    case 'FLOW':
      return direction === 'EGRESS' ? outgoing() : direction === 'INGRESS' ? incoming() : nothing;
    case 'BIND':
    case 'LISTEN': {
      const port = operation === 'BIND' && localPort >= firstEphemeralPort ? 0 : localPort;
      return [{ operation: 'BIND', object: '', source, transport, port, peer: null }];
    }
    case 'SOCKET':
      return [{ ...onObject('SYSCALL', 'socket', source), transport }];
    case 'OTHER':
      return nothing;
  }
}

function withPeer(
  operation: BehaviourOperation,
  { transport, port }: { readonly transport: Transport; readonly port: number },
  source: string,
  outcome: PeerOutcome,
): Observation {
  if ('refused' in outcome) return outcome;
  const { peer } = outcome;
  return [{ operation, object: '', source, transport, port: outcome.port ?? port, peer }];
}

/** Equal for the same behaviour. A peer is who it is, not how it is selected. */
export function identityOf({ operation, object, source, transport, port, peer }: Observed): string {
  const who = peer
    ? `${peer.type}\n${peer.namespace}\n${peer.workloadKind}\n${peer.workload}\n${peer.value}`
    : '';
  return `${operation}\n${object}\n${source}\n${transport}\n${port}\n${who}`;
}
