/** Accesses, peers and documents in which truth tables say only what they are about. */

import { parseAnyPolicy } from '#policy';
import { type Peer, withDefaults } from '#schemas';
import type { Access } from './access.ts';
import { decide } from './decide.ts';

export const pod = { namespace: 'shop', labels: { app: 'web' }, container: 'nginx' };
export const base = {
  operation: 'CONNECT',
  object: '',
  transport: 'TCP',
  port: 80,
  peer: null,
  actor: pod,
} as const;
export const pods = (namespace: string, app: string): Peer =>
  withDefaults('Peer', { type: 'WORKLOAD', namespace, workload: app, selector: { app } });
export const address = (value: string): Peer => withDefaults('Peer', { type: 'ADDRESS', value });
export const entity = (value: string): Peer => withDefaults('Peer', { type: 'ENTITY', value });
export const fqdn = (value: string): Peer => withDefaults('Peer', { type: 'FQDN', value });
export const request = (method: string, path: string) => ({ http: { method, path, host: '' } });
export const query = (object: string) => ({
  operation: 'DNS' as const,
  object,
  transport: 'UDP' as const,
  port: 53,
});

export const cilium = (spec: object, { kind = 'CiliumNetworkPolicy', namespace = 'shop' } = {}) =>
  parseAnyPolicy(
    {
      apiVersion: 'cilium.io/v2',
      kind,
      metadata: { name: 'p', ...(kind === 'CiliumNetworkPolicy' && { namespace }) },
      spec: { endpointSelector: { matchLabels: { app: 'web' } }, ...spec },
    },
    'test',
  );
export const kubeArmor = (spec: object) =>
  parseAnyPolicy(
    {
      apiVersion: 'security.kubearmor.com/v1',
      kind: 'KubeArmorPolicy',
      metadata: { name: 'k', namespace: 'shop' },
      spec: { selector: { matchLabels: { app: 'web' } }, ...spec },
    },
    'test',
  );
export const verdict = (policy: ReturnType<typeof cilium>, access: Partial<Access>) =>
  decide([policy], { ...base, ...access }).verdict;

export const port80 = [{ ports: [{ port: '80', protocol: 'TCP' }] }];
