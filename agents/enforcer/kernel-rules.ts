/**
 * Compiles the rules that hold on one container into the kernel's rule set.
 *
 * Owns: classes, keys, numbering; equal rules give equal bytes, so the token tells whether anything changed.
 * Does not own: which rules hold (policy-table.ts), specificity (path-rules.ts, peer-rules.ts).
 */

import { createHash } from 'node:crypto';
import { bytesOf } from './address.ts';
import { FieldWriter } from './frame.ts';
import { eventClass } from './kernel-event.ts';
import { type KernelEntry, type NumberedName, type RuleSet, writeRules } from './loader-protocol.ts';
import { flattenPaths, type PathEntry, type PathRule } from './path-rules.ts';
import { flattenPeers, type PeerRule } from './peer-rules.ts';
import { nameKey, type RuleName, type Ruling, strictest } from './ruling.ts';

/** Codes of transports and operations, one key byte each. */
export interface CodeRule {
  readonly code: number;
  readonly ruling: Ruling;
}

/** Everything that holds on one container. A class without posture and rules is unrestricted. */
export interface ContainerRules {
  readonly process: PathClass;
  readonly file: PathClass;
  readonly socket: CodeClass;
  readonly syscall: CodeClass;
  readonly egress: PeerClass;
  readonly ingress: PeerClass;
}

export interface PathClass {
  readonly rules: readonly PathRule[];
  readonly posture: Ruling | undefined;
}

export interface CodeClass {
  readonly rules: readonly CodeRule[];
  readonly posture: Ruling | undefined;
}

/** Peer rules only admit, so without a posture there is nothing to hold. */
export interface PeerClass {
  readonly rules: readonly PeerRule[];
  readonly posture: Ruling | undefined;
}

/** Longest path of a rule that the kernel's key holds, in bytes, without the terminating zero. */
export const pathLimitBytes = 239;

type RawEntry = Pick<KernelEntry, 'class' | 'prefixBits' | 'data'> & {
  readonly direct: Ruling;
  readonly deep?: Ruling | undefined;
};

export function compileRules(rules: ContainerRules): RuleSet {
  const raw = [
    ...pathEntries(eventClass.process, rules.process),
    ...pathEntries(eventClass.file, rules.file),
    ...codeEntries(eventClass.socket, rules.socket),
    ...codeEntries(eventClass.syscall, rules.syscall),
    ...peerEntries(eventClass.egress, rules.egress),
    ...peerEntries(eventClass.ingress, rules.ingress),
  ];
  const names = numbered(
    raw.flatMap(({ direct, deep }) => (deep ? [direct.name, deep.name] : [direct.name])),
  );
  const numberOf = new Map(names.map(name => [nameKey(name), name.rule]));
  const entries = raw.map(({ direct, deep, ...entry }) => ({
    ...entry,
    direct: verdictBits(direct),
    deep: deep ? verdictBits(deep) : 0,
    rule: numberOf.get(nameKey(direct.name))!,
    deepRule: deep ? numberOf.get(nameKey(deep.name))! : 0,
  }));
  const writer = new FieldWriter();
  writeRules(writer, { names, entries });
  return { names, entries, token: createHash('sha256').update(writer.finish()).digest() };
}

function numbered(names: readonly RuleName[]): NumberedName[] {
  const byKey = new Map(names.map(name => [nameKey(name), name]));
  return [...byKey.keys()].sort().map((key, i) => ({ ...byKey.get(key)!, rule: i + 1 }));
}

const bitsOf = { ALLOW: 1, AUDIT: 2, DENY: 3 } as const;

function verdictBits({ read, write }: Ruling): number {
  return bitsOf[read] | (bitsOf[write] << 2);
}

function postureEntry(kernelClass: number, posture: Ruling | undefined): RawEntry[] {
  if (!posture) return [];
  return [{ class: kernelClass, prefixBits: 0, data: Buffer.alloc(0), direct: posture, deep: posture }];
}

function pathEntries(kernelClass: number, { rules, posture }: PathClass): RawEntry[] {
  const entries = flattenPaths(rules, posture).flatMap(entry => pathKeys(kernelClass, entry));
  return [...postureEntry(kernelClass, posture), ...entries];
}

/** A rule of an exact file path also rules a directory of that name as an object, and nothing in it. */
function pathKeys(kernelClass: number, { path, direct, deep }: PathEntry): RawEntry[] {
  if (path.endsWith('/')) {
    const data = Buffer.from(path, 'utf8');
    return [{ class: kernelClass, prefixBits: data.length * 8, data, direct, deep }];
  }
  const objects = kernelClass === eventClass.file ? [`${path}\0`, `${path}/\0`] : [`${path}\0`];
  return objects.map(object => {
    const data = Buffer.from(object, 'utf8');
    return { class: kernelClass, prefixBits: data.length * 8, data, direct };
  });
}

function codeEntries(kernelClass: number, { rules, posture }: CodeClass): RawEntry[] {
  const byCode = new Map<number, Ruling[]>();
  for (const { code, ruling } of rules) byCode.set(code, [...(byCode.get(code) ?? []), ruling]);
  const entries = [...byCode]
    .sort(([a], [b]) => a - b)
    .map(([code, rulings]) => ({
      class: kernelClass,
      prefixBits: 8,
      data: Buffer.from([code]),
      direct: strictest(rulings)!,
    }));
  return [...postureEntry(kernelClass, posture), ...entries];
}

const portAndTransportBits = 24;

function peerEntries(kernelClass: number, { rules, posture }: PeerClass): RawEntry[] {
  if (!posture) return [];
  const entries = flattenPeers(rules, posture).map(({ transport, port, prefix, ruling }) => {
    const head = Buffer.from([transport, port >>> 8, port & 0xff]);
    const data = Buffer.concat([head, bytesOf(prefix.value)]);
    return { class: kernelClass, prefixBits: portAndTransportBits + prefix.bits, data, direct: ruling };
  });
  return [...postureEntry(kernelClass, posture), ...entries];
}
