/**
 * KubeArmorPolicy documents (of a node: KubeArmorHostPolicy): an allow-list for each container, and a block for what none was seen doing.
 *
 * KubeArmor itself only audits system calls; the enforcer denies what the second document blocks.
 */

import { containerNameKey, type KubeArmorHostPolicy, type KubeArmorPolicy } from '#policy';
import type { Transport } from '#schemas';
import type { ContainerPolicy } from './container-rules.ts';
import { documentName } from './document-name.ts';
import type { EmitOptions, Emitted, Ground } from './emitted.ts';
import type { PathRule } from './generalise.ts';
import { isPattern } from './path-decision.ts';
import type { WorkloadPolicy } from './policy-ir.ts';
import type { Sourced } from './rule-sources.ts';

const severity = { unseen: 5, traced: 8 };

export function emitKubeArmor(policy: WorkloadPolicy, options: EmitOptions): Emitted[] {
  return policy.containers.flatMap(container => [
    ...allowList(policy, container, options),
    ...(container.traces ? [] : [block(policy, container)]),
  ]);
}

type Spec = Omit<KubeArmorPolicy['spec'], 'selector' | 'presets'>;

/** None when nothing at all was seen of the container. */
function allowList(policy: WorkloadPolicy, container: ContainerPolicy, options: EmitOptions): Emitted[] {
  const { executables, files, transports, capabilities } = container;
  const grounds = new Map<string, Ground>();
  const spec: Spec = { severity: severity.unseen };
  const confined = confinement(container, options);
  if (executables.length > 0) {
    spec.process = { matchPaths: executables.map(rule => ({ path: rule.path, ...confined(rule) })) };
    note(grounds, 'spec.process.matchPaths', executables, 'executes');
  }
  if (files.length > 0) {
    spec.file = fileSection(files, confined);
    if (options.fromSource && files.some(isOfPattern))
      options.lose(`container ${container.container}: patterns of files cannot be confined to executables`);
    note(grounds, 'spec.file.matchPaths', files.filter(isPath), 'opens');
    note(grounds, 'spec.file.matchDirectories', files.filter(isDirectory), 'opens');
    note(grounds, 'spec.file.matchPatterns', files.filter(isOfPattern), 'opens');
  }
  if (transports.length > 0) {
    spec.network = {
      matchProtocols: transports.map(rule => ({ protocol: protocolOf(rule.transport), ...confined(rule) })),
    };
    for (const [i, { transport, observed, evidence }] of transports.entries()) {
      const summary = `uses ${protocolOf(transport)}`;
      grounds.set(`spec.network.matchProtocols[${i}]`, { summary, observed, evidence });
    }
  }
  if (!options.capabilities) {
    for (const { capability } of capabilities)
      options.lose(
        `container ${container.container}: capability ${capability}: capabilities are not restricted`,
      );
  } else if (capabilities.length > 0) {
    spec.capabilities = {
      matchCapabilities: capabilities.map(rule => ({ capability: rule.capability, ...confined(rule) })),
    };
    for (const [i, { capability, evidence }] of capabilities.entries()) {
      const summary = `uses capability ${capability}`;
      grounds.set(`spec.capabilities.matchCapabilities[${i}]`, { summary, observed: 1, evidence });
    }
  }
  if (grounds.size === 0) return [];
  spec.action = 'Allow';
  spec.message = 'not seen while learning';
  return [{ object: documentFor(policy, container, { spec }), grounds }];
}

function block(policy: WorkloadPolicy, container: ContainerPolicy): Emitted {
  const spec: Spec = {
    severity: severity.traced,
    syscalls: { matchSyscalls: [{ syscall: ['ptrace'] }] },
    action: 'Block',
    message: 'tracing another process was never seen',
  };
  const ground = { summary: 'tracing another process was never seen', observed: 0, evidence: null };
  return {
    object: documentFor(policy, container, { spec, suffix: 'block' }),
    grounds: new Map([['spec.syscalls.matchSyscalls[0]', ground]]),
  };
}

function documentFor(
  policy: WorkloadPolicy,
  { container }: ContainerPolicy,
  { spec, suffix }: { readonly spec: Spec; readonly suffix?: string },
): KubeArmorPolicy | KubeArmorHostPolicy {
  const { namespace, workloadKind, workload, selector } = policy;
  const labels = { 'app.kubernetes.io/managed-by': 'sluice' };
  const named = { workloadKind, workload, ...(suffix && { suffix }) };
  if (workloadKind === 'Node') {
    return {
      apiVersion: 'security.kubearmor.com/v1',
      kind: 'KubeArmorHostPolicy',
      metadata: { name: documentName(named), labels },
      spec: { ...withSources(spec), nodeSelector: { matchLabels: { ...selector } } },
    };
  }
  const matchLabels = { ...selector, [containerNameKey]: `[${container}]` };
  return {
    apiVersion: 'security.kubearmor.com/v1',
    kind: 'KubeArmorPolicy',
    metadata: { name: documentName({ ...named, container }), namespace, labels },
    spec: { ...spec, selector: { matchLabels } },
  };
}

/** The definition for nodes requires the list of sources, where the one for pods does not: an empty one is for all. */
function withSources({
  network,
  capabilities,
  ...spec
}: Spec): Omit<KubeArmorHostPolicy['spec'], 'nodeSelector'> {
  const sourced = <T extends { fromSource?: { path: string }[] | undefined }>(entries: readonly T[] = []) =>
    entries.map(({ fromSource = [], ...entry }) => ({ ...entry, fromSource }));
  return {
    ...spec,
    ...(network && { network: { ...network, matchProtocols: sourced(network.matchProtocols) } }),
    ...(capabilities && {
      capabilities: { ...capabilities, matchCapabilities: sourced(capabilities.matchCapabilities) },
    }),
  };
}

type Confined = (rule: Sourced) => { fromSource?: { path: string }[] };

/** Rules are for everyone, unless they are to be confined and everyone behind them has a name; that one has none is reported. */
function confinement({ container }: ContainerPolicy, { fromSource, lose }: EmitOptions): Confined {
  return ({ sources }) => {
    if (!fromSource) return {};
    if (sources.length > 0) return { fromSource: sources.map(path => ({ path })) };
    lose(`container ${container}: some executables cannot be named: what they do is not confined to them`);
    return {};
  };
}

function fileSection(files: ContainerPolicy['files'], confined: Confined): Spec['file'] {
  const paths = files.filter(isPath);
  const directories = files.filter(isDirectory);
  const patterns = files.filter(isOfPattern);
  return {
    ...(patterns.length > 0 && {
      matchPatterns: patterns.map(({ path, readOnly }) => ({ pattern: path, ...(readOnly && { readOnly }) })),
    }),
    ...(paths.length > 0 && {
      matchPaths: paths.map(rule => ({
        path: rule.path,
        ...(rule.readOnly && { readOnly: true }),
        ...confined(rule),
      })),
    }),
    ...(directories.length > 0 && {
      matchDirectories: directories.map(rule => ({
        dir: rule.path,
        ...(rule.recursive && { recursive: true }),
        ...(rule.readOnly && { readOnly: true }),
        ...confined(rule),
      })),
    }),
  };
}

function isDirectory({ path }: PathRule): boolean {
  return path.endsWith('/');
}

function isOfPattern({ path }: PathRule): boolean {
  return isPattern(path);
}

function isPath(rule: PathRule): boolean {
  return !isDirectory(rule) && !isOfPattern(rule);
}

function note(
  grounds: Map<string, Ground>,
  at: string,
  rules: readonly PathRule[],
  verb: 'executes' | 'opens',
): void {
  for (const [i, { path, readOnly, observed, evidence, admits }] of rules.entries()) {
    const what = verb === 'executes' ? 'executes' : readOnly ? 'reads' : 'reads and writes';
    const summary = admits ? `${what} in ${path}; admits ${admits}` : `${what} ${path}`;
    grounds.set(`${at}[${i}]`, { summary, observed, evidence, admits });
  }
}

function protocolOf(transport: Transport): string {
  return transport.toLowerCase();
}
