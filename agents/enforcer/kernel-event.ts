/**
 * Events as the kernel part writes them; the layout is in bpf/PROTOCOL.md.
 *
 * Owns: offsets, codes. Does not own: whose event it is, what record it becomes (event-record.ts).
 */

import { SluiceError } from '#errors';
import type { Verdict } from '#schemas';
import { formatAddress } from './address.ts';
import { readU64 } from './frame.ts';

export const eventClass = {
  process: 1,
  file: 2,
  egress: 3,
  ingress: 4,
  socket: 5,
  syscall: 6,
  bind: 7,
} as const;

export const accessBits = { read: 1, write: 2 } as const;

export const eventFlags = {
  unresolvedPath: 1,
  unresolvedTarget: 2,
  unresolvedExecutable: 4,
  unresolvedParent: 8,
  exempt: 16,
  noScratch: 32,
} as const;

export interface KernelEvent {
  readonly sequence: number;
  /** CLOCK_BOOTTIME. */
  readonly timeNs: number;
  readonly scope: number;
  readonly generation: number;
  readonly pid: number;
  readonly parentPid: number;
  readonly uid: number;
  readonly gid: number;
  readonly ruleset: number;
  readonly rule: number;
  readonly class: number;
  readonly op: number;
  readonly verdict: Verdict;
  readonly access: number;
  readonly flags: number;
  readonly transport: number;
  readonly family: number;
  readonly localPort: number;
  readonly remotePort: number;
  /** Empty: not known. */
  readonly localAddress: string;
  readonly remoteAddress: string;
  readonly comm: string;
  readonly path: string;
  readonly target: string;
  readonly executable: string;
  readonly parent: string;
}

/** Offsets of the fixed part, compared with the loader's own by a test. */
export const layout = {
  sequence: 0,
  timeNs: 8,
  scope: 16,
  cgroup: 24,
  generation: 32,
  pid: 40,
  tid: 44,
  ppid: 48,
  uid: 52,
  gid: 56,
  ruleset: 60,
  rule: 64,
  targetPid: 68,
  class: 72,
  op: 73,
  verdict: 74,
  access: 75,
  flags: 76,
  transport: 78,
  family: 79,
  localPort: 80,
  remotePort: 82,
  pathLength: 84,
  targetLength: 86,
  executableLength: 88,
  parentLength: 90,
  argsLength: 92,
  localAddress: 96,
  remoteAddress: 112,
  comm: 128,
  texts: 144,
} as const;

const commBytes = 16;
const verdicts: readonly (Verdict | undefined)[] = [undefined, 'ALLOW', 'AUDIT', 'DENY'];

/** Calls back for each event of an EVENTS frame, in order. Errors: RECORD_CORRUPT, RECORD_TRUNCATED. */
export function eachEvent(payload: Buffer, onEvent: (event: KernelEvent) => void): void {
  if (payload.length < 4) throw truncated();
  const count = payload.readUInt32LE(0);
  let at = 4;
  for (let i = 0; i < count; i++) {
    if (at + 4 > payload.length) throw truncated();
    const length = payload.readUInt32LE(at);
    at += 4;
    if (at + length > payload.length) throw truncated();
    onEvent(decodeEvent(payload.subarray(at, at + length)));
    at += length;
  }
}

export function decodeEvent(bytes: Buffer): KernelEvent {
  if (bytes.length < layout.texts) throw truncated();
  const verdict = verdicts[bytes[layout.verdict]!];
  const sequence = readU64(bytes, layout.sequence);
  if (!verdict || sequence === 0) {
    throw new SluiceError(
      'RECORD_CORRUPT',
      `event ${sequence} has verdict ${bytes[layout.verdict]}; use the loader of this version`,
    );
  }
  let at: number = layout.texts;
  const text = (lengthAt: number): string => {
    const length = bytes.readUInt16LE(lengthAt);
    if (at + length > bytes.length) throw truncated();
    at += length;
    return length === 0 ? '' : bytes.toString('utf8', at - length, at);
  };
  const path = text(layout.pathLength);
  const target = text(layout.targetLength);
  const executable = text(layout.executableLength);
  const parent = text(layout.parentLength);
  return {
    sequence,
    timeNs: readU64(bytes, layout.timeNs),
    scope: readU64(bytes, layout.scope),
    generation: readU64(bytes, layout.generation),
    pid: bytes.readUInt32LE(layout.pid),
    parentPid: bytes.readUInt32LE(layout.ppid),
    uid: bytes.readUInt32LE(layout.uid),
    gid: bytes.readUInt32LE(layout.gid),
    ruleset: bytes.readUInt32LE(layout.ruleset),
    rule: bytes.readUInt32LE(layout.rule),
    class: bytes[layout.class]!,
    op: bytes[layout.op]!,
    verdict,
    access: bytes[layout.access]!,
    flags: bytes.readUInt16LE(layout.flags),
    transport: bytes[layout.transport]!,
    family: bytes[layout.family]!,
    localPort: bytes.readUInt16LE(layout.localPort),
    remotePort: bytes.readUInt16LE(layout.remotePort),
    localAddress: addressAt(bytes, layout.localAddress),
    remoteAddress: addressAt(bytes, layout.remoteAddress),
    comm: commOf(bytes),
    path,
    target,
    executable,
    parent,
  };
}

function addressAt(bytes: Buffer, offset: number): string {
  for (let i = 0; i < 16; i++) if (bytes[offset + i] !== 0) return formatAddress(bytes, offset);
  return '';
}

function commOf(bytes: Buffer): string {
  let end: number = layout.comm;
  while (end < layout.comm + commBytes && bytes[end] !== 0) end++;
  return bytes.toString('utf8', layout.comm, end);
}

function truncated(): SluiceError {
  return new SluiceError('RECORD_TRUNCATED', 'the loader sent events that end early; restart it');
}
