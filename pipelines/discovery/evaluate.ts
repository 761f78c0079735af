/**
 * Whether a set of rules admits a behaviour.
 *
 * Owns: which of several rules decides: for paths the exact one, then the nearest directory; among equals the strictest; for
 * peers any that admits. What no rule and no default speaks of is admitted.
 * Does not own: which documents hold on a container (#policy selects).
 */

import {
  addressRange,
  contains,
  type FlatRule,
  type Match,
  type PeerMatch,
  type PortMatch,
  parseCidr,
  type RuleClass,
  selectsLabels,
} from '#policy';
import type { Behaviour, Peer } from '#schemas';
import { decider } from './path-decision.ts';

export type Judged = Pick<Behaviour, 'operation' | 'object' | 'transport' | 'port' | 'peer'>;

const namespaceLabel = 'kubernetes.io/metadata.name';

export function admits(rules: readonly FlatRule[], behaviour: Judged): boolean {
  const { operation, object } = behaviour;
  switch (operation) {
    case 'EXEC':
      return admitsPath(rules, { ruleClass: 'process', path: object, write: false });
    case 'FILE_READ':
    case 'FILE_WRITE':
      return admitsPath(rules, { ruleClass: 'file', path: object, write: operation === 'FILE_WRITE' });
    case 'CONNECT':
    case 'SEND':
      return admitsTransport(rules, behaviour) && admitsTraffic(rules, 'egress', behaviour);
    case 'ACCEPT':
      return admitsTransport(rules, behaviour) && admitsTraffic(rules, 'ingress', behaviour);
    case 'BIND':
      return admitsTransport(rules, behaviour);
    case 'SYSCALL':
      return object === 'socket' ? admitsTransport(rules, behaviour) : admitsSyscall(rules, object);
    case 'CAPABILITY':
    case 'DNS':
      return true;
  }
}

interface PathAccess {
  readonly ruleClass: 'process' | 'file';
  readonly path: string;
  readonly write: boolean;
}

type PathMatch = Extract<Match, { type: 'path' | 'directory' }>;

function admitsPath(rules: readonly FlatRule[], { ruleClass, path, write }: PathAccess): boolean {
  const mine = rules.filter(rule => rule.class === ruleClass);
  const byPath = new Map<string, { path: string; recursive: boolean; admitted: boolean }>();
  for (const { action, match } of mine) {
    if (match.type !== 'path' && match.type !== 'directory') continue;
    const place = match.type === 'path' ? match.path : match.directory;
    const known = byPath.get(place);
    const recursive = match.type === 'directory' && match.recursive;
    const admitted = verdict(action, match, write) && (known?.admitted ?? true);
    byPath.set(place, { path: place, recursive: recursive || (known?.recursive ?? false), admitted });
  }
  return decider(byPath, path)?.admitted ?? !hasDefault(mine, ruleClass);
}

/** A read-only rule admits reading whatever its action is; an Allow says nothing good of writing. */
function verdict(action: FlatRule['action'], { readOnly }: PathMatch, write: boolean): boolean {
  return readOnly ? !write || action === 'Audit' : action !== 'Block';
}

function hasDefault(rules: readonly FlatRule[], ruleClass: RuleClass): boolean {
  return rules.some(rule => rule.class === ruleClass && rule.match.type === 'default');
}

function admitsTransport(rules: readonly FlatRule[], { transport }: Judged): boolean {
  const named = rules.filter(
    ({ class: ruleClass, match }) =>
      ruleClass === 'network' &&
      match.type === 'protocol' &&
      (match.protocol === 'all' || match.protocol === transport.toLowerCase()),
  );
  if (named.length === 0) return transport === 'UNIX' || !hasDefault(rules, 'network');
  return named.every(({ action }) => action !== 'Block');
}

function admitsSyscall(rules: readonly FlatRule[], syscall: string): boolean {
  return !rules.some(
    ({ action, match }) => action === 'Block' && match.type === 'syscall' && match.syscall === syscall,
  );
}

function admitsTraffic(
  rules: readonly FlatRule[],
  direction: 'egress' | 'ingress',
  behaviour: Judged,
): boolean {
  const { peer } = behaviour;
  if (!hasDefault(rules, direction) || (peer?.type === 'ENTITY' && peer.value === 'self')) return true;
  return rules.some(
    ({ class: ruleClass, match }) =>
      ruleClass === direction &&
      match.type === 'traffic' &&
      matchesPort(match.port, behaviour) &&
      matchesPeer(match.peer, peer),
  );
}

function matchesPort(match: PortMatch, { transport, port }: Judged): boolean {
  if (match.type === 'any') return true;
  if (match.protocol !== transport) return false;
  return match.type === 'protocol' || (match.type === 'range' && match.first <= port && port <= match.last);
}

function matchesPeer(match: PeerMatch, peer: Peer | null): boolean {
  if (match.type === 'any') return true;
  if (match.type === 'block') return peer?.type === 'ADDRESS' && inBlock(match, peer.value);
  if (peer?.type !== 'WORKLOAD') return false;
  const inNamespace = match.namespaceSelector
    ? selectsLabels(match.namespaceSelector, { [namespaceLabel]: peer.namespace })
    : match.namespace === peer.namespace;
  return inNamespace && selectsLabels(match.podSelector, peer.selector);
}

function inBlock(
  { cidr, except }: { readonly cidr: string; readonly except: readonly string[] },
  value: string,
): boolean {
  const range = parseCidr(value) ?? addressRange(value);
  const within = (outer: string) => {
    const parsed = parseCidr(outer);
    return range !== undefined && parsed !== undefined && contains(parsed, range);
  };
  return within(cidr) && !except.some(within);
}
