/**
 * From flat rules to rules the kernel part can hold; what it cannot is refused by name (I11).
 *
 * Owns: the list of what is enforced, and the mend for each thing that is not.
 * Does not own: what documents mean (#policy), which addresses a peer has (peers.ts).
 *
 * A policy is taken as a whole or not at all: one refused rule refuses the record, and what was in force stays (I5).
 */

import { SluiceError } from '#errors';
import type { FlatRule, PeerMatch, PortMatch } from '#policy';
import type { PortOf } from './peer-rules.ts';
import type { Action } from './ruling.ts';

interface Told {
  readonly ruleId: string;
  readonly action: Action;
  readonly severity: number;
  readonly tags: readonly string[];
  readonly message: string;
}

export type EnforceableRule = Told &
  (
    | { readonly kind: 'posture'; readonly class: EnforcedClass }
    | {
        readonly kind: 'path';
        readonly class: 'process' | 'file';
        /** A directory ends in a slash. */
        readonly path: string;
        readonly recursive: boolean;
        readonly readOnly: boolean;
      }
    | { readonly kind: 'code'; readonly class: 'network' | 'syscall'; readonly codes: readonly number[] }
    | {
        readonly kind: 'traffic';
        readonly class: 'egress' | 'ingress';
        readonly peer: PeerMatch;
        /** Empty: every transport and port. */
        readonly ports: readonly PortOf[];
      }
  );

export type EnforcedClass = 'process' | 'file' | 'network' | 'syscall' | 'egress' | 'ingress';

const keyBytes = 240;
const mostPorts = 64;
const transportOf = { TCP: 1, UDP: 2, SCTP: 3 } as const;

/** Socket transports of matchProtocols. AF_UNIX and AF_NETLINK sockets are nobody's protocol. */
const protocolCodes: Readonly<Record<string, readonly number[]>> = {
  tcp: [1],
  udp: [2],
  sctp: [3],
  icmp: [4],
  icmpv6: [5],
  raw: [6],
  packet: [8],
  all: [0, 1, 2, 3, 4, 5, 6, 8],
};

const syscallCodes: Readonly<Record<string, number>> = {
  ptrace: 1,
  mount: 2,
  umount: 3,
  umount2: 3,
  pivot_root: 4,
  bpf: 6,
};

/** Errors: POLICY_UNENFORCEABLE naming every field that is in the way, and the mend. `where` names the document. */
export function enforceable(rules: readonly FlatRule[], where: string): EnforceableRule[] {
  const refusals: string[] = [];
  const taken: EnforceableRule[] = [];
  for (const rule of rules) {
    const outcome = take(rule);
    if (typeof outcome === 'string') refusals.push(`${rule.at}${outcome}`);
    else taken.push(outcome);
  }
  if (refusals.length > 0) {
    const all = [...new Set(refusals)].join('; ');
    throw new SluiceError('POLICY_UNENFORCEABLE', `${where} cannot be enforced on this node: ${all}`);
  }
  return taken;
}

/** The rule, or what stands in the way: the rest of the field's path and the mend. */
function take(rule: FlatRule): EnforceableRule | string {
  const { ruleId, action, severity, tags, message, match } = rule;
  const told = { ruleId, action, severity, tags, message };
  switch (match.type) {
    case 'default':
      return isEnforced(rule.class)
        ? { ...told, kind: 'posture', class: rule.class }
        : `: ${rule.class} rules are not enforced yet; remove the section`;
    case 'path':
      return (
        conditionsOf(match) ??
        argumentsOf(match) ??
        longPath(match.path, 2) ??
        pathRule(rule, told, match.path)
      );
    case 'directory':
      return conditionsOf(match) ?? longPath(match.directory, 0) ?? pathRule(rule, told, match.directory);
    case 'pattern':
      return '.pattern: patterns are not enforced; name paths or directories';
    case 'execname':
      return '.execname: bare names are not enforced; name the path';
    case 'protocol': {
      const codes = protocolCodes[match.protocol];
      if (!codes)
        return `.protocol: ${match.protocol} is no transport; use ${Object.keys(protocolCodes).join(', ')}`;
      return conditionsOf(match) ?? { ...told, kind: 'code', class: 'network', codes };
    }
    case 'syscall': {
      const code = syscallCodes[match.syscall];
      if (code === undefined) {
        return `.syscall: ${match.syscall} is not enforced; use ${Object.keys(syscallCodes).join(', ')}`;
      }
      if (match.path !== null)
        return '.path: system calls are enforced whatever they act on; use matchSyscalls';
      if (match.fromSource.length > 0) return '.fromSource: is not enforced yet; remove it';
      return { ...told, kind: 'code', class: 'syscall', codes: [code] };
    }
    case 'traffic':
      return trafficRule(rule, told, match);
    case 'domain':
      return ': names are not enforced; allow addresses in a NetworkPolicy';
    case 'capability':
      return ': capabilities are not enforced yet; drop them in the securityContext';
    case 'preset':
      return `: the preset ${match.preset} is not enforced yet; remove it`;
    case 'apparmor':
      return ': AppArmor profiles are not applied; remove it';
  }
}

function isEnforced(ruleClass: FlatRule['class']): ruleClass is EnforcedClass {
  return ['process', 'file', 'network', 'syscall', 'egress', 'ingress'].includes(ruleClass);
}

function pathRule({ class: ruleClass, match }: FlatRule, told: Told, path: string): EnforceableRule {
  const { readOnly, recursive } = {
    recursive: false,
    ...(match as { readOnly: boolean; recursive?: boolean }),
  };
  return { ...told, kind: 'path', class: ruleClass as 'process' | 'file', path, readOnly, recursive };
}

function conditionsOf(match: {
  readonly fromSource: readonly string[];
  readonly ownerOnly: boolean;
  readonly pts: boolean | null;
}): string | undefined {
  if (match.fromSource.length > 0) return '.fromSource: is not enforced yet; remove it';
  if (match.ownerOnly) return '.ownerOnly: is not enforced yet; remove it';
  if (match.pts !== null) return '.pts: is not enforced yet; remove it';
  return undefined;
}

function argumentsOf({
  allowedArgs,
}: {
  readonly allowedArgs: readonly string[] | null;
}): string | undefined {
  return allowedArgs === null ? undefined : '.allowedArgs: arguments are not enforced; remove it';
}

function longPath(path: string, endBytes: number): string | undefined {
  const sizeBytes = Buffer.byteLength(path, 'utf8');
  if (sizeBytes + endBytes <= keyBytes) return undefined;
  return `: a path of ${sizeBytes} bytes does not fit the kernel's ${keyBytes}; name a directory above it`;
}

function trafficRule(
  rule: FlatRule,
  told: Told,
  { peer, port }: { readonly peer: PeerMatch; readonly port: PortMatch },
): EnforceableRule | string {
  const ruleClass = rule.class as 'egress' | 'ingress';
  const ports = portsOf(port);
  if (typeof ports === 'string') return ports;
  const unruled = ruleClass === 'ingress' && port.type !== 'any' && port.protocol !== 'TCP';
  if (unruled) return `.ports: incoming ${port.protocol} is not enforced; name TCP ports`;
  return { ...told, kind: 'traffic', class: ruleClass, peer, ports };
}

function portsOf(port: PortMatch): readonly PortOf[] | string {
  switch (port.type) {
    case 'any':
      return [];
    case 'protocol':
      return [{ transport: transportOf[port.protocol], port: 0 }];
    case 'named':
      return `.ports: the named port ${port.name} is not known to this node; write its number`;
    case 'range': {
      const { first, last, protocol } = port;
      const count = last - first + 1;
      if (count > mostPorts) {
        return `.ports: ${count} ports from ${first} are more than ${mostPorts}; name fewer, or the protocol alone`;
      }
      return Array.from({ length: count }, (_, i) => ({ transport: transportOf[protocol], port: first + i }));
    }
  }
}
