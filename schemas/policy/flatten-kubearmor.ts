/** The rules of a KubeArmorPolicy: action, severity, tags and message from the most local level that names them. */

import type { Conditions, Match, RuleClass, SyscallSource, UnnamedRule } from './flat-rule.ts';
import {
  type KubeArmorHostPolicy,
  type KubeArmorPolicy,
  namesIn,
  type PolicyAction,
} from './kubearmor-policy.ts';

interface Told {
  readonly action?: PolicyAction | undefined;
  readonly severity?: number | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly message?: string | undefined;
}

type Spec = Omit<KubeArmorPolicy['spec'], 'selector'>;

/** What process and file sections hold, taken together: the fields one of them has not are absent there. */
interface PathSection extends Told {
  readonly matchPaths?: readonly (PathEntry & {
    readonly path?: string | undefined;
    readonly execname?: string | undefined;
    readonly allowedArgs?: readonly string[] | undefined;
  })[];
  readonly matchDirectories?: readonly (PathEntry & {
    readonly dir: string;
    readonly recursive?: boolean | undefined;
  })[];
  readonly matchPatterns?: readonly (PathEntry & { readonly pattern: string })[];
}

interface Conditional {
  readonly fromSource?: readonly { readonly path: string }[] | undefined;
  readonly ownerOnly?: boolean | undefined;
  readonly pts?: boolean | undefined;
}

interface PathEntry extends Told, Conditional {
  readonly readOnly?: boolean | undefined;
}

const allowListed: readonly RuleClass[] = ['process', 'file', 'network', 'dns', 'capability'];

export function flattenKubeArmor({ spec }: KubeArmorPolicy | KubeArmorHostPolicy): UnnamedRule[] {
  const rules = [
    ...pathRules(spec, 'process'),
    ...pathRules(spec, 'file'),
    ...networkRules(spec),
    ...capabilityRules(spec),
    ...syscallRules(spec),
    ...wholeRules(spec),
  ];
  const restricted = allowListed.filter(name =>
    rules.some(rule => rule.class === name && rule.action === 'Allow'),
  );
  const posture = { ...resolve(spec), action: 'Block' as const, match: { type: 'default' as const } };
  return [...rules, ...restricted.map(name => ({ ...posture, class: name, at: `spec.${sectionOf[name]}` }))];
}

const sectionOf: Partial<Record<RuleClass, string>> = {
  process: 'process',
  file: 'file',
  network: 'network',
  dns: 'network',
  capability: 'capabilities',
};

function* pathRules(spec: Spec, name: 'process' | 'file'): Iterable<UnnamedRule> {
  const section: PathSection | undefined = spec[name];
  if (!section) return;
  const rule = (entry: Told, at: string, match: Match) => ({
    class: name,
    match,
    at: `spec.${name}.${at}`,
    ...resolve(entry, section, spec),
  });
  for (const [i, entry] of (section.matchPaths ?? []).entries()) {
    const { path, execname, allowedArgs = null } = entry;
    const conditions = { ...conditionsOf(entry), readOnly: entry.readOnly ?? false, allowedArgs };
    const match: Match =
      path === undefined
        ? { type: 'execname', execname: execname!, ...conditions }
        : { type: 'path', path, ...conditions };
    yield rule(entry, `matchPaths[${i}]`, match);
  }
  for (const [i, entry] of (section.matchDirectories ?? []).entries()) {
    const { dir, recursive = false, readOnly = false } = entry;
    const match: Match = { type: 'directory', directory: dir, recursive, readOnly, ...conditionsOf(entry) };
    yield rule(entry, `matchDirectories[${i}]`, match);
  }
  for (const [i, entry] of (section.matchPatterns ?? []).entries()) {
    const { pattern, readOnly = false } = entry;
    yield rule(entry, `matchPatterns[${i}]`, { type: 'pattern', pattern, readOnly, ...conditionsOf(entry) });
  }
}

function* networkRules(spec: Spec): Iterable<UnnamedRule> {
  const { network } = spec;
  if (!network) return;
  for (const [i, entry] of (network.matchProtocols ?? []).entries()) {
    for (const protocol of namesIn(entry.protocol)) {
      yield {
        class: 'network',
        match: { type: 'protocol', protocol, ...conditionsOf(entry) },
        at: `spec.network.matchProtocols[${i}]`,
        ...resolve(entry, network, spec),
      };
    }
  }
  for (const [i, entry] of (network.matchDNSQueries ?? []).entries()) {
    yield {
      class: 'dns',
      match: { type: 'domain', domain: entry.domain, ...conditionsOf(entry) },
      at: `spec.network.matchDNSQueries[${i}]`,
      ...resolve(entry, network, spec),
    };
  }
}

function* capabilityRules(spec: Spec): Iterable<UnnamedRule> {
  const { capabilities } = spec;
  for (const [i, entry] of (capabilities?.matchCapabilities ?? []).entries()) {
    for (const capability of namesIn(entry.capability)) {
      yield {
        class: 'capability',
        match: { type: 'capability', capability, ...conditionsOf(entry) },
        at: `spec.capabilities.matchCapabilities[${i}]`,
        ...resolve(entry, capabilities!, spec),
      };
    }
  }
}

function* syscallRules(spec: Spec): Iterable<UnnamedRule> {
  const { syscalls } = spec;
  const entries = [
    ...(syscalls?.matchSyscalls ?? []).map((entry, i) => ({ entry, at: `matchSyscalls[${i}]`, path: null })),
    ...(syscalls?.matchPaths ?? []).map((entry, i) => ({ entry, at: `matchPaths[${i}]`, path: entry.path })),
  ];
  for (const { entry, at, path } of entries) {
    const recursive = 'recursive' in entry ? (entry.recursive ?? false) : false;
    const fromSource = (entry.fromSource ?? []).map(syscallSource);
    for (const syscall of entry.syscall ?? []) {
      yield {
        class: 'syscall',
        match: { type: 'syscall', syscall, path, recursive, fromSource },
        at: `spec.syscalls.${at}`,
        ...resolve(syscalls!, spec),
      };
    }
  }
}

function syscallSource({
  path,
  dir,
  recursive,
}: {
  path?: string;
  dir?: string;
  recursive?: boolean;
}): SyscallSource {
  return { path: path ?? dir ?? '', recursive: recursive ?? false };
}

function* wholeRules(spec: Spec): Iterable<UnnamedRule> {
  for (const [i, entry] of (spec.presets ?? []).entries()) {
    yield {
      class: 'preset',
      match: { type: 'preset', preset: entry.name },
      at: `spec.presets[${i}]`,
      ...resolve(entry, spec),
    };
  }
  if (spec.apparmor !== undefined) {
    const match: Match = { type: 'apparmor', profile: spec.apparmor };
    yield { class: 'apparmor', match, at: 'spec.apparmor', ...resolve(spec) };
  }
}

function conditionsOf(entry: Conditional): Conditions {
  return {
    fromSource: (entry.fromSource ?? []).map(({ path }) => path).sort(),
    ownerOnly: entry.ownerOnly ?? false,
    pts: entry.pts ?? null,
  };
}

/** From the most local level to the least. */
function resolve(...levels: readonly Told[]): Pick<UnnamedRule, 'action' | 'severity' | 'tags' | 'message'> {
  const first = <K extends keyof Told>(name: K) => levels.find(level => level[name] !== undefined)?.[name];
  return {
    action: first('action') ?? 'Block',
    severity: first('severity') ?? 1,
    tags: first('tags') ?? [],
    message: first('message') ?? '',
  };
}
