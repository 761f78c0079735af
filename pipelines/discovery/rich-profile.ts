/** A profile in which every kind of behaviour occurs: what every emitter is shown at least once. */

import { type Behaviour, type BehaviourProfile, type Peer, withDefaults } from '#schemas';
import { evidenceAt } from './behaviour-arbitrary.ts';

const seen = (given: Partial<Behaviour>): Behaviour =>
  withDefaults('Behaviour', {
    operation: 'CONNECT',
    transport: 'TCP',
    port: 80,
    evidence: evidenceAt(1),
    ...given,
  });
const system = (given: Partial<Behaviour>) =>
  seen({ transport: 'OTHER', port: 0, source: '/usr/bin/app', ...given });

const db = withDefaults('Peer', {
  ...{ type: 'WORKLOAD', namespace: 'data', workloadKind: 'StatefulSet', workload: 'db' },
  selector: { 'app.kubernetes.io/name': 'db', tier: 'back' },
});
const dnsServer = withDefaults('Peer', {
  ...{ type: 'WORKLOAD', namespace: 'kube-system', workloadKind: 'Deployment', workload: 'coredns' },
  selector: { 'k8s-app': 'kube-dns' },
});
const address = (value: string): Peer => withDefaults('Peer', { type: 'ADDRESS', value });
const entity = (value: string): Peer => withDefaults('Peer', { type: 'ENTITY', value });
const fqdn = (value: string): Peer => withDefaults('Peer', { type: 'FQDN', value });
const http = (method: string, path: string) => ({ http: { method, path, host: '' } });

export const everyKindOfBehaviour: readonly Behaviour[] = [
  seen({ peer: db, port: 5432 }),
  seen({ peer: db, port: 8080, ...http('GET', '/item/1') }),
  seen({ peer: db, port: 8080, ...http('GET', '/item/2') }),
  seen({ operation: 'ACCEPT', peer: db, port: 8080, ...http('POST', '/a+b/(c)') }),
  seen({ operation: 'ACCEPT', peer: db, port: 9090 }),
  seen({ operation: 'ACCEPT', peer: entity('world'), port: 443 }),
  seen({ peer: entity('kube-apiserver'), port: 6443 }),
  seen({ peer: entity('host'), transport: 'ICMP', object: '8', port: 0 }),
  seen({ peer: entity('remote-node'), transport: 'ICMPV6', object: '128', port: 0 }),
  seen({ peer: db, transport: 'SCTP', port: 3868 }),
  seen({ operation: 'SEND', peer: db, transport: 'UDP', port: 8125 }),
  seen({ peer: address('192.0.2.1/32'), port: 443 }),
  seen({ peer: address('2001:db8::1/128'), port: 443 }),
  seen({ peer: fqdn('api.example'), port: 443 }),
  seen({ operation: 'DNS', object: 'api.example', transport: 'UDP', port: 53, peer: dnsServer }),
  seen({
    operation: 'DNS',
    object: 'name.example',
    transport: 'OTHER',
    port: 0,
    peer: address('192.0.2.9/32'),
  }),
  seen({ peer: address('192.0.2.9/32'), port: 8443, evidence: evidenceAt(5) }),
  seen({ operation: 'BIND', transport: 'UDP', port: 514 }),
  seen({ operation: 'SYSCALL', object: 'socket', transport: 'RAW', port: 0 }),
  system({ operation: 'EXEC', object: '/usr/bin/app' }),
  system({ operation: 'EXEC', object: '/opt/my app/ü "x"' }),
  system({ operation: 'FILE_READ', object: '/etc/app.conf' }),
  system({ operation: 'FILE_READ', object: '/data/..2026_01_01_00_00_00.1/key' }),
  system({ operation: 'FILE_WRITE', object: '/tmp/tmpab12cd34' }),
  system({ operation: 'FILE_WRITE', object: '/var/lib/app/' }),
  system({ operation: 'FILE_READ', object: '/proc/4711/status' }),
  system({ operation: 'FILE_READ', object: '/etc/new\nline' }),
  system({ operation: 'FILE_READ', object: `/${'L'.repeat(230)}` }),
  system({ operation: 'CAPABILITY', object: 'net_raw' }),
];

export function ofPods(behaviours: readonly Behaviour[]): BehaviourProfile {
  const whose = {
    cluster: 'c',
    namespace: 'shop',
    workloadKind: 'Deployment',
    workload: 'web',
    images: [],
    alerts: [],
  };
  return { ...whose, selector: { app: 'web' }, container: 'x', behaviours: [...behaviours] };
}

export function ofNode(behaviours: readonly Behaviour[]): BehaviourProfile {
  const whose = { cluster: 'c', namespace: '', workloadKind: 'Node', workload: 'n1', images: [], alerts: [] };
  return {
    ...whose,
    selector: { 'kubernetes.io/hostname': 'n1' },
    container: '',
    behaviours: [...behaviours],
  };
}
