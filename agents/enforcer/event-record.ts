/**
 * Makes the one Kafka record of a kernel event.
 *
 * Owns: kernel codes → record fields, event time, which topic.
 * Does not own: bytes (#schemas), delivery (emitter.ts), who the container is (scope-table.ts).
 *
 * An event that a rule audited or denied is an Alert; every other is a record of its class.
 */

import {
  type Alert,
  type Container,
  type Execution,
  type FileAccess,
  type FileEvent,
  type FileOperation,
  type NetworkAccess,
  type NetworkEvent,
  type NetworkOperation,
  type Origin,
  type Process,
  type ProcessEvent,
  type RuleRef,
  type SyscallEvent,
  type SyscallUse,
  type Transport,
  withDefaults,
} from '#schemas';
import { accessBits, eventClass, eventFlags, type KernelEvent } from './kernel-event.ts';

export interface RuleAbout {
  readonly ref: RuleRef;
  readonly severity: number;
  readonly tags: readonly string[];
  readonly message: string;
}

export interface EventContext {
  readonly origin: Origin;
  readonly timeUs: number;
  readonly container: Container;
  /** Of the rule that audited or denied it. */
  readonly rule: RuleAbout;
}

export type EventRecord =
  | { readonly topic: 'events.process.v1'; readonly value: ProcessEvent }
  | { readonly topic: 'events.file.v1'; readonly value: FileEvent }
  | { readonly topic: 'events.network.v1'; readonly value: NetworkEvent }
  | { readonly topic: 'events.syscall.v1'; readonly value: SyscallEvent }
  | { readonly topic: 'alerts.v1'; readonly value: Alert };

/** Marks a path that the kernel could not place in the container's own tree, so that no path rule can be made of it. */
export const unresolvedMark = 'unresolved:';

export function eventRecord(
  event: KernelEvent,
  { origin, timeUs, container, rule }: EventContext,
): EventRecord {
  const { verdict } = event;
  const base = { origin, time: timeUs, container, process: processOf(event), verdict };
  const what = subjectOf(event);
  if (verdict !== 'ALLOW') {
    const { ref, severity, tags, message } = rule;
    const value = withDefaults('Alert', { ...base, ...what, rule: ref, severity, tags, message });
    return { topic: 'alerts.v1', value };
  }
  if ('execution' in what) return { topic: 'events.process.v1', value: { ...base, ...what } };
  if ('file' in what) return { topic: 'events.file.v1', value: { ...base, ...what } };
  if ('network' in what) return { topic: 'events.network.v1', value: { ...base, ...what } };
  return { topic: 'events.syscall.v1', value: { ...base, ...what } };
}

type Subject =
  | { readonly execution: Execution }
  | { readonly file: FileAccess }
  | { readonly network: NetworkAccess }
  | { readonly syscall: SyscallUse };

function subjectOf(event: KernelEvent): Subject {
  switch (event.class) {
    case eventClass.process:
      return { execution: { path: pathOf(event), args: [] } };
    case eventClass.file:
      return { file: fileOf(event) };
    case eventClass.syscall:
      return { syscall: { syscall: syscalls[event.op] ?? `operation-${event.op}`, object: pathOf(event) } };
    default:
      return { network: networkOf(event) };
  }
}

function processOf(event: KernelEvent): Process | null {
  // A connection request is judged in the network's context: no process acts.
  if (event.pid === 0) return null;
  return {
    pid: event.pid,
    parentPid: event.parentPid,
    uid: event.uid,
    gid: event.gid,
    executable: event.executable,
    parentExecutable: event.parent,
    comm: event.comm,
  };
}

function pathOf({ path, flags }: KernelEvent): string {
  return flags & (eventFlags.unresolvedPath | eventFlags.noScratch) ? unresolvedMark + path : path;
}

const fileOperations: readonly FileOperation[] = [
  'OTHER',
  'OPEN',
  'CREATE',
  'TRUNCATE',
  'UNLINK',
  'RENAME',
  'LINK',
  'SYMLINK',
  'MKDIR',
  'RMDIR',
  'MKNOD',
  'CHMOD',
  'CHOWN',
];

function fileOf(event: KernelEvent): FileAccess {
  const { access, flags, op, target } = event;
  return {
    operation: fileOperations[op] ?? 'OTHER',
    path: pathOf(event),
    targetPath: flags & eventFlags.unresolvedTarget ? unresolvedMark + target : target,
    read: (access & accessBits.read) !== 0,
    write: (access & accessBits.write) !== 0,
  };
}

const transports: readonly Transport[] = [
  'OTHER',
  'TCP',
  'UDP',
  'SCTP',
  'ICMP',
  'ICMPV6',
  'RAW',
  'UNIX',
  'OTHER',
];

const networkOperations: Readonly<Record<number, readonly NetworkOperation[]>> = {
  [eventClass.egress]: ['OTHER', 'CONNECT', 'SEND'],
  [eventClass.ingress]: ['OTHER', 'ACCEPT', 'ACCEPT'],
  [eventClass.bind]: ['OTHER', 'BIND', 'LISTEN'],
  [eventClass.socket]: ['OTHER', 'SOCKET'],
};

const inet6 = 10;

function networkOf(event: KernelEvent): NetworkAccess {
  const isBind = event.class === eventClass.bind;
  return withDefaults('NetworkAccess', {
    operation: networkOperations[event.class]?.[event.op] ?? 'OTHER',
    direction:
      event.class === eventClass.egress ? 'EGRESS' : event.class === eventClass.ingress ? 'INGRESS' : 'NONE',
    transport: transports[event.transport] ?? 'OTHER',
    // Sixteen zero bytes mean "not known", except for who binds to every IPv6 address.
    localAddress: isBind && event.localAddress === '' && event.family === inet6 ? '::' : event.localAddress,
    localPort: event.localPort,
    remoteAddress: event.remoteAddress,
    remotePort: event.remotePort,
  });
}

const syscalls: readonly string[] = ['', 'ptrace', 'mount', 'umount2', 'pivot_root', 'finit_module', 'bpf'];
