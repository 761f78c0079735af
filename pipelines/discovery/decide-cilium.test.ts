import { describe, expect, it } from 'vitest';
import { parseAnyPolicy } from '#policy';
import type { Peer } from '#schemas';
import type { Access } from './access.ts';
import { PolicySet } from './decide.ts';
import {
  address,
  base,
  cilium,
  entity,
  fqdn,
  pods,
  port80,
  query,
  request,
  verdict,
} from './decide-examples.ts';

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
    [
      'two stars mean one part or more',
      [{ toFQDNs: [{ matchPattern: '**.example.com' }] }],
      fqdn('a.b.example.com'),
      'allow',
    ],
    [
      'two stars mean not none',
      [{ toFQDNs: [{ matchPattern: '**.example.com' }] }],
      fqdn('example.com'),
      'deny',
    ],
    ['the API server is a node', [{ toEntities: ['remote-node'] }], entity('kube-apiserver'), 'allow'],
    ['a node is not the API server', [{ toEntities: ['kube-apiserver'] }], entity('remote-node'), 'deny'],
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
    const open = cilium({ enableDefaultDeny: { egress: false }, egress: [{ toPorts: port80 }] });
    expect(verdict(open, { port: 81 })).toBe('allow');
    const without = cilium({ enableDefaultDeny: { ingress: true }, egress: [{ toPorts: port80 }] });
    expect(verdict(without, { operation: 'ACCEPT' })).toBe('allow');
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

  it.each([
    [
      'what we cannot judge',
      { egress: [{ toGroups: [{}] }] },
      'spec.egress[0].toGroups: there is no such field',
    ],
    ['an address that is no range', { egress: [{ toCIDR: ['10.0.0.1'] }] }, 'is no address range'],
    ['pods and nodes at once', { nodeSelector: {} }, 'either an endpointSelector or a nodeSelector'],
    ['no entry at all', { ingress: [] }, 'has no entry'],
    [
      'two kinds of peers in one entry',
      { egress: [{ toEntities: ['all'], toCIDR: ['10.0.0.0/8'] }] },
      'more than one kind',
    ],
    ['ports and ICMP in one entry', { egress: [{ toPorts: port80, icmps: [{}] }] }, 'has toPorts and icmps'],
    [
      'a port without number',
      { egress: [{ toPorts: [{ ports: [{ protocol: 'TCP' }] }] }] },
      'toPorts[0].ports[0].port',
    ],
    [
      'requests over UDP',
      { egress: [{ toPorts: [{ ports: [{ port: '80', protocol: 'UDP' }], rules: { http: [{}] } }] }] },
      'needs protocol: TCP',
    ],
    [
      'requests by look-ahead',
      { egress: [{ toPorts: [{ ...port80[0], rules: { http: [{ path: '/(?!a)' }] } }] }] },
      'is no regular expression that Cilium',
    ],
    [
      'names without a port',
      { egress: [{ toPorts: [{ rules: { dns: [{ matchName: 'a' }] } }] }] },
      'has dns, which needs a port',
    ],
    [
      'names on ingress',
      { ingress: [{ toPorts: [{ ports: [{ port: '53' }], rules: { dns: [{ matchName: 'a' }] } }] }] },
      'dns on ingress',
    ],
    [
      'an exception outside of its range',
      { egress: [{ toCIDRSet: [{ cidr: '10.0.0.0/8', except: ['192.0.2.0/24'] }] }] },
      'must lie inside the cidr',
    ],
  ])('is refused, as Cilium does, where it says %s', (_, spec, why) => {
    expect(() => cilium(spec)).toThrow(why);
  });

  it('of nodes is refused where it names requests', () => {
    const http = [{ toPorts: [{ ports: [{ port: '80', protocol: 'TCP' }], rules: { http: [{}] } }] }];
    const spec = { endpointSelector: undefined, nodeSelector: {}, ingress: http };
    expect(() => cilium(spec, { kind: 'CiliumClusterwideNetworkPolicy' })).toThrow('does not take for nodes');
  });
});
