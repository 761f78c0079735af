/**
 * The rules of a Cilium policy: one for each peer, port and layer 7 match of an entry.
 *
 * Owns: what an entry means before anybody is judged: namespaces that are implied, peers that are absent (anybody) or empty
 * (nobody), and which directions are closed by default.
 */

import type { CiliumPolicy, CiliumPort, CiliumSpec } from './cilium-policy.ts';
import type { LabelSelector } from './network-policy.ts';
import { ruleIdOf } from './rule-id.ts';

export type CiliumPeer =
  | { readonly type: 'any' }
  /** Pods; `namespace` null: of every namespace, unless the selector says which. */
  | { readonly type: 'endpoints'; readonly selector: LabelSelector; readonly namespace: string | null }
  | { readonly type: 'entity'; readonly entity: string }
  | { readonly type: 'nodes'; readonly selector: LabelSelector }
  | { readonly type: 'cidr'; readonly cidr: string; readonly except: readonly string[] }
  | { readonly type: 'fqdn'; readonly name: string | null; readonly pattern: string | null }
  | {
      readonly type: 'service';
      readonly name: string | null;
      readonly namespace: string;
      readonly selector: LabelSelector | null;
    };

export type CiliumPortMatch =
  | { readonly type: 'any' }
  | { readonly type: 'range'; readonly protocol: string; readonly first: number; readonly last: number }
  | { readonly type: 'named'; readonly protocol: string; readonly name: string }
  | { readonly type: 'icmp'; readonly family: 'IPv4' | 'IPv6'; readonly icmpType: number | string };

export type CiliumLayer7 =
  | {
      readonly type: 'http';
      readonly method: string | null;
      readonly path: string | null;
      readonly host: string | null;
      readonly headers: readonly string[];
    }
  | { readonly type: 'dns'; readonly name: string | null; readonly pattern: string | null };

export type CiliumMatch =
  | { readonly type: 'default' }
  | {
      readonly type: 'cilium';
      readonly peer: CiliumPeer;
      readonly port: CiliumPortMatch;
      readonly layer7: CiliumLayer7 | null;
    };

export interface CiliumRule {
  readonly ruleId: string;
  readonly class: 'egress' | 'ingress';
  readonly action: 'Allow' | 'Block';
  readonly match: CiliumMatch;
  readonly severity: number;
  readonly tags: readonly string[];
  readonly message: string;
  /** `spec.egress[2]`. */
  readonly at: string;
}

interface Scope {
  readonly namespace: string | null;
  readonly direction: 'egress' | 'ingress';
  readonly action: 'Allow' | 'Block';
  readonly at: string;
}

type Entry = NonNullable<CiliumSpec['egress']>[number] & NonNullable<CiliumSpec['ingress']>[number];

/** What a spec says, and of whom it speaks. */
export interface CiliumPart {
  readonly spec: CiliumSpec;
  readonly rules: readonly CiliumRule[];
}

export function ciliumParts(policy: CiliumPolicy): CiliumPart[] {
  const namespace = policy.kind === 'CiliumNetworkPolicy' ? (policy.metadata.namespace ?? 'default') : null;
  const own = policy.spec ? [{ spec: policy.spec, at: 'spec' }] : [];
  const more = (policy.specs ?? []).map((spec, i) => ({ spec, at: `specs[${i}]` }));
  return [...own, ...more].map(({ spec, at }) => ({ spec, rules: rulesOf(spec, namespace, at) }));
}

function rulesOf(spec: CiliumSpec, namespace: string | null, at: string): CiliumRule[] {
  const sections = [
    { direction: 'ingress', action: 'Allow', name: 'ingress', entries: spec.ingress },
    { direction: 'ingress', action: 'Block', name: 'ingressDeny', entries: spec.ingressDeny },
    { direction: 'egress', action: 'Allow', name: 'egress', entries: spec.egress },
    { direction: 'egress', action: 'Block', name: 'egressDeny', entries: spec.egressDeny },
  ] as const;
  const rules = sections.flatMap(({ direction, action, name, entries }) =>
    (entries ?? []).flatMap((entry, i) =>
      entryRules(entry as Entry, { namespace, direction, action, at: `${at}.${name}[${i}]` }),
    ),
  );
  // Cilium closes no direction in which the policy has no entry, also where enableDefaultDeny asks for it.
  const closed = (['ingress', 'egress'] as const).filter(
    direction =>
      (spec.enableDefaultDeny?.[direction] ?? true) &&
      sections.some(each => each.direction === direction && (each.entries?.length ?? 0) > 0),
  );
  const postures = closed.map(direction =>
    named({ class: direction, action: 'Block', match: { type: 'default' }, at: `${at}.${direction}` }),
  );
  return [...rules, ...postures];
}

function named(rule: Pick<CiliumRule, 'class' | 'action' | 'match' | 'at'>): CiliumRule {
  return { ruleId: ruleIdOf(rule), ...rule, severity: 1, tags: [], message: '' };
}

function entryRules(entry: Entry, { namespace, direction, action, at }: Scope): CiliumRule[] {
  const ports = portsOf(entry);
  const peers = peersOf(entry, namespace);
  // An entry that names neither peer nor port admits nobody: it only closes the direction.
  if (peers === null && ports.length === 0) return [];
  const any = [{ port: { type: 'any' } as const, layer7: null, within: '' }];
  return (peers ?? [{ type: 'any' } as const]).flatMap(peer =>
    (ports.length > 0 ? ports : any).map(({ port, layer7, within }) =>
      named({
        ...{ class: direction, action, at: at + within },
        match: { type: 'cilium', peer, port, layer7 },
      }),
    ),
  );
}

/** null: the entry names no peers. Empty: it names a list of none, and so nobody. */
function peersOf(entry: Entry, namespace: string | null): CiliumPeer[] | null {
  const lists: (readonly CiliumPeer[] | undefined)[] = [
    (entry.toEndpoints ?? entry.fromEndpoints)?.map(selector => endpoints(selector, namespace)),
    (entry.toEntities ?? entry.fromEntities)?.map(entity => ({ type: 'entity', entity })),
    (entry.toNodes ?? entry.fromNodes)?.map(selector => ({ type: 'nodes', selector })),
    (entry.toCIDR ?? entry.fromCIDR)?.map(cidr => ({ type: 'cidr', cidr, except: [] })),
    (entry.toCIDRSet ?? entry.fromCIDRSet)?.map(({ cidr, except = [] }) => ({
      ...({ type: 'cidr', cidr } as const),
      except: [...except].sort(),
    })),
    entry.toFQDNs?.map(nameMatch).map(each => ({ type: 'fqdn', ...each })),
    entry.toServices?.map(({ k8sService, k8sServiceSelector }) => ({
      type: 'service',
      name: k8sService?.serviceName ?? null,
      namespace: k8sService?.namespace ?? k8sServiceSelector?.namespace ?? namespace ?? '',
      selector: k8sServiceSelector?.selector ?? null,
    })),
  ];
  const given = lists.filter(list => list !== undefined);
  return given.length === 0 ? null : given.flat();
}

const namespaceKey = /^(k8s[:.]|any[:.])?io\.(kubernetes\.pod\.namespace$|cilium\.k8s\.namespace\.labels\.)/;

/** Within the policy's namespace, unless the selector names one or reserved identities. */
function endpoints(selector: LabelSelector, namespace: string | null): CiliumPeer {
  const keys = [
    ...Object.keys(selector.matchLabels ?? {}),
    ...(selector.matchExpressions ?? []).map(({ key }) => key),
  ];
  const isElsewhere = keys.some(
    key => namespaceKey.test(key) || key.startsWith('reserved:') || key.startsWith('reserved.'),
  );
  return { type: 'endpoints', selector, namespace: isElsewhere ? null : namespace };
}

interface PortAndLayer7 {
  readonly port: CiliumPortMatch;
  readonly layer7: CiliumLayer7 | null;
  /** Where a layer 7 match stands in its entry; empty without. */
  readonly within: string;
}

function portsOf({ toPorts = [], icmps = [] }: Entry): PortAndLayer7[] {
  const ofPorts = toPorts.flatMap(({ ports, rules }, i) => {
    const layer7: (CiliumLayer7 | null)[] = [
      ...(rules?.http ?? []).map(({ method, path, host, headers }) => ({
        ...({ type: 'http', method: method ?? null, path: path ?? null, host: host ?? null } as const),
        headers: headers ?? [],
      })),
      ...(rules?.dns ?? []).map(each => ({ type: 'dns' as const, ...nameMatch(each) })),
    ];
    const each = layer7.length > 0 ? layer7 : [null];
    const matches = ports?.length ? ports.flatMap(portMatches) : [{ type: 'any' } as const];
    const within = (layer7: CiliumLayer7 | null, k: number) =>
      layer7 ? `.toPorts[${i}].rules.${layer7.type}[${k}]` : '';
    return matches.flatMap(port => each.map((layer7, k) => ({ port, layer7, within: within(layer7, k) })));
  });
  const ofIcmp = icmps.flatMap(({ fields = [] }) =>
    fields.map(({ family = 'IPv4', type }) => ({
      port: { type: 'icmp' as const, family, icmpType: type },
      layer7: null,
      within: '',
    })),
  );
  return [...ofPorts, ...ofIcmp];
}

function portMatches({ port = '0', endPort, protocol = 'ANY' }: CiliumPort): CiliumPortMatch[] {
  const protocols = protocol === 'ANY' ? ['TCP', 'UDP', 'SCTP'] : [protocol];
  return protocols.map(each => {
    if (!/^\d+$/.test(port)) return { type: 'named', protocol: each, name: port };
    const first = Number(port);
    if (first === 0) return { type: 'range', protocol: each, first: 0, last: 65_535 };
    return { type: 'range', protocol: each, first, last: Math.max(first, endPort ?? 0) };
  });
}

function nameMatch({
  matchName,
  matchPattern,
}: {
  matchName?: string | undefined;
  matchPattern?: string | undefined;
}) {
  const plain = (text: string | undefined) => text?.toLowerCase().replace(/\.$/, '') ?? null;
  return { name: plain(matchName), pattern: plain(matchPattern) };
}
