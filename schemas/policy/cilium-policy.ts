/**
 * CiliumNetworkPolicy and CiliumClusterwideNetworkPolicy (cilium.io/v2), as far as Sluice writes and judges them.
 *
 * Owns: what a valid one looks like. What Sluice cannot judge (groups, required peers, listeners, Kafka, header
 * rewriting, authentication) is an unknown field, and so the document is refused instead of misjudged (I11).
 */

import { z } from 'zod';
import { parseCidr } from './cidr.ts';
import { metadata } from './metadata.ts';
import { labelSelector } from './network-policy.ts';

const cidr = z
  .string()
  .refine(text => parseCidr(text) !== undefined, 'is no address range: write 10.0.0.0/8 or 2001:db8::/32');
const cidrSet = z.array(z.strictObject({ cidr, except: z.array(cidr).optional() }));

export const entityNames = Object.freeze([
  ...['all', 'world', 'world-ipv4', 'world-ipv6', 'cluster', 'host', 'remote-node', 'kube-apiserver'],
  ...['init', 'ingress', 'unmanaged', 'health', 'none'],
]);
const entities = z.array(z.enum(entityNames));

const regex = z.string().refine(isRegex, 'is no regular expression');

function isRegex(text: string): boolean {
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

const port = z
  .strictObject({
    port: z
      .string()
      .regex(/^(\d{1,5}|[a-z0-9]([a-z0-9-]*[a-z0-9])?)$/, 'is a number or name, in quotes')
      .optional(),
    endPort: z.int().min(0).max(65_535).optional(),
    protocol: z.enum(['TCP', 'UDP', 'SCTP', 'ANY']).optional(),
  })
  .refine(each => each.port !== undefined || each.endPort === undefined, 'endPort needs a port');
const ports = z.array(port).max(40, 'holds at most 40 ports');
const toPorts = z
  .array(
    z.strictObject({
      ports: ports.optional(),
      rules: z
        .strictObject({ http: z.array(http).optional(), dns: z.array(named).optional() })
        .refine(rules => rules.http === undefined || rules.dns === undefined, 'is either http or dns')
        .optional(),
    }),
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

const spec = z
  .strictObject({
    description: z.string().optional(),
    endpointSelector: labelSelector.optional(),
    nodeSelector: labelSelector.optional(),
    enableDefaultDeny: z
      .strictObject({ ingress: z.boolean().optional(), egress: z.boolean().optional() })
      .optional(),
    ingress: z.array(z.strictObject({ ...from, toPorts })).optional(),
    ingressDeny: z.array(z.strictObject({ ...from, toPorts: toPortsDenied })).optional(),
    egress: z.array(z.strictObject({ ...to, toFQDNs: z.array(named).optional(), toPorts })).optional(),
    egressDeny: z.array(z.strictObject({ ...to, toPorts: toPortsDenied })).optional(),
  })
  .refine(
    each => (each.endpointSelector === undefined) !== (each.nodeSelector === undefined),
    'has either an endpointSelector or a nodeSelector',
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
