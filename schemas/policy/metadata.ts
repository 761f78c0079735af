/** metadata of a Kubernetes object, as far as policies need it; what the API server adds is let through. */

import { z } from 'zod';

/** Names of our two kinds are DNS subdomains. */
const name = z
  .string()
  .max(253)
  .regex(
    /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
    'is no object name: lower case letters, digits, inner - and .',
  );

export const metadata = z.looseObject({
  name,
  namespace: z.string().optional(),
  labels: z.record(z.string(), z.string()).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
});
