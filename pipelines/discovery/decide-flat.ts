/**
 * Verdicts of KubeArmor policies and NetworkPolicies.
 *
 * Owns: which rule decides: for paths the exact one, then a pattern, then the nearest directory; among equals Block before
 * Audit before Allow; a rule from a source before the same without; for peers any that admits.
 * Does not own: which documents select the actor (decide.ts).
 */

import {
  addressRange,
  contains,
  type FlatRule,
  type Match,
  type PeerMatch,
  type PortMatch,
  parentOf,
  parseCidr,
  type RuleClass,
  selectsLabels,
} from '#policy';
import type { Peer } from '#schemas';
import type { Access, Verdict } from './access.ts';
import { opensSocket } from './traffic-behaviours.ts';

export interface FlatVerdict<R> {
  readonly verdict: Verdict;
  readonly rule: R;
}

type Asked = Omit<Access, 'actor'>;

/** One verdict for each class that speaks of the access. */
export function decideFlat<R extends FlatRule>(rules: readonly R[], access: Asked): FlatVerdict<R>[] {
  const { operation } = access;
  const path = (name: 'process' | 'file', write: boolean) => decidePath(rules, access, { name, write });
  const transport = () => decideCode(rules, access, 'network');
  const found = (): (FlatVerdict<R> | null)[] => {
    switch (operation) {
      case 'EXEC':
        return [path('process', false)];
      case 'FILE_READ':
      case 'FILE_WRITE':
        return [path('file', operation === 'FILE_WRITE')];
      case 'CONNECT':
      case 'SEND':
        return [transport(), decideTraffic(rules, access, 'egress')];
      case 'ACCEPT':
        return [transport(), decideTraffic(rules, access, 'ingress')];
      case 'BIND':
      case 'SOCKET':
        return [transport()];
      case 'SYSCALL':
        return opensSocket(access) ? [transport()] : [decideSyscall(rules, access)];
      case 'CAPABILITY':
        return [decideCode(rules, access, 'capability')];
      case 'DNS':
        if (access.transport === 'OTHER') return [];
        return [decideCode(rules, access, 'dns'), decideTraffic(rules, access, 'egress')];
    }
  };
  return found().filter(each => each !== null);
}

const verdictOf = { Allow: 'allow', Audit: 'audit', Block: 'deny' } as const;

/** Block before Audit before Allow. */
function worst<R extends FlatRule>(verdicts: readonly FlatVerdict<R>[]): FlatVerdict<R> | null {
  const order = { deny: 0, audit: 1, allow: 2 };
  return verdicts.toSorted((a, b) => order[a.verdict] - order[b.verdict])[0] ?? null;
}

type PathMatch = Extract<Match, { type: 'path' | 'directory' | 'pattern' | 'execname' }>;

function isPathMatch(match: Match): match is PathMatch {
  return ['path', 'directory', 'pattern', 'execname'].includes(match.type);
}

interface PathQuestion {
  readonly name: 'process' | 'file';
  readonly write: boolean;
}

function decidePath<R extends FlatRule>(
  rules: readonly R[],
  access: Asked,
  { name, write }: PathQuestion,
): FlatVerdict<R> | null {
  const mine = rules.filter(rule => rule.class === name);
  let best: { rank: number; verdicts: FlatVerdict<R>[] } = { rank: 0, verdicts: [] };
  for (const rule of mine) {
    const { match } = rule;
    if (!isPathMatch(match) || !isFrom(match.fromSource, access)) continue;
    const rank = rankOf(match, access.object) * 2 + Number(match.fromSource.length > 0);
    if (rank < 2 || rank < best.rank) continue;
    if (rank > best.rank) best = { rank, verdicts: [] };
    best.verdicts.push({ verdict: pathVerdict(rule.action, match, { write, access }), rule });
  }
  return worst(best.verdicts) ?? posture(mine, name);
}

/** How closely a rule names the path: 0 not at all; directories by their length; then patterns, then the path itself. */
function rankOf(match: PathMatch, path: string): number {
  const plain = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
  if (match.type === 'path') return match.path === plain ? 100_001 : 0;
  if (match.type === 'execname')
    return plain.slice(plain.lastIndexOf('/') + 1) === match.execname ? 100_001 : 0;
  if (match.type === 'pattern') return globOf(match.pattern).test(plain) ? 100_000 : 0;
  const { directory, recursive } = match;
  const isAbout =
    path === directory || (recursive ? path.startsWith(directory) : parentOf(path) === directory);
  return isAbout ? directory.length : 0;
}

const globs = new Map<string, RegExp>();

/** AppArmor's globbing, which KubeArmor passes patterns on to. */
function globOf(pattern: string): RegExp {
  const known = globs.get(pattern);
  if (known) return known;
  const source = pattern.replaceAll(/\*\*|\*|\?|\{|\}|,|[.+^$()|\\]/g, part => {
    const said: Readonly<Record<string, string>> = {
      ...{
        '**': '.*',
        '*': '[^/]*',
        '?': '[^/]',
        '{': '(?:',
        '}': ')',
        ',': pattern.includes('{') ? '|' : ',',
      },
    };
    return said[part] ?? `\\${part}`;
  });
  const glob = new RegExp(`^${source}$`);
  globs.set(pattern, glob);
  return glob;
}

/** A read-only rule admits reading whatever its action is; one for owners admits the owner and nobody else. */
function pathVerdict(
  action: FlatRule['action'],
  { readOnly, ownerOnly }: PathMatch,
  { write, access }: { readonly write: boolean; readonly access: Asked },
): Verdict {
  const violated = action === 'Audit' ? 'audit' : 'deny';
  if (readOnly && write) return violated;
  if (ownerOnly) return access.isOwner ? 'allow' : violated;
  return readOnly ? 'allow' : verdictOf[action];
}

function isFrom(fromSource: readonly string[], { source = '' }: Asked): boolean {
  return fromSource.length === 0 || fromSource.includes(source);
}

/** An allow-list closes its class for all, whomever its rules are for: KubeArmor's enforcer of BPF-LSM marks the container. */
function posture<R extends FlatRule>(mine: readonly R[], ruleClass: RuleClass): FlatVerdict<R> | null {
  const rule = mine.find(each => each.class === ruleClass && each.match.type === 'default');
  return rule ? { verdict: 'deny', rule } : null;
}

function decideCode<R extends FlatRule>(
  rules: readonly R[],
  access: Asked,
  name: 'network' | 'capability' | 'dns',
): FlatVerdict<R> | null {
  const mine = rules.filter(rule => rule.class === name);
  const named = mine
    .filter(
      ({ match }) =>
        isCode(match, access) &&
        'fromSource' in match &&
        isFrom(match.fromSource as readonly string[], access),
    )
    .map(rule => ({ verdict: verdictOf[rule.action], rule }));
  if (named.length > 0) return worst(named);
  const isWithinMachine = name === 'network' && access.transport === 'UNIX';
  return isWithinMachine ? null : posture(mine, name);
}

/** KubeArmor's names of socket types, for what such sockets speak. */
const ofType: Readonly<Record<string, string>> = { stream: 'tcp', dgram: 'udp' };

function isCode(match: Match, { object, transport }: Asked): boolean {
  if (match.type === 'protocol')
    return match.protocol === 'all' || (ofType[match.protocol] ?? match.protocol) === transport.toLowerCase();
  if (match.type === 'capability') return match.capability === object;
  return match.type === 'domain' && match.domain.toLowerCase().replace(/\.$/, '') === object;
}

function decideSyscall<R extends FlatRule>(
  rules: readonly R[],
  { object, source = '' }: Asked,
): FlatVerdict<R> | null {
  const named = rules.filter(
    ({ match }) =>
      match.type === 'syscall' &&
      match.syscall === object &&
      match.path === null &&
      (match.fromSource.length === 0 ||
        match.fromSource.some(({ path, recursive }) =>
          path.endsWith('/')
            ? recursive
              ? source.startsWith(path)
              : parentOf(source) === path
            : source === path,
        )),
  );
  return worst(named.map(rule => ({ verdict: verdictOf[rule.action], rule })));
}

function decideTraffic<R extends FlatRule>(
  rules: readonly R[],
  access: Asked,
  direction: 'egress' | 'ingress',
): FlatVerdict<R> | null {
  const { peer } = access;
  const mine = rules.filter(rule => rule.class === direction);
  const closed = mine.find(({ match }) => match.type === 'default');
  if (!closed || (peer?.type === 'ENTITY' && peer.value === 'self')) return null;
  const allowed = mine.find(
    ({ match }) =>
      match.type === 'traffic' && matchesPort(match.port, access) && matchesPeer(match.peer, access),
  );
  return allowed ? { verdict: 'allow', rule: allowed } : { verdict: 'deny', rule: closed };
}

function matchesPort(match: PortMatch, { transport, port, portNames = [] }: Asked): boolean {
  if (match.type === 'any') return true;
  if (match.protocol !== transport) return false;
  if (match.type === 'named') return portNames.includes(match.name);
  return match.type === 'protocol' || (match.first <= port && port <= match.last);
}

const namespaceLabel = 'kubernetes.io/metadata.name';

function matchesPeer(match: PeerMatch, { peer, namespaces, addresses = [] }: Asked): boolean {
  if (match.type === 'any') return true;
  if (match.type === 'block') return rangesOf(peer, addresses).some(each => inBlock(match, each));
  if (peer?.type !== 'WORKLOAD') return false;
  const inNamespace = match.namespaceSelector
    ? selectsLabels(match.namespaceSelector, {
        ...namespaces?.get(peer.namespace),
        [namespaceLabel]: peer.namespace,
      })
    : match.namespace === peer.namespace;
  return inNamespace && selectsLabels(match.podSelector, peer.selector);
}

function rangesOf(peer: Peer | null, addresses: readonly string[]): readonly string[] {
  if (peer?.type === 'ADDRESS') return [peer.value];
  return peer?.type === 'FQDN' ? addresses : [];
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
