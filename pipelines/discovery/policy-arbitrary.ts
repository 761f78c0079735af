/** fast-check arbitraries of policies of the network, over a small world so that their rules and its endpoints meet. */

import fc from 'fast-check';
import { type AnyPolicyObject, parseAnyPolicy } from '#policy';

const labelKeys = ['app', 'tier'];
const labelValues = ['web', 'db', 'x'];
const namespaces = ['shop', 'data'];
export const portNames = { http: 80, metrics: 9090 } as const;

const matchLabels = fc.dictionary(fc.constantFrom(...labelKeys), fc.constantFrom(...labelValues), {
  maxKeys: 2,
  noNullPrototype: true,
});
const values = fc.uniqueArray(fc.constantFrom(...labelValues), { minLength: 1, maxLength: 2 });
const expression = (keys: readonly string[], values: fc.Arbitrary<string[]>) =>
  fc.oneof(
    fc.record({ key: fc.constantFrom(...keys), operator: fc.constantFrom('In', 'NotIn'), values }),
    fc.record({ key: fc.constantFrom(...keys), operator: fc.constantFrom('Exists', 'DoesNotExist') }),
  );
const selector = fc.record(
  { matchLabels, matchExpressions: fc.array(expression(labelKeys, values), { maxLength: 1 }) },
  { requiredKeys: [] },
);

/** With keys as Cilium's documents may write them, namespaces among them. */
const endpoints = fc.oneof(
  { weight: 4, arbitrary: selector },
  {
    weight: 2,
    arbitrary: fc
      .record({
        given: matchLabels,
        namespace: fc.constantFrom(...namespaces),
        from: fc.constantFrom('', 'k8s:', 'any:'),
      })
      .map(({ given, namespace, from }) => ({
        matchLabels: { ...prefixed(given, from), 'k8s:io.kubernetes.pod.namespace': namespace },
      })),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom<object>(
      { matchExpressions: [{ key: 'k8s:io.kubernetes.pod.namespace', operator: 'Exists' }] },
      { matchLabels: { 'k8s:io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name': 'data' } },
      { matchLabels: { 'reserved:host': '' } },
    ),
  },
);

function prefixed(labels: Readonly<Record<string, string>>, from: string): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).map(([key, value]) => [from + key, value]));
}

const ranges = ['192.0.2.0/24', '192.0.2.1/32', '0.0.0.0/0', '2001:db8::/32', '::/0'];
const rangeSet = fc.constantFrom<object>(
  { cidr: '192.0.2.0/24' },
  { cidr: '192.0.2.0/24', except: ['192.0.2.0/30'] },
  { cidr: '0.0.0.0/0', except: ['192.0.2.0/24'] },
  { cidr: '2001:db8::/32', except: ['2001:db8::/64'] },
);
const entities = fc.constantFrom(
  ...['all', 'world', 'world-ipv4', 'world-ipv6', 'cluster', 'host', 'remote-node', 'kube-apiserver'],
  ...['ingress', 'health', 'unmanaged', 'none'],
);
const names = fc.constantFrom<object>(
  { matchName: 'a.example' },
  { matchName: 'B.example.' },
  { matchPattern: '*.example' },
  { matchPattern: '*' },
  { matchPattern: '*.b.example' },
);

const few = <T>(each: fc.Arbitrary<T>) => fc.array(each, { minLength: 1, maxLength: 2 });
const peersOf = (side: 'from' | 'to') =>
  fc.oneof(
    { weight: 1, arbitrary: fc.constant({}) },
    { weight: 6, arbitrary: few(endpoints).map(each => ({ [`${side}Endpoints`]: each })) },
    { weight: 2, arbitrary: few(entities).map(each => ({ [`${side}Entities`]: each })) },
    { weight: 2, arbitrary: few(fc.constantFrom(...ranges)).map(each => ({ [`${side}CIDR`]: each })) },
    { weight: 2, arbitrary: few(rangeSet).map(each => ({ [`${side}CIDRSet`]: each })) },
  );

const protocol = fc.constantFrom('TCP', 'UDP', 'SCTP');
const port = fc.oneof(
  fc.record(
    { port: fc.constantFrom('80', '443', '0'), protocol: fc.oneof(protocol, fc.constant('ANY')) },
    { requiredKeys: ['port'] },
  ),
  fc.record({ port: fc.constant('80'), endPort: fc.constantFrom(90, 443, 8080), protocol }),
  fc.record({ port: fc.constantFrom(...Object.keys(portNames)), protocol: fc.constant('TCP') }),
);
/** Of requests and names the comparison asks nothing but whether they carry a connection. */
const withLayer7 = fc.constantFrom<object>(
  { ports: [{ port: '80', protocol: 'TCP' }], rules: { http: [{ method: 'GET', path: '/' }] } },
  { ports: [{ port: '443', protocol: 'TCP' }], rules: { http: [{}] } },
);
const toPortsDenied = few(fc.record({ ports: fc.array(port, { minLength: 1, maxLength: 2 }) }));
const toPorts = fc.oneof({ weight: 5, arbitrary: toPortsDenied }, { weight: 1, arbitrary: few(withLayer7) });
const icmp = fc.oneof(
  fc.record({
    family: fc.constant('IPv4'),
    type: fc.constantFrom<number | string>(8, 3, 'EchoRequest', 'DestinationUnreachable'),
  }),
  fc.record({ family: fc.constant('IPv6'), type: fc.constantFrom<number | string>(128, 1, 'EchoRequest') }),
);
const icmps = few(fc.record({ fields: few(icmp) }));
const portsOf = (toPorts: fc.Arbitrary<object[]>) =>
  fc.oneof(
    { weight: 2, arbitrary: fc.constant({}) },
    { weight: 3, arbitrary: toPorts.map(toPorts => ({ toPorts })) },
    { weight: 1, arbitrary: icmps.map(icmps => ({ icmps })) },
  );

const entry = (side: 'from' | 'to', toPorts: fc.Arbitrary<object[]>) =>
  fc.tuple(peersOf(side), portsOf(toPorts)).map(([peers, ports]) => ({ ...peers, ...ports }));
const named = (toPorts: fc.Arbitrary<object[]>) =>
  fc.tuple(few(names), portsOf(toPorts)).map(([toFQDNs, ports]) => ({ toFQDNs, ...ports }));
const list = <T>(each: fc.Arbitrary<T>) => fc.array(each, { maxLength: 3 });
const closing = fc.record({ ingress: fc.boolean(), egress: fc.boolean() }, { requiredKeys: [] });

const specOf = (toPorts: fc.Arbitrary<object[]>) =>
  fc
    .record(
      {
        ingress: list(entry('from', toPorts)),
        egress: list(
          fc.oneof({ weight: 4, arbitrary: entry('to', toPorts) }, { weight: 1, arbitrary: named(toPorts) }),
        ),
        ingressDeny: list(entry('from', toPortsDenied)),
        egressDeny: list(entry('to', toPortsDenied)),
        enableDefaultDeny: closing,
      },
      { requiredKeys: [] },
    )
    .filter(({ enableDefaultDeny: _, ...entries }) => Object.values(entries).some(each => each.length > 0));

export const anyCiliumPolicy: fc.Arbitrary<AnyPolicyObject> = fc
  .record({
    name: fc.constantFrom('p', 'q'),
    namespace: fc.option(fc.constantFrom(...namespaces)),
    selector,
    spec: specOf(toPorts),
  })
  .map(({ name, namespace, selector, spec }) =>
    parseAnyPolicy(
      {
        apiVersion: 'cilium.io/v2',
        kind: namespace === null ? 'CiliumClusterwideNetworkPolicy' : 'CiliumNetworkPolicy',
        metadata: { name, ...(namespace !== null && { namespace }) },
        spec: { endpointSelector: selector, ...spec },
      },
      'arbitrary',
    ),
  );

/** Of nodes: without requests, which Cilium does not take for them. */
export const anyNodePolicy: fc.Arbitrary<AnyPolicyObject> = fc
  .record({ name: fc.constantFrom('n', 'm'), selector, spec: specOf(toPortsDenied) })
  .map(({ name, selector, spec }) =>
    parseAnyPolicy(
      {
        ...{ apiVersion: 'cilium.io/v2', kind: 'CiliumClusterwideNetworkPolicy', metadata: { name } },
        spec: { nodeSelector: selector, ...spec },
      },
      'arbitrary',
    ),
  );

const namespaceSelector = fc.oneof(
  fc
    .constantFrom(...namespaces)
    .map(namespace => ({ matchLabels: { 'kubernetes.io/metadata.name': namespace } })),
  fc.constant({}),
  fc.constant({
    matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['data'] }],
  }),
);
const block = fc.constantFrom<object>(
  { cidr: '192.0.2.0/24' },
  { cidr: '192.0.2.0/24', except: ['192.0.2.0/30'] },
  { cidr: '2001:db8::/32' },
);
const networkPeer = fc.oneof(
  fc.record({ podSelector: selector }),
  fc.record({ namespaceSelector }),
  fc.record({ podSelector: selector, namespaceSelector }),
  fc.record({ ipBlock: block }),
);
const networkPort = fc.oneof(
  fc.record({ protocol }),
  fc.record({ port: fc.constantFrom<number | string>(80, 443, 'http', 'metrics') }),
  fc.record({ protocol, port: fc.constantFrom(80, 443) }),
  fc.record({ protocol, port: fc.constant(80), endPort: fc.constantFrom(90, 443) }),
);
const rule = (side: 'from' | 'to') =>
  fc.record({ [side]: list(networkPeer), ports: list(networkPort) }, { requiredKeys: [] });

export const anyNetworkPolicy: fc.Arbitrary<AnyPolicyObject> = fc
  .record({
    ...{ name: fc.constantFrom('p', 'q'), namespace: fc.constantFrom(...namespaces), selector },
    rules: fc.record(
      {
        policyTypes: fc.uniqueArray(fc.constantFrom('Ingress', 'Egress'), { minLength: 1 }),
        ingress: list(rule('from')),
        egress: list(rule('to')),
      },
      { requiredKeys: [] },
    ),
  })
  .map(({ name, namespace, selector, rules }) =>
    parseAnyPolicy(
      {
        ...{ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name, namespace } },
        spec: { podSelector: selector, ...rules },
      },
      'arbitrary',
    ),
  );
