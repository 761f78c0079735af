/**
 * Accesses that a set of documents speaks of: for each rule those it names, and for each closed class one that no rule names.
 *
 * Owns: from rules to accesses. A rule that names one thing gives exactly that. One that names many (a directory, a pattern, a
 * range of ports, a regular expression) gives some of them, marked as samples: what holds for a sample holds for everything that
 * only this rule speaks of.
 * Does not own: the verdict on them (decide.ts).
 */

import {
  type AnyPolicyObject,
  ciliumParts,
  containerNameKey,
  containersOf,
  type FlatRule,
  flattenRules,
  type LabelSelector,
  type Match,
} from '#policy';
import type { Transport } from '#schemas';
import type { Access, Actor } from './access.ts';
import { accessText } from './access-text.ts';
import { closedDirection, type Deed, type DeedProbe, exact, labelsOf, nothing, unnamed } from './probe.ts';
import { ciliumProbes } from './probes-cilium.ts';
import { trafficProbes } from './probes-network.ts';

export interface Probe {
  readonly access: Access;
  /** In words; of a sample, what it stands for. */
  readonly what: string;
  readonly isSample: boolean;
}

export interface Probes {
  readonly probes: readonly Probe[];
  /** Rules that say something no access can be made of, as `<document> <place>`. */
  readonly unjudged: readonly string[];
}

export function probesOf(objects: readonly AnyPolicyObject[]): Probes {
  const unjudged: string[] = [];
  const probes = objects.flatMap(object => {
    const name = `${object.kind} ${object.metadata.name}`;
    const groups = isCilium(object)
      ? ciliumParts(object).map(({ spec, rules }) => ({
          actors: [ciliumActor(object, spec)],
          made: rules.map(rule => ({ at: rule.at, deeds: ciliumProbes(rule) })),
        }))
      : [
          {
            actors: actorsOf(object),
            made: flattenRules(object).map(rule => ({ at: rule.at, deeds: ruleProbes(rule) })),
          },
        ];
    return groups.flatMap(({ actors, made }) =>
      made.flatMap(({ at, deeds }) => {
        if (deeds.length === 0) unjudged.push(`${name} ${at}`);
        return deeds.flatMap(({ deed, what, isSample }) =>
          actors.map((actor): Probe => ({ access: { ...deed, actor }, what, isSample })),
        );
      }),
    );
  });
  return { probes, unjudged };
}

type Flat = Exclude<AnyPolicyObject, { kind: 'CiliumNetworkPolicy' | 'CiliumClusterwideNetworkPolicy' }>;
type Cilium = Exclude<AnyPolicyObject, Flat>;

function isCilium(object: AnyPolicyObject): object is Cilium {
  return object.kind === 'CiliumNetworkPolicy' || object.kind === 'CiliumClusterwideNetworkPolicy';
}

/** Whoever the document selects, with just the labels it asks for. */
function actorsOf(object: Flat): Actor[] {
  if (object.kind === 'KubeArmorHostPolicy') return [{ nodeLabels: labelsOf(object.spec.nodeSelector) }];
  const namespace = object.metadata.namespace ?? 'default';
  if (object.kind === 'NetworkPolicy')
    return [{ namespace, labels: labelsOf(object.spec.podSelector), container: unnamed }];
  const { [containerNameKey]: _, ...labels } = object.spec.selector?.matchLabels ?? {};
  return (containersOf(object) ?? [unnamed]).map(container => ({ namespace, labels, container }));
}

function ciliumActor(
  { metadata }: Cilium,
  { endpointSelector, nodeSelector }: Parameters<typeof selectorOf>[0],
): Actor {
  const labels = selectorOf({ endpointSelector, nodeSelector });
  if (nodeSelector) return { nodeLabels: labels };
  return { namespace: metadata.namespace ?? 'default', labels, container: unnamed };
}

function selectorOf(spec: {
  readonly endpointSelector?: LabelSelector | undefined;
  readonly nodeSelector?: LabelSelector | undefined;
}): Record<string, string> {
  const labels = labelsOf(spec.endpointSelector ?? spec.nodeSelector ?? {});
  return Object.fromEntries(
    Object.entries(labels).map(([key, value]) => [key.replace(/^(k8s|any)[:.]/, ''), value]),
  );
}

function ruleProbes(rule: FlatRule): DeedProbe[] {
  const { match } = rule;
  switch (match.type) {
    case 'default':
      return defaultProbes(rule);
    case 'path':
      return pathProbes(rule, match.path, match.path);
    case 'directory': {
      const { directory, recursive } = match;
      const direct = pathProbes(rule, `${directory}${unnamed}`, `${directory}*`);
      if (!recursive) return direct;
      return [...direct, ...pathProbes(rule, `${directory}${unnamed}/${unnamed}`, `${directory}**`)];
    }
    case 'pattern': {
      const path = match.pattern.replaceAll(/\*\*?|\?/g, unnamed).replaceAll(/\{([^,}]*)[^}]*\}/g, '$1');
      return pathProbes(rule, path, match.pattern);
    }
    case 'execname':
      return pathProbes(rule, `/${unnamed}/${match.execname}`, `any ${match.execname}`);
    case 'protocol':
      return protocolProbes(match);
    case 'domain':
      return sources(match).map(source =>
        exact({ ...nothing, operation: 'DNS', transport: 'UDP', object: match.domain, source }),
      );
    case 'capability':
      return sources(match).map(source =>
        exact({ ...nothing, operation: 'CAPABILITY', object: match.capability, source }),
      );
    case 'syscall':
      if (match.path !== null) return [];
      return [exact({ ...nothing, operation: 'SYSCALL', object: match.syscall })];
    case 'traffic':
      return trafficProbes(rule.class === 'egress' ? 'CONNECT' : 'ACCEPT', match);
    default:
      return [];
  }
}

function pathProbes({ class: ruleClass, match }: FlatRule, path: string, shown: string): DeedProbe[] {
  const operations = ruleClass === 'process' ? (['EXEC'] as const) : (['FILE_READ', 'FILE_WRITE'] as const);
  return operations.flatMap(operation =>
    sources(match).map((source): DeedProbe => {
      const deed = { ...nothing, operation, object: path, source };
      return { deed, what: accessText({ ...deed, object: shown }), isSample: path !== shown };
    }),
  );
}

/** Every executable the rule is for, and, since it is for these alone, another one. */
function sources(match: Match): readonly string[] {
  const named = 'fromSource' in match ? (match.fromSource as readonly string[]) : [];
  return named.length > 0 ? [...named, ''] : [''];
}

const transports: readonly Transport[] = ['TCP', 'UDP', 'SCTP', 'ICMP', 'ICMPV6', 'RAW'];

function protocolProbes(match: Extract<Match, { type: 'protocol' }>): DeedProbe[] {
  const named = transports.filter(each => match.protocol === 'all' || each === match.protocol.toUpperCase());
  return named.flatMap(transport =>
    sources(match).map(source => exact({ ...nothing, operation: 'SOCKET', transport, source })),
  );
}

/** What no rule names. */
function defaultProbes({ class: ruleClass }: FlatRule): DeedProbe[] {
  const sample = (deed: Deed, what: string): DeedProbe => ({ deed, what, isSample: true });
  switch (ruleClass) {
    case 'process':
      return [
        sample({ ...nothing, operation: 'EXEC', object: `/${unnamed}` }, 'executes what no rule names'),
      ];
    case 'file':
      return [
        sample({ ...nothing, operation: 'FILE_READ', object: `/${unnamed}` }, 'reads what no rule names'),
        sample({ ...nothing, operation: 'FILE_WRITE', object: `/${unnamed}` }, 'writes what no rule names'),
      ];
    case 'network':
      return transports.map(transport => exact({ ...nothing, operation: 'SOCKET', transport }));
    case 'capability':
      return [
        sample(
          { ...nothing, operation: 'CAPABILITY', object: unnamed },
          'uses a capability that no rule names',
        ),
      ];
    case 'dns':
      return [
        sample(
          { ...nothing, operation: 'DNS', transport: 'UDP', object: unnamed },
          'asks for a name that no rule names',
        ),
      ];
    default:
      return closedDirection(ruleClass === 'egress' ? 'egress' : 'ingress');
  }
}
