/** Our own reading of policies, compared with those of whom the policies are. */

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Endpoint, type Flow, Judge, type JudgeName, judgesProgram } from '#peers';
import type { AnyPolicyObject, NetworkPolicy } from '#policy';
import { type Peer, type Transport, withDefaults } from '#schemas';
import type { Access } from './access.ts';
import { evidenceAt } from './behaviour-arbitrary.ts';
import { PolicySet } from './decide.ts';
import { isNamed } from './decide-cilium.ts';
import { cilium, request as request80, verdict } from './decide-examples.ts';
import { generaliseHttp, httpDefaults } from './generalise-http.ts';
import { anyCiliumPolicy, anyNetworkPolicy, anyNodePolicy, portNames } from './policy-arbitrary.ts';

const judges = new Map<JudgeName, Judge>();
beforeAll(async () => {
  const program = await judgesProgram(line => process.stderr.write(`${line}\n`));
  for (const name of ['cilium', 'cyclonus', 'names', 'requests'] as const)
    judges.set(name, Judge.start(program, name));
});
afterAll(async () => {
  for (const each of judges.values()) await each.stop();
});

const pods: readonly Endpoint[] = [
  { namespace: 'shop', labels: { app: 'web' } },
  { namespace: 'shop', labels: { app: 'db', tier: 'x' } },
  { namespace: 'data', labels: { app: 'db' } },
  { namespace: 'data', labels: { tier: 'web' } },
];
const addresses: readonly Endpoint[] = [
  { address: '192.0.2.1/32', names: ['a.example'] },
  { address: '192.0.2.77/32', names: ['x.b.example', 'b.example'] },
  { address: '198.51.100.1/32', names: [] },
  { address: '2001:db8::1/128', names: ['c.example'] },
  { address: '2001:db8:1::1/128', names: [] },
];
const entities: readonly Endpoint[] = [
  'host',
  'remote-node',
  'kube-apiserver',
  'health',
  'ingress',
  'unmanaged',
].map(entity => ({ entity }));

const ports: readonly Pick<Flow, 'protocol' | 'port'>[] = [
  ...[80, 90, 443, 9090].map(port => ({ protocol: 'TCP' as const, port })),
  ...[80, 8080].map(port => ({ protocol: 'UDP' as const, port })),
  { protocol: 'SCTP', port: 80 },
];
const icmp: readonly Pick<Flow, 'protocol' | 'port'>[] = [
  { protocol: 'ICMP', port: 8 },
  { protocol: 'ICMP', port: 3 },
  { protocol: 'ICMPv6', port: 128 },
];

interface World {
  readonly endpoints: readonly Endpoint[];
  readonly asked: typeof ports;
}

/** From everybody who has labels (pods, the node) to everybody, and the other way; never to itself. */
function flowsAmong(endpoints: readonly Endpoint[], asked: typeof ports): Flow[] {
  const isJudged = (place: number) => 'labels' in endpoints[place]!;
  const places = [...endpoints.keys()];
  return places
    .flatMap(from => places.map(to => ({ from, to })))
    .filter(({ from, to }) => from !== to && (isJudged(from) || isJudged(to)))
    .flatMap(pair => {
      // Ports have names in pods alone.
      const named = 'namespace' in endpoints[pair.to]! ? portNames : {};
      return asked.map(port => ({ ...pair, ...port, named }));
    });
}

function peerOf(endpoint: Endpoint): Peer {
  if ('entity' in endpoint) return withDefaults('Peer', { type: 'ENTITY', value: endpoint.entity });
  if ('address' in endpoint) return withDefaults('Peer', { type: 'ADDRESS', value: endpoint.address });
  const { namespace, labels } = endpoint;
  return withDefaults('Peer', { type: 'WORKLOAD', namespace, workload: 'w', selector: { ...labels } });
}

/** The flow as one of its sides sees it; undefined where that side is nobody whose policies are asked for. */
function accessOf(
  endpoints: readonly Endpoint[],
  { from, to, protocol, port, named }: Flow,
  operation: 'CONNECT' | 'ACCEPT',
): Access | undefined {
  const [own, other] =
    operation === 'CONNECT' ? [endpoints[from]!, endpoints[to]!] : [endpoints[to]!, endpoints[from]!];
  if (!('labels' in own)) return undefined;
  const isIcmp = protocol.startsWith('ICMP');
  return {
    ...{ operation, transport: protocol.toUpperCase() as Transport, peer: peerOf(other) },
    ...(isIcmp ? { object: String(port), port: 0 } : { object: '', port }),
    actor:
      'namespace' in own
        ? { namespace: own.namespace, labels: own.labels, container: 'x' }
        : { nodeLabels: own.labels },
    names: 'names' in other ? other.names : [],
    portNames: protocol === 'TCP' ? Object.keys(named).filter(name => named[name] === port) : [],
  };
}

async function expectAgreement(
  peer: Judge,
  policies: readonly AnyPolicyObject[],
  { endpoints, asked }: World,
): Promise<void> {
  const flows = flowsAmong(endpoints, asked);
  const theirs = await peer.ask({ policies, endpoints, flows });
  const ours = new PolicySet(policies);
  for (const [i, flow] of flows.entries())
    for (const [operation, isAllowed] of [
      ['CONNECT', theirs[i]!.egress],
      ['ACCEPT', theirs[i]!.ingress],
    ] as const) {
      const access = accessOf(endpoints, flow, operation);
      if (!access) continue;
      const { verdict, rule } = ours.decide(access);
      expect(
        verdict === 'allow',
        JSON.stringify({
          access,
          rule,
          theySay: isAllowed,
          policies: policies.map(({ kind, metadata, spec }) => ({ kind, ...metadata, spec })),
        }),
      ).toBe(isAllowed);
    }
}

/** A part of the world, so that many policies are judged and not many flows of few. */
function partsOf(endpoints: readonly Endpoint[], asked: typeof ports): fc.Arbitrary<World> {
  return fc.record({
    endpoints: fc.subarray([...endpoints], { minLength: 3, maxLength: 6 }),
    asked: fc.subarray([...asked], { minLength: 1, maxLength: 3 }),
  });
}

async function expectAgreements(
  name: JudgeName,
  policy: fc.Arbitrary<AnyPolicyObject>,
  world: fc.Arbitrary<World>,
): Promise<void> {
  const policies = fc.uniqueArray(policy, {
    ...{ minLength: 1, maxLength: 3 },
    selector: ({ kind, metadata }) => `${kind}/${metadata.namespace}/${metadata.name}`,
  });
  await fc.assert(
    fc.asyncProperty(policies, world, (policies, world) =>
      expectAgreement(judges.get(name)!, policies, world),
    ),
    { numRuns: 1500 },
  );
}

describe('our evaluator', () => {
  it('says of Cilium’s policies what Cilium’s policy engine says, of every flow among pods, addresses and identities', async () => {
    const world = partsOf([...pods, ...addresses, ...entities], [...ports, ...icmp]);
    await expectAgreements('cilium', anyCiliumPolicy, world);
  });

  it('says of Cilium’s policies for nodes what Cilium’s policy engine says, pods having policies as well', async () => {
    const node: Endpoint = { entity: 'host', labels: { app: 'db', tier: 'x' } };
    const others = entities.filter(each => !('entity' in each && each.entity === 'host'));
    const world = partsOf([...pods, ...addresses, ...others], [...ports, ...icmp]).map(
      ({ endpoints, asked }) => ({ endpoints: [node, ...endpoints], asked }),
    );
    await expectAgreements('cilium', fc.oneof(anyNodePolicy, anyCiliumPolicy), world);
  });

  it('says of NetworkPolicies what Cilium says, which reads them too, where types and rules agree', async () => {
    // Cilium closes a direction that has rules, also where policyTypes leaves it out. Kubernetes and Cyclonus do not.
    const agreeing = anyNetworkPolicy.filter(({ spec }) => {
      const { policyTypes: types, ingress = [], egress = [] } = spec as NetworkPolicy['spec'];
      const isTyped = (type: 'Ingress' | 'Egress', { length }: readonly object[]) =>
        length === 0 || !types || types.includes(type);
      return isTyped('Ingress', ingress) && isTyped('Egress', egress);
    });
    await expectAgreements('cilium', agreeing, partsOf([...pods, ...addresses], ports));
  });

  it('says of NetworkPolicies what Cyclonus says', async () => {
    // Its NotIn selects nothing that lacks the label. Kubernetes', and Cilium's, selects that too.
    const agreeing = anyNetworkPolicy.filter(policy => !JSON.stringify(policy).includes('NotIn'));
    await expectAgreements('cyclonus', agreeing, partsOf([...pods, ...addresses], ports));
  });

  it('says of DNS patterns what Cilium’s DNS proxy says', async () => {
    const part = fc.constantFrom('a', '*', 'b', '-', '_', '1', '**', 'a*b');
    const pattern = fc.array(part, { minLength: 1, maxLength: 4 }).map(parts => parts.join('.'));
    const name = fc.array(fc.constantFrom('a', 'b', 'ab', 'axb', 'a-b', '_', '1'), {
      minLength: 1,
      maxLength: 4,
    });
    const names = fc.array(
      name.map(parts => parts.join('.')),
      { minLength: 1, maxLength: 8 },
    );
    await fc.assert(
      fc.asyncProperty(pattern, names, async (pattern, names) => {
        const theirs = await judges.get('names')!.askNames(pattern, names);
        const ours = names.map(asked => isNamed({ name: null, pattern }, asked));
        expect(ours, JSON.stringify([pattern, names])).toEqual(theirs);
      }),
      { numRuns: 1500 },
    );
  });

  it('lets requests pass by the rules discovery makes as Cilium’s proxy does', async () => {
    const segment = fc.constantFrom(
      'cart',
      '1',
      '22',
      'a.b',
      'a+b',
      '(x)',
      '[y]',
      'z|w',
      '%20',
      'ü',
      '\\d',
      '$',
      '^',
      '',
    );
    const path = fc.array(segment, { minLength: 1, maxLength: 4 }).map(segments => `/${segments.join('/')}`);
    const request = fc.record({ method: fc.constantFrom('GET', 'PUT', 'M-SEARCH'), path });
    const requests = fc.array(request, { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(requests, requests, async (learned, others) => {
        const seen = learned.map(each => ({ ...each, evidence: evidenceAt(1) }));
        const http = generaliseHttp(seen, httpDefaults).map(({ method, path }) => ({ method, path }));
        const asked = [...learned, ...others];
        const toPorts = [{ ports: [{ port: '80', protocol: 'TCP' }], rules: { http } }];
        const policy = cilium({ egress: [{ toPorts }] });
        const ours = asked.map(({ method, path }) => verdict(policy, request80(method, path)) === 'allow');
        expect(ours, JSON.stringify({ http, asked })).toEqual(
          await judges.get('requests')!.askRequests(http, asked),
        );
      }),
      { numRuns: 1500 },
    );
  });
});
