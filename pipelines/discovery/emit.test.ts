import { describe, expect, it } from 'vitest';
import { parseAnyDocument } from '#policy';
import { type Behaviour, type BehaviourProfile, type Evidence, type Peer, withDefaults } from '#schemas';
import { decide } from './decide.ts';
import { type EmitterName, makePolicy, policyDefaults } from './make-policy.ts';

const evidence: Evidence = {
  ...{ count: 1, firstSeen: 1, lastSeen: 1, replicas: ['r'], days: [0], samples: [] },
  sketch: [1],
};
const db = withDefaults('Peer', {
  ...{
    type: 'WORKLOAD',
    namespace: 'data',
    workloadKind: 'StatefulSet',
    workload: 'db',
    selector: { app: 'db' },
  },
});
const dns = withDefaults('Peer', {
  ...{
    type: 'WORKLOAD',
    namespace: 'net',
    workloadKind: 'Deployment',
    workload: 'coredns',
    selector: { app: 'dns' },
  },
});
const address = (value: string): Peer => withDefaults('Peer', { type: 'ADDRESS', value });
const seen = (given: Partial<Behaviour>): Behaviour =>
  withDefaults('Behaviour', { operation: 'CONNECT', transport: 'TCP', port: 80, evidence, ...given });
const get = (path: string) => ({ http: { method: 'GET', path, host: '' } });
const at = (firstSeen: number): Partial<Behaviour> => ({
  evidence: { ...evidence, firstSeen, lastSeen: firstSeen },
});

type Whose = Pick<BehaviourProfile, 'namespace' | 'workloadKind' | 'workload' | 'selector' | 'container'>;
const pod: Whose = {
  namespace: 'shop',
  workloadKind: 'Deployment',
  workload: 'web',
  selector: { app: 'web' },
  container: 'x',
};
const node = {
  namespace: '',
  workloadKind: 'Node',
  workload: 'n1',
  selector: { 'kubernetes.io/hostname': 'n1' },
  container: '',
};

function made(behaviours: readonly Behaviour[], emit: EmitterName, options = {}, whose: Whose = pod) {
  const profile: BehaviourProfile = {
    cluster: 'c',
    images: [],
    alerts: [],
    ...whose,
    behaviours: [...behaviours],
  };
  const policy = makePolicy([profile], [emit], { ...policyDefaults, ...options })!;
  return { ...policy, objects: policy.documents.map(parseAnyDocument) };
}

function cilium(behaviours: readonly Behaviour[]) {
  const { objects, losses, rules } = made(behaviours, 'cilium');
  const [object] = objects;
  if (object?.kind !== 'CiliumNetworkPolicy') throw new Error('no CiliumNetworkPolicy was written');
  return { ...object.spec!, losses, rules };
}

describe('a CiliumNetworkPolicy', () => {
  it('names pods with their namespace, and closes the direction in which nothing was seen', () => {
    const { egress, ingress, endpointSelector } = cilium([seen({ peer: db, port: 5432 })]);
    expect(endpointSelector).toEqual({ matchLabels: { app: 'web' } });
    expect(egress).toEqual([
      {
        toEndpoints: [{ matchLabels: { app: 'db', 'k8s:io.kubernetes.pod.namespace': 'data' } }],
        toPorts: [{ ports: [{ port: '5432', protocol: 'TCP' }] }],
      },
    ]);
    expect(ingress).toEqual([{}]);
  });

  it('names requests, and not the connection that carried them', () => {
    const { ingress, rules } = cilium([
      seen({ operation: 'ACCEPT', peer: db }),
      seen({ operation: 'ACCEPT', peer: db, ...get('/item/1') }),
      seen({ operation: 'ACCEPT', peer: db, ...get('/item/2') }),
    ]);
    expect(ingress![0]!.toPorts).toEqual([
      {
        ports: [{ port: '80', protocol: 'TCP' }],
        rules: { http: [{ method: 'GET', path: '/item/[0-9]+' }] },
      },
    ]);
    expect(rules.map(({ summary }) => summary)).toContain(
      'answers StatefulSet data/db, TCP port 80: GET /item/[0-9]+; admits any number in its place, of which 2 were seen',
    );
  });

  it('names an address by the name that was answered for it before, and asks the server that answered', () => {
    const answers = [
      seen({ operation: 'DNS', object: 'api.example', transport: 'UDP', port: 53, peer: dns }),
      seen({
        operation: 'DNS',
        object: 'api.example',
        transport: 'OTHER',
        port: 0,
        peer: address('192.0.2.1/32'),
        ...at(5),
      }),
    ];
    const to = (firstSeen: number) =>
      cilium([...answers, seen({ peer: address('192.0.2.1/32'), port: 443, ...at(firstSeen) })]);
    expect(to(5).egress).toEqual([
      { toFQDNs: [{ matchName: 'api.example' }], toPorts: [{ ports: [{ port: '443', protocol: 'TCP' }] }] },
      {
        toEndpoints: [{ matchLabels: { app: 'dns', 'k8s:io.kubernetes.pod.namespace': 'net' } }],
        toPorts: [
          { ports: [{ port: '53', protocol: 'UDP' }], rules: { dns: [{ matchName: 'api.example' }] } },
        ],
      },
    ]);
    expect(to(4).egress![0]).toMatchObject({ toCIDR: ['192.0.2.1/32'] });
  });

  it('names a node by its address, and says where Cilium takes that', () => {
    const node = { ...address('192.168.0.5/32'), workloadKind: 'Node', workload: 'n1' };
    const { egress, losses } = cilium([seen({ peer: node, port: 9100 })]);
    expect(egress![0]).toMatchObject({ toCIDR: ['192.168.0.5/32'] });
    expect(losses.join()).toContain('that is node n1, and Cilium takes ranges for nodes only with');
  });

  it('assumes kube-dns where the server was not seen, and says so', () => {
    const name = withDefaults('Peer', { type: 'FQDN', value: 'api.example' });
    const { egress, losses } = cilium([seen({ peer: name, port: 443 })]);
    expect(egress![1]!.toEndpoints![0]!.matchLabels).toMatchObject({ 'k8s-app': 'kube-dns' });
    const protocols = egress!.slice(1).flatMap(({ toPorts }) => toPorts![0]!.ports![0]!.protocol);
    expect(protocols).toEqual(['UDP', 'TCP']);
    expect(losses.join()).toContain('kube-dns in kube-system is assumed');
  });

  it('names ICMP types and reserved identities', () => {
    const host = withDefaults('Peer', { type: 'ENTITY', value: 'host' });
    const { egress } = cilium([
      seen({ peer: host, transport: 'ICMP', object: '8', port: 0 }),
      seen({ peer: host, transport: 'SCTP', port: 3868 }),
    ]);
    expect(egress).toEqual([
      { toEntities: ['host'], icmps: [{ fields: [{ family: 'IPv4', type: 8 }] }] },
      { toEntities: ['host'], toPorts: [{ ports: [{ port: '3868', protocol: 'SCTP' }] }] },
    ]);
  });
});

describe('a NetworkPolicy', () => {
  const requests = [seen({ peer: db, ...get('/a') })];
  const egressOf = ({ objects: [object] }: ReturnType<typeof made>) =>
    object?.kind === 'NetworkPolicy' ? object.spec.egress : undefined;

  it('leaves requests out and reports them: without them it would admit all requests', () => {
    const policy = made(requests, 'kubernetes');
    expect(egressOf(policy)).toBeUndefined();
    expect(policy.losses).toContain(
      'egress StatefulSet data/db, TCP port 80: a NetworkPolicy cannot name requests; left out (a CiliumNetworkPolicy can; with widen all are admitted)',
    );
  });

  it('admits all requests when that is asked for, and reports it as widened', () => {
    const policy = made(requests, 'kubernetes', { widen: true });
    expect(egressOf(policy)).toHaveLength(1);
    expect(policy.losses.join()).toContain(
      'widened: a NetworkPolicy cannot name requests, so it admits all of them',
    );
  });

  it('names what was reached by a name by the addresses at which it was reached, and never everybody', () => {
    const answer = seen({
      operation: 'DNS',
      object: 'a.example',
      transport: 'OTHER',
      port: 0,
      peer: address('192.0.2.1/32'),
    });
    const policy = made([answer, seen({ peer: address('192.0.2.1/32') })], 'kubernetes');
    expect(egressOf(policy)).toMatchObject([{ to: [{ ipBlock: { cidr: '192.0.2.1/32' } }] }]);
    const unknown = made(
      [seen({ peer: withDefaults('Peer', { type: 'FQDN', value: 'a.example' }) })],
      'kubernetes',
    );
    expect(egressOf(unknown)).toBeUndefined();
    expect(unknown.losses).toContain('egress a.example, TCP port 80: a NetworkPolicy cannot name a.example');
  });
});

describe('policies of a node', () => {
  const behaviours = [
    seen({ operation: 'EXEC', object: '/usr/bin/kubelet', transport: 'OTHER', port: 0 }),
    seen({ peer: db }),
  ];

  it('are a KubeArmorHostPolicy and a CiliumClusterwideNetworkPolicy that select it, and no NetworkPolicy', () => {
    const [allow, block] = made(behaviours, 'kubearmor', {}, node).objects;
    expect([allow!.kind, block!.kind]).toEqual(['KubeArmorHostPolicy', 'KubeArmorHostPolicy']);
    expect(allow!.spec).toMatchObject({ nodeSelector: { matchLabels: { 'kubernetes.io/hostname': 'n1' } } });
    // The resource definition of KubeArmorHostPolicy requires it here.
    expect(allow!.spec).toMatchObject({ network: { matchProtocols: [{ protocol: 'tcp', fromSource: [] }] } });
    const [cilium] = made(behaviours, 'cilium', {}, node).objects;
    expect(cilium).toMatchObject({
      ...{ kind: 'CiliumClusterwideNetworkPolicy' },
      spec: { nodeSelector: { matchLabels: { 'kubernetes.io/hostname': 'n1' } } },
    });
    expect(
      makePolicy([{ cluster: 'c', images: [], alerts: [], ...node, behaviours }], ['kubernetes']),
    ).toBeUndefined();
  });
});

describe('capabilities', () => {
  const use = [seen({ operation: 'CAPABILITY', object: 'net_raw', transport: 'OTHER', port: 0 })];

  it('are restricted when that is asked for, and reported otherwise', () => {
    const [document] = made(use, 'kubearmor', { capabilities: true }).objects;
    expect(document!.spec).toMatchObject({
      capabilities: { matchCapabilities: [{ capability: 'net_raw' }] },
    });
    const losses = made([...use, seen({ peer: db })], 'kubearmor').losses;
    expect(losses).toContain('container x: capability net_raw: capabilities are not restricted');
  });
});

describe('files of processes', () => {
  const open = (object: string) =>
    seen({ operation: 'FILE_READ', object, transport: 'OTHER', port: 0, peer: null });
  const use = [open('/proc/23/stat'), open('/proc/24/environ')];

  it('are patterns when that is asked for, which admit the same file of any other and nothing else of it', () => {
    const paths = { ...policyDefaults.paths, patterns: true };
    const { objects } = made(use, 'kubearmor', { paths });
    const policy = objects.find(({ metadata }) => !metadata.name.endsWith('-block'));
    expect(policy!.spec).toMatchObject({
      file: {
        matchPatterns: [{ pattern: '/proc/*/stat', readOnly: true }],
        matchPaths: [{ path: '/proc/24/environ', readOnly: true }],
      },
    });
    const actor = { namespace: pod.namespace, labels: pod.selector, container: pod.container };
    const verdictOn = (object: string) => decide(objects, { ...open(object), actor }).verdict;
    expect(['/proc/99/stat', '/proc/24/environ'].map(verdictOn)).toEqual(['allow', 'allow']);
    expect(['/proc/99/environ', '/proc/99/maps', '/proc/stat'].map(verdictOn)).toEqual([
      'deny',
      'deny',
      'deny',
    ]);
  });
});
