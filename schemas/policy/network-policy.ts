/** NetworkPolicy (networking.k8s.io/v1), as strict as the API server's own validation. */

import { z } from 'zod';
import { contains, parseCidr } from './cidr.ts';
import { metadata } from './metadata.ts';

const requirement = z
  .strictObject({
    key: z.string().min(1),
    operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']),
    values: z.array(z.string()).optional(),
  })
  .refine(
    ({ operator, values = [] }) => (operator === 'In' || operator === 'NotIn') === values.length > 0,
    'In and NotIn need values, Exists and DoesNotExist have none',
  );

/** An empty one selects everything. */
export const labelSelector = z.strictObject({
  matchLabels: z.record(z.string(), z.string()).optional(),
  matchExpressions: z.array(requirement).optional(),
});

export type LabelSelector = z.infer<typeof labelSelector>;

const cidr = z
  .string()
  .refine(text => parseCidr(text) !== undefined, 'is no address range: write 10.0.0.0/8 or 2001:db8::/32');

const ipBlock = z
  .strictObject({ cidr, except: z.array(cidr).optional() })
  .refine(({ cidr, except = [] }) => except.every(inner => isWithin(cidr, inner)), {
    message: 'must lie inside the cidr',
    path: ['except'],
  });

function isWithin(outer: string, inner: string): boolean {
  const [whole, part] = [parseCidr(outer), parseCidr(inner)];
  // What is no range at all has been reported as such.
  return !whole || !part || (contains(whole, part) && whole.prefix < part.prefix);
}

const peer = z
  .strictObject({
    ipBlock: ipBlock.optional(),
    podSelector: labelSelector.optional(),
    namespaceSelector: labelSelector.optional(),
  })
  .refine(
    ({ ipBlock, podSelector, namespaceSelector }) =>
      (ipBlock !== undefined) !== (podSelector !== undefined || namespaceSelector !== undefined),
    'is either an ipBlock or a podSelector with or without a namespaceSelector',
  );

const portNumber = z.int().min(1).max(65_535);

const port = z
  .strictObject({
    protocol: z.enum(['TCP', 'UDP', 'SCTP']).optional(),
    port: z
      .union([portNumber, z.string().regex(/^(?=.*[a-z])[a-z0-9]([a-z0-9-]{0,13}[a-z0-9])?$/)], {
        error: 'is a number from 1 to 65535 or the name of a container port',
      })
      .optional(),
    endPort: portNumber.optional(),
  })
  .refine(
    ({ port, endPort }) => endPort === undefined || (typeof port === 'number' && port <= endPort),
    'endPort needs a port number that is not larger',
  );

export const networkPolicy = z.strictObject({
  apiVersion: z.literal('networking.k8s.io/v1'),
  kind: z.literal('NetworkPolicy'),
  metadata,
  spec: z.strictObject({
    podSelector: labelSelector,
    policyTypes: z.array(z.enum(['Ingress', 'Egress'])).optional(),
    ingress: z
      .array(z.strictObject({ from: z.array(peer).optional(), ports: z.array(port).optional() }))
      .optional(),
    egress: z
      .array(z.strictObject({ to: z.array(peer).optional(), ports: z.array(port).optional() }))
      .optional(),
  }),
});

export type NetworkPolicy = z.infer<typeof networkPolicy>;
export type NetworkPolicyPeer = z.infer<typeof peer>;
export type NetworkPolicyPort = z.infer<typeof port>;
