/**
 * Flattens peer rules so that the first look-up that hits decides.
 *
 * Owns: the union of address ranges, exceptions, ports and protocols of one direction.
 * Does not own: which addresses a selector means (peers.ts), the bytes the kernel takes (kernel-rules.ts).
 *
 * A connection is admitted when any rule admits it. The kernel looks up (transport, port), then (transport, any port),
 * then (any), and stops at the first that holds the address, so each group repeats what the wider ones say.
 */

import { type AddressPrefix, contains, prefixKey } from './address.ts';
import type { Ruling } from './ruling.ts';

export interface AddressBlock {
  readonly prefix: AddressPrefix;
  readonly except: readonly AddressPrefix[];
  /** Restricts this block to one port and transport; absent: the rule's ports. */
  readonly only?: PortOf;
}

export interface PortOf {
  readonly transport: number;
  /** 0: every port. */
  readonly port: number;
}

export interface PeerRule {
  readonly ruling: Ruling;
  readonly blocks: readonly AddressBlock[];
  /** Empty: every transport and port. */
  readonly ports: readonly PortOf[];
}

export interface PeerEntry extends PortOf {
  readonly prefix: AddressPrefix;
  readonly ruling: Ruling;
}

/** Transport and port 0: everything. */
const everything: PortOf = { transport: 0, port: 0 };

/** `otherwise` is what becomes of a peer that no rule admits. Sorted; entries that say what the next wider one says are left out. */
export function flattenPeers(rules: readonly PeerRule[], otherwise: Ruling): PeerEntry[] {
  const grants = rules.flatMap(grantsOf);
  const groups = new Map<string, PortOf>();
  for (const { at } of grants) groups.set(`${at.transport}/${at.port}`, at);
  return [...groups.values()]
    .sort((a, b) => a.transport - b.transport || a.port - b.port)
    .flatMap(at => groupEntries(at, grants, otherwise));
}

interface Grant {
  readonly at: PortOf;
  readonly block: AddressBlock;
  readonly ruling: Ruling;
}

function grantsOf({ ruling, blocks, ports }: PeerRule): Grant[] {
  return blocks.flatMap(block => {
    const places = block.only ? [block.only] : ports.length > 0 ? ports : [everything];
    return places.map(at => ({ at, block, ruling }));
  });
}

function groupEntries(at: PortOf, grants: readonly Grant[], otherwise: Ruling): PeerEntry[] {
  const here = grants.filter(grant => covers(grant.at, at));
  const boundaries = new Map<string, AddressPrefix>();
  for (const { block } of here) {
    for (const prefix of [block.prefix, ...block.except]) boundaries.set(prefixKey(prefix), prefix);
  }
  const sorted = [...boundaries.values()].sort((a, b) => a.bits - b.bits || (a.value < b.value ? -1 : 1));
  const entries: PeerEntry[] = [];
  for (const prefix of sorted) {
    const ruling = admitting(here, prefix) ?? otherwise;
    const wider = entries.findLast(entry => contains(entry.prefix, prefix));
    if (wider?.ruling !== ruling) entries.push({ ...at, prefix, ruling });
  }
  return entries;
}

/** The ruling of the grant that admits a whole prefix; of several, the one of the narrowest block, then the first name. */
function admitting(grants: readonly Grant[], prefix: AddressPrefix): Ruling | undefined {
  let best: Grant | undefined;
  for (const grant of grants) {
    const { block } = grant;
    if (!contains(block.prefix, prefix) || block.except.some(except => contains(except, prefix))) continue;
    if (!best || precedes(grant, best)) best = grant;
  }
  return best?.ruling;
}

function precedes(a: Grant, b: Grant): boolean {
  if (a.block.prefix.bits !== b.block.prefix.bits) return a.block.prefix.bits > b.block.prefix.bits;
  const key = ({ ruling: { name } }: Grant) => `${name.policyId}\n${name.ruleId}`;
  return key(a) < key(b);
}

function covers(wide: PortOf, narrow: PortOf): boolean {
  if (wide.transport === 0 && wide.port === 0) return true;
  return wide.transport === narrow.transport && (wide.port === 0 || wide.port === narrow.port);
}
