/**
 * KubeArmorPolicy (security.kubearmor.com/v1) as its resource definition has it.
 *
 * Owns: what a valid one looks like. Stricter than the definition where that accepts what can never match (I11): paths
 * must be written as the kernel writes them, and names that definition leaves open must be ones KubeArmor knows.
 * Does not own: what rules mean (rules.ts), what a node can enforce (the enforcer).
 */

import { z } from 'zod';
import { metadata } from './metadata.ts';
import { syscallNames } from './syscall-names.ts';

const longestPath = 200;
const largestArgs = 20;

const action = z.enum(['Allow', 'Audit', 'Block']);

/** Told apart from what an operator may write at each level; the most local one counts. */
const inherited = {
  severity: z.int().min(1).max(10).optional(),
  tags: z.array(z.string()).optional(),
  message: z.string().optional(),
};
const told = { ...inherited, action: action.optional() };

const isNormal = (path: string) => !/\/\/|\/\.{1,2}(\/|$)/.test(path);
const notNormal = 'is never what the kernel sees: write it without //, /./ and /../';

const path = z
  .string()
  .max(longestPath, `is longer than ${longestPath} characters: admit its directory instead`)
  .regex(/^\/+.*[^/]$/, 'must begin with / and not end with it: directories go under matchDirectories')
  .refine(isNormal, notNormal);
const directory = z
  .string()
  .regex(/^\/$|^\/.*\/$/, 'must begin and end with /')
  .refine(isNormal, notNormal);

const source = z.strictObject({ path });
const fromSource = z.array(source).optional();
const flag = z.boolean().optional();

const file = z.strictObject({
  ...told,
  matchPaths: z
    .array(z.strictObject({ ...told, path, readOnly: flag, ownerOnly: flag, pts: flag, fromSource }))
    .optional(),
  matchDirectories: z
    .array(
      z.strictObject({
        ...told,
        dir: directory,
        recursive: flag,
        readOnly: flag,
        ownerOnly: flag,
        pts: flag,
        fromSource,
      }),
    )
    .optional(),
  matchPatterns: z
    .array(z.strictObject({ ...told, pattern: z.string().min(1), readOnly: flag, ownerOnly: flag }))
    .optional(),
});

const executable = z
  .strictObject({
    ...told,
    path: path.optional(),
    execname: z
      .string()
      .regex(/^[^/]+$/, 'is a bare file name: no /')
      .optional(),
    allowedArgs: z.array(z.string()).max(largestArgs, `holds at most ${largestArgs}`).optional(),
    ownerOnly: flag,
    pts: flag,
    fromSource,
  })
  .refine(rule => (rule.path === undefined) !== (rule.execname === undefined), {
    message: 'names either a path or an execname',
  });

const process = z.strictObject({
  ...told,
  matchPaths: z.array(executable).optional(),
  matchDirectories: z
    .array(
      z.strictObject({ ...told, dir: directory, recursive: flag, ownerOnly: flag, pts: flag, fromSource }),
    )
    .optional(),
  matchPatterns: z.array(z.strictObject({ ...told, pattern: z.string().min(1), ownerOnly: flag })).optional(),
});

export const protocolNames = Object.freeze([
  'tcp',
  'udp',
  'raw',
  'icmp',
  'icmpv6',
  'sctp',
  'stream',
  'dgram',
  'rdm',
  'seqpacket',
  'dccp',
  'packet',
  'all',
]);

const capabilityNames =
  `chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable net_bind_service net_broadcast
  net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace sys_pacct sys_admin sys_boot sys_nice
  sys_resource sys_time sys_tty_config mknod lease audit_write audit_control setfcap mac_override mac_admin`.split(
    /\s+/,
  );

const network = z.strictObject({
  ...inherited,
  action: action.optional(),
  matchProtocols: z
    .array(z.strictObject({ ...told, protocol: listOf(protocolNames, 'protocol'), pts: flag, fromSource }))
    .optional(),
  matchDNSQueries: z.array(z.strictObject({ ...told, domain: z.string().min(1), fromSource })).optional(),
});

const capabilities = z.strictObject({
  ...told,
  matchCapabilities: z
    .array(z.strictObject({ ...told, capability: listOf(capabilityNames, 'capability'), fromSource }))
    .optional(),
});

/** KubeArmor takes comma lists, in lower or upper case, where its definition speaks of one name. */
function listOf(names: readonly string[], what: string) {
  return z.string().refine(text => namesIn(text).every(name => names.includes(name)), {
    error: `is no ${what}: use ${names.join(', ')}`,
  });
}

/** The names of a comma list, in lower case. */
export function namesIn(list: string): string[] {
  return list.split(',').map(name => name.trim().toLowerCase());
}

const syscall = z.array(z.enum(syscallNames)).optional();
const syscallSource = z
  .array(z.strictObject({ path: path.optional(), dir: z.string().optional(), recursive: flag }))
  .optional();

const syscalls = z.strictObject({
  ...inherited,
  matchSyscalls: z.array(z.strictObject({ syscall, fromSource: syscallSource })).optional(),
  matchPaths: z
    .array(
      z.strictObject({
        path: z.union([path, directory]),
        recursive: flag,
        syscall,
        fromSource: syscallSource,
      }),
    )
    .optional(),
});

/** The label key under which a selector names containers of the pod: `"[nginx,sidecar]"`. */
export const containerNameKey = 'kubearmor.io/container.name';
const containerList = /^\[[^[\],\s]+(,\s*[^[\],\s]+)*\]$/;

const selector = z.strictObject({
  matchLabels: z
    .record(z.string(), z.string())
    .refine(
      labels => labels[containerNameKey] === undefined || containerList.test(labels[containerNameKey]),
      {
        message: `${containerNameKey} lists containers in brackets: "[nginx,sidecar]"`,
      },
    )
    .optional(),
  matchExpressions: z
    .array(
      z.strictObject({
        key: z.literal('label'),
        operator: z.enum(['In', 'NotIn']),
        values: z.array(z.string().regex(/^[^=]+=[^=]*$/, 'is written key=value')).min(1),
      }),
    )
    .optional(),
});

export const kubeArmorPolicy = z.strictObject({
  apiVersion: z.literal('security.kubearmor.com/v1'),
  kind: z.literal('KubeArmorPolicy'),
  metadata,
  spec: z.strictObject({
    ...told,
    selector: selector.optional(),
    process: process.optional(),
    file: file.optional(),
    network: network.optional(),
    capabilities: capabilities.optional(),
    syscalls: syscalls.optional(),
    presets: z
      .array(
        z.strictObject({
          name: z.enum(['protectEnv', 'filelessExec', 'anonMapExec', 'exec', 'protectProc']),
          action: action.optional(),
        }),
      )
      .optional(),
    apparmor: z.string().optional(),
  }),
  status: z.strictObject({ status: z.string().optional() }).optional(),
});

/** Their definition for nodes requires sources where the one for pods does not; an empty list is for all. */
const hostNetwork = network.extend({
  matchProtocols: z
    .array(
      z.strictObject({ ...told, protocol: listOf(protocolNames, 'protocol'), fromSource: z.array(source) }),
    )
    .optional(),
});
const hostCapabilities = capabilities.extend({
  matchCapabilities: z
    .array(
      z.strictObject({
        ...told,
        capability: listOf(capabilityNames, 'capability'),
        fromSource: z.array(source),
      }),
    )
    .optional(),
});

/** The same for nodes: no presets, and a selector of node labels. */
export const kubeArmorHostPolicy = z.strictObject({
  apiVersion: z.literal('security.kubearmor.com/v1'),
  kind: z.literal('KubeArmorHostPolicy'),
  metadata,
  spec: z.strictObject({
    ...told,
    nodeSelector: z.strictObject({ matchLabels: z.record(z.string(), z.string()).optional() }),
    process: process.optional(),
    file: file.optional(),
    network: hostNetwork.optional(),
    capabilities: hostCapabilities.optional(),
    syscalls: syscalls.optional(),
    apparmor: z.string().optional(),
  }),
  status: z.strictObject({ status: z.string().optional() }).optional(),
});

export type KubeArmorHostPolicy = z.infer<typeof kubeArmorHostPolicy>;
export type KubeArmorPolicy = z.infer<typeof kubeArmorPolicy>;
export type PolicyAction = z.infer<typeof action>;
