/** Our own reading of policies, compared with those of whom the policies are. */

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Endpoint, type Flow, Judge, type JudgeName, judgesProgram } from '#peers';
import type { AnyPolicyObject, NetworkPolicy } from '#policy';
import { type Peer, type Transport, withDefaults } from '#schemas';
import type { Access } from './access.ts';
import { PolicySet } from './decide.ts';
import { isNamed } from './decide-cilium.ts';
import { anyCiliumPolicy, anyNetworkPolicy, portNames } from './policy-arbitrary.ts';

const judges = new Map<JudgeName, Judge>();
beforeAll(async () => {
  const program = await judgesProgram(line => process.stderr.write(`${line}\n`));
  for (const name of ['cilium', 'cyclonus', 'names'] as const) judges.set(name, Judge.start(program, name));
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

/** From every pod to everybody, and from everybody to every pod; never to itself. */
function flowsAmong(endpoints: readonly Endpoint[], asked: typeof ports): Flow[] {
  const isPod = (place: number) => 'labels' in endpoints[place]!;
  const places = [...endpoints.keys()];
  return places
    .flatMap(from => places.map(to => ({ from, to })))
    .filter(({ from, to }) => from !== to && (isPod(from) || isPod(to)))
    .flatMap(pair => asked.map(port => ({ ...pair, ...port, named: portNames })));
}

function peerOf(endpoint: Endpoint): Peer {
  if ('entity' in endpoint) return withDefaults('Peer', { type: 'ENTITY', value: endpoint.entity });
  if ('address' in endpoint) return withDefaults('Peer', { type: 'ADDRESS', value: endpoint.address });
  const { namespace, labels } = endpoint;
  return withDefaults('Peer', { type: 'WORKLOAD', namespace, workload: 'w', selector: { ...labels } });
}

/** The flow as one of its sides sees it; undefined where that side is no pod. */
function accessOf(
  endpoints: readonly Endpoint[],
  { from, to, protocol, port, named }: Flow,
  operation: 'CONNECT' | 'ACCEPT',
): Access | undefined {
  const [own, other] =
    operation === 'CONNECT' ? [endpoints[from]!, endpoints[to]!] : [endpoints[to]!, endpoints[from]!];
  if (!('labels' in own)) return undefined;
  const isIcmp = protocol.startsWith('ICMP');
  const toPod = 'labels' in endpoints[to]!;
  return {
    ...{ operation, transport: protocol.toUpperCase() as Transport, peer: peerOf(other) },
    ...(isIcmp ? { object: String(port), port: 0 } : { object: '', port }),
    actor: { namespace: own.namespace, labels: own.labels, container: 'x' },
    names: 'names' in other ? other.names : [],
    portNames: toPod && protocol === 'TCP' ? Object.keys(named).filter(name => named[name] === port) : [],
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
});
