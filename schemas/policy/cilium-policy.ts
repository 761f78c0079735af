/**
 * CiliumNetworkPolicy and CiliumClusterwideNetworkPolicy (cilium.io/v2), as far as Sluice writes and judges them.
 *
 * Owns: what a valid one looks like. What Sluice cannot judge (groups, required peers, listeners, Kafka, header
 * rewriting, authentication) is an unknown field, and so the document is refused instead of misjudged (I11).
 */

import { z } from 'zod';
import { contains, parseCidr } from './cidr.ts';
import { metadata } from './metadata.ts';
import { labelSelector } from './network-policy.ts';

const cidr = z
  .string()
  .refine(text => parseCidr(text) !== undefined, 'is no address range: write 10.0.0.0/8 or 2001:db8::/32');
const cidrSet = z.array(
  z
    .strictObject({ cidr, except: z.array(cidr).optional() })
    .refine(({ cidr, except = [] }) => except.every(inner => liesWithin(cidr, inner)), {
      message: 'must lie inside the cidr',
      path: ['except'],
    }),
);

function liesWithin(outer: string, inner: string): boolean {
  const [whole, part] = [parseCidr(outer), parseCidr(inner)];
  // What is no range at all has been reported as such.
  return !whole || !part || contains(whole, part);
}

export const entityNames = Object.freeze([
  ...['all', 'world', 'world-ipv4', 'world-ipv6', 'cluster', 'host', 'remote-node', 'kube-apiserver'],
  ...['init', 'ingress', 'unmanaged', 'health', 'none'],
]);
const entities = z.array(z.enum(entityNames));

const regex = z
  .string()
  .refine(
    isRegex,
    'is no regular expression that Cilium and Sluice both read: no look-around, back references or flags',
  );

/** Cilium's proxy reads RE2, which knows neither look-around nor back references. */
function isRegex(text: string): boolean {
  if (/\(\?<?[=!]|\\[1-9k]/.test(text)) return false;
  try {
    new RegExp(`^(?:${text})$`);
    return true;
  } catch {
    return false;
  }
}

const http = z.strictObject({
  method: regex.optional(),
  path: regex.optional(),
  host: regex.optional(),
  headers: z.array(z.string()).optional(),
});
const name = z.strictObject({
  matchName: z.string().min(1).optional(),
  matchPattern: z.string().min(1).optional(),
});
const named = name.refine(
  each => (each.matchName === undefined) !== (each.matchPattern === undefined),
  'names either a matchName or a matchPattern',
);

const port = z.strictObject({
  port: z
    .string()
    .regex(/^(\d{1,5}|[a-z0-9]([a-z0-9-]*[a-z0-9])?)$/, 'is a number or name, in quotes; "0" means all'),
  endPort: z.int().min(0).max(65_535).optional(),
  protocol: z.enum(['TCP', 'UDP', 'SCTP', 'ANY']).optional(),
});
const ports = z.array(port).max(40, 'holds at most 40 ports');
const toPorts = z
  .array(
    z
      .strictObject({
        ports: ports.optional(),
        rules: z
          .strictObject({ http: z.array(http).optional(), dns: z.array(named).optional() })
          .refine(rules => rules.http === undefined || rules.dns === undefined, 'is either http or dns')
          .optional(),
      })
      .refine(
        ({ ports = [], rules }) =>
          !rules?.http?.length || ports.every(({ protocol, port }) => protocol === 'TCP' && port !== '0'),
        'has http, which needs protocol: TCP and a port',
      )
      .refine(
        ({ ports = [], rules }) => !rules?.dns?.length || ports.some(({ port }) => port !== '0'),
        'has dns, which needs a port',
      ),
  )
  .optional();
const toPortsDenied = z.array(z.strictObject({ ports: ports.optional() })).optional();

const icmps = z
  .array(
    z.strictObject({
      fields: z
        .array(
          z.strictObject({
            family: z.enum(['IPv4', 'IPv6']).optional(),
            type: z.union([z.int().min(0).max(255), z.string()]),
          }),
        )
        .optional(),
    }),
  )
  .optional();

const service = z.strictObject({
  k8sService: z.strictObject({ serviceName: z.string(), namespace: z.string().optional() }).optional(),
  k8sServiceSelector: z
    .strictObject({ selector: labelSelector, namespace: z.string().optional() })
    .optional(),
});

const from = {
  fromEndpoints: z.array(labelSelector).optional(),
  fromEntities: entities.optional(),
  fromCIDR: z.array(cidr).optional(),
  fromCIDRSet: cidrSet.optional(),
  fromNodes: z.array(labelSelector).optional(),
  icmps,
};
const to = {
  toEndpoints: z.array(labelSelector).optional(),
  toEntities: entities.optional(),
  toCIDR: z.array(cidr).optional(),
  toCIDRSet: cidrSet.optional(),
  toNodes: z.array(labelSelector).optional(),
  toServices: z.array(service).optional(),
  icmps,
};

const peerKinds = /^(from|to)(Endpoints|Entities|CIDR|CIDRSet|Nodes|FQDNs)$/;

/** Cilium refuses an entry that combines what it cannot combine. */
function entryOf<Shape extends z.ZodRawShape>(shape: Shape) {
  const isGiven = (value: unknown) => Array.isArray(value) && value.length > 0;
  return z
    .strictObject(shape)
    .refine(
      entry =>
        Object.entries(entry).filter(([key, value]) => peerKinds.test(key) && isGiven(value)).length < 2,
      'names peers of more than one kind: write an entry for each',
    )
    .refine(
      (entry: { readonly toPorts?: unknown; readonly icmps?: unknown }) =>
        !isGiven(entry.toPorts) || !isGiven(entry.icmps),
      'has toPorts and icmps: write an entry for each',
    );
}

const hasRules = (
  entries: readonly { toPorts?: readonly { rules?: object | undefined }[] | undefined }[] = [],
  kind: string,
) => entries.some(({ toPorts = [] }) => toPorts.some(({ rules = {} }) => kind in rules));

const spec = z
  .strictObject({
    description: z.string().optional(),
    endpointSelector: labelSelector.optional(),
    nodeSelector: labelSelector.optional(),
    enableDefaultDeny: z
      .strictObject({ ingress: z.boolean().optional(), egress: z.boolean().optional() })
      .optional(),
    ingress: z.array(entryOf({ ...from, toPorts })).optional(),
    ingressDeny: z.array(entryOf({ ...from, toPorts: toPortsDenied })).optional(),
    egress: z.array(entryOf({ ...to, toFQDNs: z.array(named).optional(), toPorts })).optional(),
    egressDeny: z.array(entryOf({ ...to, toPorts: toPortsDenied })).optional(),
  })
  .refine(
    each => (each.endpointSelector === undefined) !== (each.nodeSelector === undefined),
    'has either an endpointSelector or a nodeSelector',
  )
  .refine(
    ({ ingress, ingressDeny, egress, egressDeny }) =>
      [ingress, ingressDeny, egress, egressDeny].some(entries => (entries?.length ?? 0) > 0),
    'has no entry: Cilium refuses it; an empty entry, {}, closes a direction',
  )
  .refine(each => !hasRules(each.ingress, 'dns'), 'has dns on ingress, where nobody asks for names')
  .refine(
    ({ nodeSelector, ingress, egress }) =>
      nodeSelector === undefined || !(hasRules(ingress, 'http') || hasRules(egress, 'http')),
    'has http, which Cilium does not take for nodes',
  );

const shared = {
  apiVersion: z.literal('cilium.io/v2'),
  metadata,
  spec: spec.optional(),
  specs: z.array(spec).optional(),
  status: z.looseObject({}).optional(),
};

export const ciliumNetworkPolicy = z.strictObject({ ...shared, kind: z.literal('CiliumNetworkPolicy') });
export const ciliumClusterwideNetworkPolicy = z.strictObject({
  ...shared,
  kind: z.literal('CiliumClusterwideNetworkPolicy'),
});

export type CiliumNetworkPolicy = z.infer<typeof ciliumNetworkPolicy>;
export type CiliumClusterwideNetworkPolicy = z.infer<typeof ciliumClusterwideNetworkPolicy>;
export type CiliumPolicy = CiliumNetworkPolicy | CiliumClusterwideNetworkPolicy;
export type CiliumSpec = z.infer<typeof spec>;
export type CiliumPort = z.infer<typeof port>;
