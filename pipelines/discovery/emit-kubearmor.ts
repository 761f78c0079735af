/**
 * KubeArmorPolicy documents: an allow-list for each container, and a block for what none was seen doing.
 *
 * KubeArmor itself only audits system calls; the enforcer denies what the second document blocks.
 */

import { containerNameKey, type KubeArmorPolicy } from '#policy';
import type { Transport } from '#schemas';
import { documentName } from './document-name.ts';
import type { Emitted, Ground } from './emitted.ts';
import type { PathRule } from './generalise.ts';
import type { ContainerPolicy, WorkloadPolicy } from './policy-ir.ts';

const severity = { unseen: 5, traced: 8 };

export function emitKubeArmor(policy: WorkloadPolicy): Emitted[] {
  return policy.containers.flatMap(container => [
    ...allowList(policy, container),
    ...(container.traces ? [] : [block(policy, container)]),
  ]);
}

type Spec = KubeArmorPolicy['spec'];

/** None when nothing at all was seen of the container. */
function allowList(policy: WorkloadPolicy, container: ContainerPolicy): Emitted[] {
  const { executables, files, transports } = container;
  const grounds = new Map<string, Ground>();
  const spec: Spec = { severity: severity.unseen, selector: selectorOf(policy, container) };
  if (executables.length > 0) {
    spec.process = { matchPaths: executables.map(({ path }) => ({ path })) };
    note(grounds, 'spec.process.matchPaths', executables, 'executes');
  }
  if (files.length > 0) {
    spec.file = fileSection(files);
    note(grounds, 'spec.file.matchPaths', files.filter(isPath), 'opens');
    note(grounds, 'spec.file.matchDirectories', files.filter(isDirectory), 'opens');
  }
  if (transports.length > 0) {
    spec.network = {
      matchProtocols: transports.map(({ transport }) => ({ protocol: protocolOf(transport) })),
    };
    for (const [i, { transport, observed, evidence }] of transports.entries()) {
      const summary = `uses ${protocolOf(transport)}`;
      grounds.set(`spec.network.matchProtocols[${i}]`, { summary, observed, evidence });
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
    selector: selectorOf(policy, container),
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
  { namespace, workloadKind, workload }: WorkloadPolicy,
  { container }: ContainerPolicy,
  { spec, suffix }: { readonly spec: Spec; readonly suffix?: string },
): KubeArmorPolicy {
  const name = documentName({ workloadKind, workload, container, ...(suffix && { suffix }) });
  return {
    apiVersion: 'security.kubearmor.com/v1',
    kind: 'KubeArmorPolicy',
    metadata: { name, namespace, labels: { 'app.kubernetes.io/managed-by': 'sluice' } },
    spec,
  };
}

function selectorOf({ selector }: WorkloadPolicy, { container }: ContainerPolicy): Spec['selector'] {
  return { matchLabels: { ...selector, [containerNameKey]: `[${container}]` } };
}

function fileSection(files: readonly PathRule[]): Spec['file'] {
  const paths = files.filter(isPath);
  const directories = files.filter(isDirectory);
  return {
    ...(paths.length > 0 && {
      matchPaths: paths.map(({ path, readOnly }) => ({ path, ...(readOnly && { readOnly }) })),
    }),
    ...(directories.length > 0 && {
      matchDirectories: directories.map(({ path, recursive, readOnly }) => ({
        dir: path,
        ...(recursive && { recursive }),
        ...(readOnly && { readOnly }),
      })),
    }),
  };
}

function isDirectory({ path }: PathRule): boolean {
  return path.endsWith('/');
}

function isPath(rule: PathRule): boolean {
  return !isDirectory(rule);
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
    grounds.set(`${at}[${i}]`, { summary, observed, evidence });
  }
}

function protocolOf(transport: Transport): string {
  return transport.toLowerCase();
}
