/** What a SysFlow event or flow says happened. */

import type { CapturedTopic } from '../captured-value.ts';
import type { FileOperation, Transport, Verdict } from '../generated/types.ts';
import { withDefaults } from '../with-defaults.ts';
import { isDescriptorPath, throughDescriptor } from './descriptor-path.ts';
import { type Fields, numberOf } from './fields.ts';

export interface SysFlowFile {
  /** Letter of the resource type: f file, d directory, p pipe, u socket within the machine … */
  readonly kind: string;
  readonly path: string;
}

export type Direction = 'INGRESS' | 'EGRESS';

/** What is known of connections whose records do not say who opened them. */
export interface SysFlowConnections {
  /** Of a connection whose opening was seen. */
  opened(connection: string): Direction | undefined;
  remember(connection: string, direction: Direction, ownAddress: string): void;
  /** Whether the address is the container's. */
  isOwn(address: string): boolean;
}

export interface SysFlowHappening {
  readonly topic: CapturedTopic;
  readonly verdict?: Verdict;
  readonly [what: string]: unknown;
}

export interface SysFlowContext {
  readonly process: { readonly path: string; readonly args: string };
  file(oid: unknown): SysFlowFile | undefined;
  readonly connections: SysFlowConnections;
}

/** Bits of `opFlags`. */
const op = {
  exec: 1 << 1,
  setuid: 1 << 3,
  setns: 1 << 4,
  accept: 1 << 5,
  connect: 1 << 6,
  open: 1 << 7,
  read: 1 << 8,
  write: 1 << 9,
  truncate: 1 << 11,
  map: 1 << 13,
  mkdir: 1 << 15,
  rmdir: 1 << 16,
  link: 1 << 17,
  unlink: 1 << 18,
  symlink: 1 << 19,
  rename: 1 << 20,
} as const;

/** Bits of `openFlags`, which are not the kernel's. */
const openedFor = {
  read: 1 << 0,
  write: 1 << 1,
  create: 1 << 2,
  append: 1 << 3,
  truncate: 1 << 8,
  directory: 1 << 10,
};

/** Text: why it is no event. */
export function eventsOf(type: string, fields: Fields, context: SysFlowContext): SysFlowHappening[] | string {
  switch (type) {
    case 'ProcessEvent':
      return processEvent(fields, context);
    case 'FileFlow':
      return fileFlow(fields, context);
    case 'FileEvent':
      return fileEvent(fields, context);
    case 'NetworkFlow':
      return networkFlow(fields, context);
    default:
      return `${type} says nothing a policy is about`;
  }
}

function has(fields: Fields, flag: number): boolean {
  return ((numberOf(fields.opFlags) ?? 0) & flag) !== 0;
}

function verdictOf(fields: Fields): Verdict | undefined {
  const code = numberOf(fields.ret) ?? 0;
  if (code === -1 || code === -13) return 'DENY';
  return code < 0 ? undefined : 'ALLOW';
}

function processEvent(fields: Fields, { process }: SysFlowContext): SysFlowHappening[] | string {
  const verdict = verdictOf(fields);
  if (verdict === undefined) return 'the call failed';
  if (has(fields, op.setns))
    return [{ topic: 'events.syscall.v1', verdict, syscall: { syscall: 'setns', object: '' } }];
  if (has(fields, op.setuid))
    return [{ topic: 'events.syscall.v1', verdict, syscall: { syscall: 'setuid', object: '' } }];
  if (!has(fields, op.exec)) return 'a process began or ended';
  if (!process.path.startsWith('/')) return 'the path of the executable is not absolute';
  const args = process.args.split(/\s+/).filter(Boolean);
  return [{ topic: 'events.process.v1', verdict, execution: { path: process.path, args } }];
}

/** Files, directories, and what was just made: of that the collector does not know yet what it is. */
const kindsWithPath = ['f', 'd', '?'];

function pathOf(file: SysFlowFile | undefined): { readonly path: string } | string {
  if (!file?.path.startsWith('/') || !kindsWithPath.includes(file.kind)) return 'the object has no path';
  if (isDescriptorPath(file.path)) return throughDescriptor;
  const isDirectory = file.kind === 'd' && !file.path.endsWith('/');
  return { path: isDirectory ? `${file.path}/` : file.path };
}

function fileFlow(fields: Fields, context: SysFlowContext): SysFlowHappening[] | string {
  const found = pathOf(context.file(fields.fileOID));
  if (typeof found === 'string') return found;
  const { path } = found;
  const flags = Math.max(numberOf(fields.openFlags) ?? 0, 0);
  const isOpen = has(fields, op.open);
  const changes = openedFor.write | openedFor.create | openedFor.append | openedFor.truncate;
  // The truncated bit also stands for "cut in two by the recorder": only opening says what a file was opened for.
  const write = (isOpen && (flags & changes) !== 0) || has(fields, op.write);
  const read = (isOpen && (flags & openedFor.read) !== 0) || has(fields, op.read) || has(fields, op.map);
  if (!read && !write) return 'a file was neither read nor written';
  const isDirectory = isOpen && (flags & openedFor.directory) !== 0 && !path.endsWith('/');
  const named = isDirectory ? `${path}/` : path;
  return [
    {
      topic: 'events.file.v1',
      file: withDefaults('FileAccess', { operation: 'OPEN', path: named, read, write }),
    },
  ];
}

const changes: readonly (readonly [number, FileOperation])[] = [
  [op.mkdir, 'MKDIR'],
  [op.rmdir, 'RMDIR'],
  [op.link, 'LINK'],
  [op.unlink, 'UNLINK'],
  [op.symlink, 'SYMLINK'],
  [op.rename, 'RENAME'],
];

function fileEvent(fields: Fields, context: SysFlowContext): SysFlowHappening[] | string {
  const operation = changes.find(([flag]) => has(fields, flag))?.[1];
  if (operation === undefined) return 'a change of no kind that is known';
  const verdict = verdictOf(fields);
  if (verdict === undefined) return 'the call failed';
  const first = context.file(fields.fileOID);
  const second = context.file(fields.newFileOID);
  // Of a symbolic link the first is the text in it, which is no access.
  const [object, other] = operation === 'SYMLINK' && second ? [second, first] : [first, second];
  const found = pathOf(object);
  if (typeof found === 'string') return found;
  const targetPath = other?.path ?? '';
  const change = withDefaults('FileAccess', { operation, path: found.path, targetPath, write: true });
  return [{ topic: 'events.file.v1', verdict, file: change }];
}

const transports: Readonly<Record<number, Transport>> = {
  1: 'ICMP',
  6: 'TCP',
  17: 'UDP',
  58: 'ICMPV6',
  132: 'SCTP',
};

function networkFlow(fields: Fields, { connections }: SysFlowContext): SysFlowHappening[] | string {
  const transport = transports[numberOf(fields.proto) ?? -1];
  const [source, destination] = [addressOf(fields.sip), addressOf(fields.dip)];
  if (transport === undefined || source === '' || destination === '') return 'a socket within the machine';
  const [sourcePort, destinationPort] = [numberOf(fields.sport) ?? 0, numberOf(fields.dport) ?? 0];
  const connection = `${transport} ${source} ${sourcePort} ${destination} ${destinationPort}`;
  const told = has(fields, op.accept) ? 'INGRESS' : has(fields, op.connect) ? 'EGRESS' : undefined;
  const direction = told ?? connections.opened(connection) ?? byAddress(connections, source, destination);
  if (direction === undefined) return 'who opened the connection is not told';
  connections.remember(connection, direction, direction === 'INGRESS' ? destination : source);
  const isIngress = direction === 'INGRESS';
  const network = withDefaults('NetworkAccess', {
    operation: isIngress ? 'ACCEPT' : 'CONNECT',
    direction,
    transport,
    localAddress: isIngress ? destination : source,
    localPort: isIngress ? destinationPort : sourcePort,
    remoteAddress: isIngress ? source : destination,
    remotePort: isIngress ? sourcePort : destinationPort,
  });
  return [{ topic: 'events.network.v1', network }];
}

/** The source of a flow is the client's: datagrams, and connections older than the recording. */
function byAddress(
  connections: SysFlowConnections,
  source: string,
  destination: string,
): Direction | undefined {
  const [isClient, isServer] = [connections.isOwn(source), connections.isOwn(destination)];
  if (isClient === isServer) return undefined;
  return isClient ? 'EGRESS' : 'INGRESS';
}

/** IPv4 in network order, read as little endian. Zero: none. */
export function addressOf(value: unknown): string {
  const number = numberOf(value);
  if (number === undefined || number === 0) return '';
  const bits = number >>> 0;
  return [bits & 255, (bits >>> 8) & 255, (bits >>> 16) & 255, bits >>> 24].join('.');
}
