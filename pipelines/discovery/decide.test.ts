import { describe, expect, it } from 'vitest';
import { parseAnyPolicy } from '#policy';
import { type Peer, withDefaults } from '#schemas';
import type { Access } from './access.ts';
import { decide, PolicySet } from './decide.ts';

const pod = { namespace: 'shop', labels: { app: 'web' }, container: 'nginx' };
const base = {
  operation: 'CONNECT',
  object: '',
  transport: 'TCP',
  port: 80,
  peer: null,
  actor: pod,
} as const;
const pods = (namespace: string, app: string): Peer =>
  withDefaults('Peer', { type: 'WORKLOAD', namespace, workload: app, selector: { app } });
const address = (value: string): Peer => withDefaults('Peer', { type: 'ADDRESS', value });
const entity = (value: string): Peer => withDefaults('Peer', { type: 'ENTITY', value });
const fqdn = (value: string): Peer => withDefaults('Peer', { type: 'FQDN', value });
const request = (method: string, path: string) => ({ http: { method, path, host: '' } });
const query = (object: string) => ({
  operation: 'DNS' as const,
  object,
  transport: 'UDP' as const,
  port: 53,
});

const cilium = (spec: object, { kind = 'CiliumNetworkPolicy', namespace = 'shop' } = {}) =>
  parseAnyPolicy(
    {
      apiVersion: 'cilium.io/v2',
      kind,
      metadata: { name: 'p', ...(kind === 'CiliumNetworkPolicy' && { namespace }) },
      spec: { endpointSelector: { matchLabels: { app: 'web' } }, ...spec },
    },
    'test',
  );
const kubeArmor = (spec: object) =>
  parseAnyPolicy(
    {
      apiVersion: 'security.kubearmor.com/v1',
      kind: 'KubeArmorPolicy',
      metadata: { name: 'k', namespace: 'shop' },
      spec: { selector: { matchLabels: { app: 'web' } }, ...spec },
    },
    'test',
  );
const verdict = (policy: ReturnType<typeof cilium>, access: Partial<Access>) =>
  decide([policy], { ...base, ...access }).verdict;

const port80 = [{ ports: [{ port: '80', protocol: 'TCP' }] }];

describe('a Cilium policy', () => {
  it.each([
    [
      'labels alone mean pods of its own namespace',
      [{ toEndpoints: [{ matchLabels: { app: 'db' } }] }],
      pods('shop', 'db'),
      'allow',
    ],
    [
      'labels alone do not reach another namespace',
      [{ toEndpoints: [{ matchLabels: { app: 'db' } }] }],
      pods('data', 'db'),
      'deny',
    ],
    [
      'a namespace label reaches there',
      [{ toEndpoints: [{ matchLabels: { 'k8s:app': 'db', 'k8s:io.kubernetes.pod.namespace': 'data' } }] }],
      pods('data', 'db'),
      'allow',
    ],
    [
      'a namespace expression reaches there',
      [
        {
          toEndpoints: [
            { matchExpressions: [{ key: 'k8s:io.kubernetes.pod.namespace', operator: 'Exists' }] },
          ],
        },
      ],
      pods('data', 'db'),
      'allow',
    ],
    ['an empty selector means its own namespace', [{ toEndpoints: [{}] }], pods('data', 'db'), 'deny'],
    ['an empty selector means no address', [{ toEndpoints: [{}] }], address('192.0.2.1/32'), 'deny'],
    [
      'a reserved label means that identity',
      [{ toEndpoints: [{ matchLabels: { 'reserved:host': '' } }] }],
      entity('host'),
      'allow',
    ],
    [
      'a reserved label means no other',
      [{ toEndpoints: [{ matchLabels: { 'reserved:host': '' } }] }],
      entity('remote-node'),
      'deny',
    ],
    ['an empty list of peers means nobody', [{ toEndpoints: [] }], pods('shop', 'db'), 'deny'],
    ['an empty entry means nobody', [{}], pods('shop', 'db'), 'deny'],
    ['ports alone mean anybody', [{ toPorts: port80 }], address('192.0.2.1/32'), 'allow'],
    ['an entity means itself', [{ toEntities: ['kube-apiserver'] }], entity('kube-apiserver'), 'allow'],
    ['the world means addresses', [{ toEntities: ['world'] }], address('192.0.2.1/32'), 'allow'],
    ['the world means names', [{ toEntities: ['world'] }], fqdn('a.example'), 'allow'],
    ['the world means no pods', [{ toEntities: ['world'] }], pods('data', 'db'), 'deny'],
    [
      'the world of a family means that family',
      [{ toEntities: ['world-ipv6'] }],
      address('192.0.2.1/32'),
      'deny',
    ],
    ['the cluster means pods of all namespaces', [{ toEntities: ['cluster'] }], pods('data', 'db'), 'allow'],
    ['the cluster means nodes', [{ toEntities: ['cluster'] }], entity('remote-node'), 'allow'],
    ['the cluster means no addresses', [{ toEntities: ['cluster'] }], address('192.0.2.1/32'), 'deny'],
    ['all means all', [{ toEntities: ['all'] }], entity('unmanaged'), 'allow'],
    ['a range means what lies in it', [{ toCIDR: ['192.0.2.0/24'] }], address('192.0.2.9/32'), 'allow'],
    ['a range means no pods', [{ toCIDR: ['0.0.0.0/0'] }], pods('shop', 'db'), 'deny'],
    [
      'a range has exceptions',
      [{ toCIDRSet: [{ cidr: '192.0.2.0/24', except: ['192.0.2.8/29'] }] }],
      address('192.0.2.9/32'),
      'deny',
    ],
    ['a range of IPv6 means IPv6', [{ toCIDR: ['2001:db8::/32'] }], address('2001:db8::7/128'), 'allow'],
    [
      'a name means itself',
      [{ toFQDNs: [{ matchName: 'API.example.com.' }] }],
      fqdn('api.example.com'),
      'allow',
    ],
    [
      'a name means no part of it',
      [{ toFQDNs: [{ matchName: 'example.com' }] }],
      fqdn('api.example.com'),
      'deny',
    ],
    [
      'a star means one part of a name',
      [{ toFQDNs: [{ matchPattern: '*.example.com' }] }],
      fqdn('api.example.com'),
      'allow',
    ],
    [
      'a star means not two',
      [{ toFQDNs: [{ matchPattern: '*.example.com' }] }],
      fqdn('a.b.example.com'),
      'deny',
    ],
    ['a dot means a dot', [{ toFQDNs: [{ matchPattern: 'a*.com' }] }], fqdn('a-xcom'), 'deny'],
  ] as const)('of peers: %s', (_, egress, peer, expected) => {
    expect(verdict(cilium({ egress }), { peer })).toBe(expected);
  });

  it('knows names under which an address was answered', () => {
    const policy = cilium({ egress: [{ toFQDNs: [{ matchName: 'a.example' }] }] });
    const peer = address('192.0.2.1/32');
    expect(verdict(policy, { peer })).toBe('deny');
    expect(verdict(policy, { peer, names: ['a.example'] })).toBe('allow');
  });

  it('knows Services by name and by label, their pods and their addresses', () => {
    const service = {
      ...{ namespace: 'shop', name: 'ext', labels: { tier: 'out' }, addresses: ['198.51.100.7'] },
      selector: { app: 'db' },
    };
    const judge = (toServices: object[], peer: Peer) =>
      new PolicySet([cilium({ egress: [{ toServices }] })], [service]).decide({ ...base, peer }).verdict;
    const named = [{ k8sService: { serviceName: 'ext', namespace: 'shop' } }];
    expect(judge(named, address('198.51.100.7/32'))).toBe('allow');
    expect(judge(named, pods('shop', 'db'))).toBe('allow');
    expect(judge(named, address('198.51.100.8/32'))).toBe('deny');
    expect(judge([{ k8sService: { serviceName: 'other', namespace: 'shop' } }], pods('shop', 'db'))).toBe(
      'deny',
    );
    const labelled = { selector: { matchLabels: { tier: 'out' } }, namespace: 'shop' };
    expect(judge([{ k8sServiceSelector: labelled }], pods('shop', 'db'))).toBe('allow');
  });

  it.each([
    ['a number', { port: '80', protocol: 'TCP' }, {}, 'allow'],
    ['another number', { port: '81', protocol: 'TCP' }, {}, 'deny'],
    ['another protocol', { port: '80', protocol: 'UDP' }, {}, 'deny'],
    ['ANY', { port: '80', protocol: 'ANY' }, { transport: 'SCTP' }, 'allow'],
    ['no protocol, which is ANY', { port: '80' }, { transport: 'UDP' }, 'allow'],
    ['no port, which is all of them', { protocol: 'TCP' }, { port: 9999 }, 'allow'],
    ['port 0, which is all of them', { port: '0', protocol: 'TCP' }, { port: 9999 }, 'allow'],
    ['a range, at its end', { port: '80', endPort: 90, protocol: 'TCP' }, { port: 90 }, 'allow'],
    ['a range, beyond it', { port: '80', endPort: 90, protocol: 'TCP' }, { port: 91 }, 'deny'],
    ['a name', { port: 'http', protocol: 'TCP' }, { portNames: ['http'] }, 'allow'],
    ['a name nobody knows', { port: 'http', protocol: 'TCP' }, {}, 'deny'],
    ['any port, which is no ICMP', { port: '0' }, { transport: 'ICMP', object: '8', port: 0 }, 'deny'],
  ] satisfies [string, object, Partial<Access>, string][])('of ports: %s', (_, port, access, expected) => {
    expect(verdict(cilium({ egress: [{ toPorts: [{ ports: [port] }] }] }), access)).toBe(expected);
  });

  it('names ICMP by number or name, for its family', () => {
    const judge = (field: object, access: Partial<Access>) =>
      verdict(cilium({ egress: [{ icmps: [{ fields: [field] }] }] }), { port: 0, ...access });
    expect(judge({ type: 8 }, { transport: 'ICMP', object: '8' })).toBe('allow');
    expect(judge({ type: 'EchoRequest' }, { transport: 'ICMP', object: '8' })).toBe('allow');
    expect(judge({ type: 8 }, { transport: 'ICMP', object: '0' })).toBe('deny');
    expect(judge({ family: 'IPv6', type: 'EchoRequest' }, { transport: 'ICMPV6', object: '128' })).toBe(
      'allow',
    );
    expect(judge({ type: 128 }, { transport: 'ICMPV6', object: '128' })).toBe('deny');
  });

  it('judges requests by whole method and path; the connection itself passes', () => {
    const http = [{ method: 'GET', path: '/cart/[0-9]+' }];
    const policy = cilium({ egress: [{ toPorts: [{ ...port80[0], rules: { http } }] }] });
    expect(verdict(policy, {})).toBe('allow');
    expect(verdict(policy, request('GET', '/cart/7'))).toBe('allow');
    expect(verdict(policy, request('GET', '/cart/7/x'))).toBe('deny');
    expect(verdict(policy, request('PUT', '/cart/7'))).toBe('deny');
    const either = cilium({
      egress: [{ toPorts: [{ ...port80[0], rules: { http: [{ path: '/a|/b' }] } }] }],
    });
    expect(verdict(either, request('GET', '/ab'))).toBe('deny');
  });

  it('admits every request where another rule names the port alone', () => {
    const http = [{ method: 'GET', path: '/' }];
    const policy = cilium({
      egress: [{ toPorts: [{ ...port80[0], rules: { http } }] }, { toPorts: port80 }],
    });
    expect(verdict(policy, request('PUT', '/x'))).toBe('allow');
  });

  it('judges DNS names that are asked for', () => {
    const dns = [{ matchPattern: '*.example.com' }];
    const policy = cilium({ egress: [{ toPorts: [{ ports: [{ port: '53' }], rules: { dns } }] }] });
    expect(verdict(policy, query('api.example.com'))).toBe('allow');
    expect(verdict(policy, query('evil.example'))).toBe('deny');
  });

  it('closes a direction as soon as one rule is about it, and not the other one', () => {
    const policy = cilium({ ingress: [{}] });
    expect(verdict(policy, {})).toBe('allow');
    expect(verdict(policy, { operation: 'ACCEPT' })).toBe('deny');
    expect(verdict(cilium({ ingress: [] }), { operation: 'ACCEPT' })).toBe('allow');
    const open = cilium({ enableDefaultDeny: { egress: false }, egress: [{ toPorts: port80 }] });
    expect(verdict(open, { port: 81 })).toBe('allow');
  });

  it('denies before it allows, whatever stands first', () => {
    const egress = [{ toEntities: ['all'] }];
    const policy = cilium({ egress, egressDeny: [{ toCIDR: ['192.0.2.0/24'] }] });
    expect(verdict(policy, { peer: address('192.0.2.1/32') })).toBe('deny');
    expect(verdict(policy, { peer: address('198.51.100.1/32') })).toBe('allow');
  });

  it('is about pods of its namespace; one of the cluster about pods of all, or about nodes', () => {
    const closed = { egress: [{}] };
    expect(verdict(cilium(closed, { namespace: 'data' }), {})).toBe('allow');
    const kind = 'CiliumClusterwideNetworkPolicy';
    expect(verdict(cilium(closed, { kind }), {})).toBe('deny');
    const { endpointSelector: _, ...node } = {
      endpointSelector: 0,
      nodeSelector: { matchLabels: { zone: 'a' } },
    };
    const host = parseAnyPolicy(
      { apiVersion: 'cilium.io/v2', kind, metadata: { name: 'h' }, spec: { ...node, ...closed } },
      'test',
    );
    expect(verdict(host, {})).toBe('allow');
    expect(verdict(host, { actor: { nodeLabels: { zone: 'a' } } })).toBe('deny');
    expect(verdict(host, { actor: { nodeLabels: { zone: 'b' } } })).toBe('allow');
  });

  it('is refused where it says what we cannot judge', () => {
    expect(() => cilium({ egress: [{ toGroups: [{}] }] })).toThrow(
      'spec.egress[0].toGroups: there is no such field',
    );
    expect(() => cilium({ egress: [{ toCIDR: ['10.0.0.1'] }] })).toThrow('is no address range');
    expect(() => cilium({ nodeSelector: {} })).toThrow('either an endpointSelector or a nodeSelector');
  });
});

describe('a KubeArmor policy', () => {
  const read = (object: string, more: Partial<Access> = {}) => ({
    operation: 'FILE_READ' as const,
    object,
    ...more,
  });
  const write = (object: string, more: Partial<Access> = {}) => ({
    operation: 'FILE_WRITE' as const,
    object,
    ...more,
  });

  it('allows, audits and denies, the strictest of rules for the same path', () => {
    const entry = (action: string) => kubeArmor({ action, file: { matchPaths: [{ path: '/a' }] } });
    const judge = (...actions: string[]) => decide(actions.map(entry), { ...base, ...read('/a') }).verdict;
    expect([judge('Allow'), judge('Audit'), judge('Block')]).toEqual(['allow', 'audit', 'deny']);
    expect([judge('Allow', 'Audit'), judge('Audit', 'Block'), judge('Block', 'Allow')]).toEqual([
      'audit',
      'deny',
      'deny',
    ]);
  });

  it('names the rule that decided', () => {
    const policy = kubeArmor({ action: 'Allow', file: { matchPaths: [{ path: '/a' }] } });
    expect(decide([policy], { ...base, ...read('/b') }).rule).toEqual({
      ...{ document: 'KubeArmorPolicy/shop/k', ruleId: 'file/default', at: 'spec.file' },
    });
    expect(decide([policy], { ...base, ...read('/a') }).rule!.at).toBe('spec.file.matchPaths[0]');
    expect(decide([policy], { ...base, ...read('/a'), actor: { ...pod, labels: {} } })).toEqual({
      verdict: 'allow',
      rule: null,
    });
  });

  it('takes a path before a pattern, a pattern before a directory, the nearer directory before the farther', () => {
    const policy = kubeArmor({
      file: {
        matchPaths: [{ path: '/d/a.log', action: 'Block' }],
        matchPatterns: [{ pattern: '/d/*.log', action: 'Audit' }],
        matchDirectories: [
          { dir: '/d/', action: 'Allow' },
          { dir: '/', recursive: true, action: 'Block' },
        ],
      },
    });
    expect(['/d/a.log', '/d/b.log', '/d/c', '/d/e/f'].map(path => verdict(policy, read(path)))).toEqual([
      ...['deny', 'audit', 'allow', 'deny'],
    ]);
  });

  it.each([
    ['/var/*.log', '/var/a.log', true],
    ['/var/*.log', '/var/x/a.log', false],
    ['/var/**.log', '/var/x/a.log', true],
    ['/var/?.log', '/var/ab.log', false],
    ['/var/{a,b}.log', '/var/b.log', true],
    ['/var/[ab].log', '/var/c.log', false],
  ])('the pattern %s is about %s: %s', (pattern, path, isAbout) => {
    const policy = kubeArmor({ action: 'Block', file: { matchPatterns: [{ pattern }] } });
    expect(verdict(policy, read(path))).toBe(isAbout ? 'deny' : 'allow');
  });

  it('is for one executable where a rule says so, and closes the class for all', () => {
    const policy = kubeArmor({
      action: 'Allow',
      file: { matchPaths: [{ path: '/a', fromSource: [{ path: '/bin/cat' }] }] },
    });
    const from = (source: string, object: string) => verdict(policy, read(object, { source }));
    expect([from('/bin/cat', '/a'), from('/bin/cat', '/b'), from('/bin/sh', '/a')]).toEqual([
      'allow',
      'deny',
      'deny',
    ]);
  });

  it('takes a rule for one executable before the same for all', () => {
    const policy = kubeArmor({
      file: {
        matchPaths: [
          { path: '/a', action: 'Block' },
          { path: '/a', action: 'Allow', fromSource: [{ path: '/bin/cat' }] },
        ],
      },
    });
    expect(verdict(policy, read('/a', { source: '/bin/cat' }))).toBe('allow');
    expect(verdict(policy, read('/a', { source: '/bin/sh' }))).toBe('deny');
  });

  it.each(['Allow', 'Audit', 'Block'])(
    'read-only and owner-only, %s: reading, the owner, and nothing else',
    action => {
      const violated = action === 'Audit' ? 'audit' : 'deny';
      const judge = (entry: object, access: Partial<Access>) =>
        verdict(kubeArmor({ action, file: { matchDirectories: [{ dir: '/d/', ...entry }] } }), access);
      expect(judge({ readOnly: true }, read('/d/a'))).toBe('allow');
      expect(judge({ readOnly: true }, write('/d/a'))).toBe(violated);
      expect(judge({ ownerOnly: true }, write('/d/a', { isOwner: true }))).toBe('allow');
      expect(judge({ ownerOnly: true }, read('/d/a'))).toBe(violated);
      expect(judge({ ownerOnly: true, readOnly: true }, write('/d/a', { isOwner: true }))).toBe(violated);
    },
  );

  it('restricts capabilities to those it allows', () => {
    const policy = kubeArmor({
      action: 'Allow',
      capabilities: { matchCapabilities: [{ capability: 'net_raw' }] },
    });
    const use = (object: string) => verdict(policy, { operation: 'CAPABILITY', object });
    expect([use('net_raw'), use('sys_admin')]).toEqual(['allow', 'deny']);
  });

  it('of nodes is about nodes alone', () => {
    const host = parseAnyPolicy(
      {
        ...{ apiVersion: 'security.kubearmor.com/v1', kind: 'KubeArmorHostPolicy', metadata: { name: 'h' } },
        spec: {
          nodeSelector: { matchLabels: { 'kubernetes.io/hostname': 'n1' } },
          action: 'Block',
          process: { matchPaths: [{ path: '/bin/sh' }] },
        },
      },
      'test',
    );
    const run = { operation: 'EXEC' as const, object: '/bin/sh' };
    expect(verdict(host, run)).toBe('allow');
    expect(verdict(host, { ...run, actor: { nodeLabels: { 'kubernetes.io/hostname': 'n1' } } })).toBe('deny');
  });
});

describe('several kinds of policies', () => {
  it('all have to let it pass, in whatever order they stand', () => {
    const open = cilium({ egress: [{ toEntities: ['all'] }] });
    const noTcp = kubeArmor({ action: 'Block', network: { matchProtocols: [{ protocol: 'tcp' }] } });
    for (const policies of [
      [open, noTcp],
      [noTcp, open],
    ])
      expect(decide(policies, { ...base, peer: pods('shop', 'db') })).toMatchObject({
        ...{ verdict: 'deny', rule: { document: 'KubeArmorPolicy/shop/k' } },
      });
  });
});
