/**
 * A policy before it has a form: what one workload may do, and on which evidence.
 *
 * Owns: from behaviours to access rules. Pure, and sorted throughout: the same behaviours in whatever order give the same
 * policy, whatever their counts (I2).
 * Does not own: which paths become one rule (generalise.ts), the documents (emit-*.ts).
 */

import { joinEvidence } from '#policy';
import type { Behaviour, BehaviourProfile, Evidence, Transport } from '#schemas';
import { generalise, type PathRule } from './generalise.ts';
import type { HttpOptions } from './generalise-http.ts';
import { type NetworkRules, networkRules } from './network-ir.ts';
import { compareText } from './order.ts';
import type { PathOptions } from './path-options.ts';
import { type Sourced, sourcesOf, withSources } from './rule-sources.ts';
import { withoutSuspects } from './suspect-behaviours.ts';

export interface WorkloadPolicy {
  readonly cluster: string;
  readonly namespace: string;
  readonly workloadKind: string;
  readonly workload: string;
  readonly selector: Readonly<Record<string, string>>;
  readonly containers: readonly ContainerPolicy[];
  /** Of the whole pod; null when no network activity was seen. */
  readonly network: NetworkRules | null;
  /** What was seen and is in no rule. */
  readonly losses: readonly string[];
}

export interface ContainerPolicy {
  readonly container: string;
  readonly executables: readonly (PathRule & Sourced)[];
  readonly files: readonly (PathRule & Sourced)[];
  readonly transports: readonly (TransportRule & Sourced)[];
  readonly capabilities: readonly CapabilityRule[];
  /** Whether it was seen tracing another process. */
  readonly traces: boolean;
}

export interface CapabilityRule extends Sourced {
  readonly capability: string;
  readonly evidence: Evidence;
}

export interface TransportRule {
  readonly transport: Transport;
  readonly observed: number;
  readonly evidence: Evidence;
}

export interface RuleOptions extends FileOptions {
  readonly http: HttpOptions;
}

interface FileOptions {
  readonly paths: PathOptions;
  readonly widen: boolean;
}

/** Profiles of the containers of one workload. Errors: none; what cannot be expressed is among the losses. */
export function workloadPolicy(
  profiles: readonly BehaviourProfile[],
  { http, ...options }: RuleOptions,
): WorkloadPolicy {
  const losses = new Set<string>();
  const learned = withoutSuspects(profiles, { lose: what => losses.add(what) });
  const sorted = learned.toSorted((a, b) => compareText(a.container, b.container));
  const [first] = sorted;
  if (!first) throw new RangeError('a policy needs at least one profile');
  const { cluster, namespace, workloadKind, workload } = first;
  // What was seen on the wire is the pod's, under no container's name: it says nothing of what a container may call. A node has none.
  const containers = sorted
    .filter(({ container }) => container !== '' || workloadKind === 'Node')
    .map(profile => containerPolicy(profile, losses, options));
  const network = networkRules(sorted, { losses, http });
  return {
    ...{ cluster, namespace, workloadKind, workload },
    selector: selectorOf(sorted),
    containers,
    network,
    losses: [...losses].sort(compareText),
  };
}

/** The containers of a workload share its selector; when they were told at different times the longest spelling counts. */
function selectorOf(profiles: readonly BehaviourProfile[]): Readonly<Record<string, string>> {
  const spelled = (selector: object) => JSON.stringify(Object.entries(selector).sort());
  const selectors = profiles.map(({ selector }) => selector).filter(each => Object.keys(each).length > 0);
  const [best = {}] = selectors.sort((a, b) => compareText(spelled(a), spelled(b)));
  return Object.fromEntries(Object.entries(best).sort(([a], [b]) => compareText(a, b)));
}

function containerPolicy(
  { container, behaviours }: BehaviourProfile,
  losses: Set<string>,
  options: FileOptions,
): ContainerPolicy {
  const lose = (what: string) => losses.add(`container ${container}: ${what}`);
  const of = (...operations: Behaviour['operation'][]) =>
    behaviours.filter(({ operation }) => operations.includes(operation));
  const executions = of('EXEC');
  const executables = generalise(
    executions.map(({ object, evidence }) => ({ path: object, write: false, evidence })),
    { paths: null, report: (path, why) => lose(`execution of ${pathName(path)}: ${why}`) },
  );
  const opens = of('FILE_READ', 'FILE_WRITE');
  const files = generalise(
    opens.map(({ operation, object, evidence }) => ({
      path: object,
      write: operation === 'FILE_WRITE',
      evidence,
    })),
    { ...options, report: (path, why) => lose(`access to ${pathName(path)}: ${why}`) },
  );
  const capabilities = [...Map.groupBy(of('CAPABILITY'), ({ object }) => object)]
    .sort(([a], [b]) => compareText(a, b))
    .map(([capability, seen]) => ({
      ...{ capability, sources: sourcesOf(seen) },
      evidence: joinEvidence(seen.map(({ evidence }) => evidence))!,
    }));
  const traces = of('SYSCALL').some(({ object }) => object === 'ptrace');
  const transports = transportRules(behaviours, lose);
  const unseen = [
    ...(executables.length === 0 ? ['execution'] : []),
    ...(files.length === 0 ? ['file access'] : []),
    ...(transports.length === 0 ? ['socket'] : []),
  ];
  for (const what of unseen) lose(`no ${what} was seen: that is not restricted`);
  return {
    container,
    executables: withSources(executables, executions),
    files: withSources(files, opens),
    ...{ transports, capabilities, traces },
  };
}

/** Enforcers write what they could not resolve (deleted files, mostly) under one name. */
function pathName(path: string): string {
  return path.startsWith('unresolved:') ? 'an object without a path' : path;
}

const expressible: readonly Transport[] = ['TCP', 'UDP', 'SCTP', 'ICMP', 'ICMPV6', 'RAW'];

function isNetwork({ operation, object }: Behaviour): boolean {
  if (operation === 'SYSCALL') return object === 'socket';
  return ['CONNECT', 'ACCEPT', 'BIND', 'SEND'].includes(operation);
}

function transportRules(
  behaviours: readonly Behaviour[],
  lose: (what: string) => void,
): (TransportRule & Sourced)[] {
  const byTransport = Map.groupBy(behaviours.filter(isNetwork), ({ transport }) => transport);
  return [...byTransport]
    .sort(([a], [b]) => compareText(a, b))
    .flatMap(([transport, seen]): (TransportRule & Sourced)[] => {
      const evidence = joinEvidence(seen.map(each => each.evidence))!;
      if (expressible.includes(transport))
        return [{ transport, observed: seen.length, sources: sourcesOf(seen), evidence }];
      lose('a socket of a family that no rule can name');
      return [];
    });
}
