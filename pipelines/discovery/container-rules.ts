/**
 * What one container, or a node itself, may do: executables, files, transports, capabilities.
 *
 * Owns: which behaviours make which rule, what of them is lost. Pure, and sorted throughout.
 * Does not own: which paths become one rule (generalise.ts), whom it may talk to (network-ir.ts).
 */

import { joinEvidence } from '#policy';
import type { Behaviour, BehaviourProfile, Evidence, Transport } from '#schemas';
import { generalise, type PathRule } from './generalise.ts';
import { compareText } from './order.ts';
import type { PathOptions } from './path-options.ts';
import { type Sourced, sourcesOf, withSources } from './rule-sources.ts';
import { isTraffic, opensSocket } from './traffic-behaviours.ts';

export interface ContainerPolicy {
  /** Empty for a node. */
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

export interface ContainerOptions {
  readonly paths: PathOptions;
  readonly widen: boolean;
  /** Called with what was seen and is in no rule. */
  readonly lose: (what: string) => void;
}

type Lose = ContainerOptions['lose'];

export function containerPolicy(profile: BehaviourProfile, options: ContainerOptions): ContainerPolicy {
  const { container, workloadKind, behaviours } = profile;
  const who = workloadKind === 'Node' ? 'the node itself' : `container ${container}`;
  const lose = (what: string) => options.lose(`${who}: ${what}`);
  const executables = executableRules(behaviours, lose);
  const files = fileRules(behaviours, { ...options, lose });
  const transports = transportRules(behaviours, lose);
  const unseen = [
    ...(executables.length === 0 ? ['execution'] : []),
    ...(files.length === 0 ? ['file access'] : []),
    ...(transports.length === 0 ? ['socket'] : []),
  ];
  for (const what of unseen) lose(`no ${what} was seen: that is not restricted`);
  return {
    ...{ container, executables, files, transports },
    capabilities: capabilityRules(behaviours),
    traces: behaviours.some(({ operation, object }) => operation === 'SYSCALL' && object === 'ptrace'),
  };
}

function executableRules(behaviours: readonly Behaviour[], lose: Lose): (PathRule & Sourced)[] {
  const executions = behaviours.filter(({ operation }) => operation === 'EXEC');
  const rules = generalise(
    executions.map(({ object, evidence }) => ({ path: object, write: false, evidence })),
    { paths: null, report: (path, why) => lose(`execution of ${pathName(path)}: ${why}`) },
  );
  // What ran before the recording began was executed, too: how is not known, so it is told instead of admitted.
  const started = new Set(executions.map(({ object }) => object));
  const acting = behaviours.filter(({ operation }) => operation !== 'EXEC').map(({ source }) => source);
  for (const path of new Set(acting)) {
    if (!path.startsWith('/') || started.has(path)) continue;
    const fate = rules.length > 0 ? ': the next one is denied' : ', nor what it does when it starts';
    lose(`execution of ${path}: it runs, but its start was not seen${fate}`);
  }
  return withSources(rules, executions);
}

function fileRules(
  behaviours: readonly Behaviour[],
  { paths, widen, lose }: ContainerOptions,
): (PathRule & Sourced)[] {
  const opens = behaviours.filter(({ operation }) => operation === 'FILE_READ' || operation === 'FILE_WRITE');
  const accesses = opens.map(({ operation, object, evidence }) => ({
    ...{ path: object, write: operation === 'FILE_WRITE', evidence },
  }));
  const report = (path: string, why: string) => lose(`access to ${pathName(path)}: ${why}`);
  return withSources(generalise(accesses, { paths, widen, report }), opens);
}

/** Enforcers write what they could not resolve (deleted files, mostly) under one name. */
function pathName(path: string): string {
  return path.startsWith('unresolved:') ? 'an object without a path' : path;
}

const expressible: readonly Transport[] = ['TCP', 'UDP', 'SCTP', 'ICMP', 'ICMPV6', 'RAW'];

function transportRules(behaviours: readonly Behaviour[], lose: Lose): (TransportRule & Sourced)[] {
  const using = behaviours.filter(each => isTraffic(each) || opensSocket(each));
  return [...Map.groupBy(using, ({ transport }) => transport)]
    .sort(([a], [b]) => compareText(a, b))
    .flatMap(([transport, seen]): (TransportRule & Sourced)[] => {
      const evidence = joinEvidence(seen.map(each => each.evidence))!;
      if (expressible.includes(transport))
        return [{ transport, observed: seen.length, sources: sourcesOf(seen), evidence }];
      lose('a socket of a family that no rule can name');
      return [];
    });
}

function capabilityRules(behaviours: readonly Behaviour[]): CapabilityRule[] {
  const used = behaviours.filter(({ operation }) => operation === 'CAPABILITY');
  return [...Map.groupBy(used, ({ object }) => object)]
    .sort(([a], [b]) => compareText(a, b))
    .map(([capability, seen]) => ({
      ...{ capability, sources: sourcesOf(seen) },
      evidence: joinEvidence(seen.map(({ evidence }) => evidence))!,
    }));
}
