/**
 * The kernel's look-up in TypeScript: what bpf/PROTOCOL.md says one operation on one rule set leads to.
 *
 * Owns: nothing that runs on a node. Tests hold the compiler against it, and the kernel test holds it against the kernel.
 */

import type { Verdict } from '#schemas';
import { bytesOf } from './address.ts';
import { eventClass } from './kernel-event.ts';
import type { KernelEntry, NumberedName, RuleSet } from './loader-protocol.ts';

export interface Decision {
  readonly verdict: Verdict;
  /** Undefined: no rule spoke. */
  readonly name: NumberedName | undefined;
}

export type Access = 'read' | 'write';

/** `path` ends in a slash when the object is a directory. */
export function decidePath(
  rules: RuleSet,
  {
    kernelClass,
    path,
    access,
  }: { readonly kernelClass: number; readonly path: string; readonly access: Access },
): Decision {
  const key = Buffer.from(`${path}\0`, 'utf8');
  const entry = longest(rules, kernelClass, key);
  if (!entry) return unrestricted;
  const isExact = entry.data.length > 0 && entry.data.at(-1) === 0;
  const rest = key.subarray(entry.data.length, key.length - 1).toString('utf8');
  const isDeep = !isExact && rest.replace(/\/$/, '').includes('/');
  return decision(rules, { entry, isDeep, access });
}

export function decideCode(rules: RuleSet, kernelClass: number, code: number): Decision {
  const entry = longest(rules, kernelClass, Buffer.from([code]));
  return entry ? decision(rules, { entry, isDeep: false, access: 'read' }) : unrestricted;
}

export function decidePeer(
  rules: RuleSet,
  peer: {
    readonly direction: 'egress' | 'ingress';
    readonly transport: number;
    readonly port: number;
    readonly address: bigint;
  },
): Decision {
  const kernelClass = eventClass[peer.direction];
  let entry: KernelEntry | undefined;
  for (const [transport, port] of [
    [peer.transport, peer.port],
    [peer.transport, 0],
    [0, 0],
  ] as const) {
    const head = Buffer.from([transport, port >>> 8, port & 0xff]);
    entry = longest(rules, kernelClass, Buffer.concat([head, bytesOf(peer.address)]));
    if (entry && entry.prefixBits >= 24) break;
  }
  return entry ? decision(rules, { entry, isDeep: false, access: 'read' }) : unrestricted;
}

const unrestricted: Decision = { verdict: 'ALLOW', name: undefined };

function longest({ entries }: RuleSet, kernelClass: number, key: Buffer): KernelEntry | undefined {
  let best: KernelEntry | undefined;
  for (const entry of entries) {
    if (entry.class !== kernelClass || !matches(entry, key)) continue;
    if (!best || entry.prefixBits > best.prefixBits) best = entry;
  }
  return best;
}

function matches({ data, prefixBits }: KernelEntry, key: Buffer): boolean {
  if (key.length * 8 < prefixBits) return false;
  const whole = prefixBits >>> 3;
  if (key.compare(data, 0, whole, 0, whole) !== 0) return false;
  const rest = prefixBits & 7;
  return rest === 0 || (key[whole]! ^ data[whole]!) >>> (8 - rest) === 0;
}

interface Deciding {
  readonly entry: KernelEntry;
  readonly isDeep: boolean;
  readonly access: Access;
}

function decision({ names }: RuleSet, { entry, isDeep, access }: Deciding): Decision {
  const bits = (isDeep ? entry.deep : entry.direct) >>> (access === 'write' ? 2 : 0);
  const verdict = ([undefined, 'ALLOW', 'AUDIT', 'DENY'] as const)[bits & 3];
  if (!verdict) return unrestricted;
  const rule = isDeep ? entry.deepRule : entry.rule;
  return { verdict, name: names.find(name => name.rule === rule) };
}
