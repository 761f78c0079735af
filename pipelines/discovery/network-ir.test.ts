import { describe, expect, it } from 'vitest';
import { type Behaviour, type Peer, withDefaults } from '#schemas';
import { type EmitterName, makePolicy } from './make-policy.ts';

let next = 0;
function seen(given: Partial<Behaviour>): Behaviour {
  next += 1;
  const evidence = { count: 1, firstSeen: next, lastSeen: next, replicas: [], days: [0], sketch: [next] };
  const nothing = { object: '', source: '', transport: 'TCP', port: 443, peer: null, http: null } as const;
  return { operation: 'CONNECT', ...nothing, ...given, evidence: { ...evidence, samples: [] } };
}

const peer = (type: Peer['type'], value: string) => withDefaults('Peer', { type, value });
const dnsServer = withDefaults('Peer', {
  ...{ type: 'WORKLOAD', namespace: 'kube-system', workload: 'dns', selector: { app: 'dns' } },
});

function made(behaviours: readonly Behaviour[], emit: EmitterName) {
  const profile = withDefaults('BehaviourProfile', {
    ...{ cluster: 'c', namespace: 'shop', workloadKind: 'Deployment', workload: 'web', container: '' },
    ...{ selector: { app: 'web' }, behaviours: [...behaviours] },
  });
  const policy = makePolicy([profile], [emit])!;
  return { ...policy, spec: JSON.parse(policy.documents[0]!.content).spec };
}

describe('names of one pattern', () => {
  const names = Array.from({ length: 6 }, (_, i) => `shard-${i}.blobs.example`);
  const asked = names.map(object =>
    seen({ operation: 'DNS', object, transport: 'UDP', port: 53, peer: dnsServer }),
  );
  const reached = names.map(value => seen({ peer: peer('FQDN', value) }));

  it('are one rule where they are reached, and where they are asked for', () => {
    const { spec, rules } = made(
      [...asked, ...reached, seen({ peer: peer('FQDN', 'api.example') })],
      'cilium',
    );
    const fqdns = spec.egress.flatMap((entry: { toFQDNs?: unknown[] }) => entry.toFQDNs ?? []);
    expect(fqdns).toEqual([{ matchName: 'api.example' }, { matchPattern: 'shard-*.blobs.example' }]);
    const dns = spec.egress.flatMap(
      (entry: { toPorts: { rules?: { dns?: unknown[] } }[] }) => entry.toPorts[0]?.rules?.dns ?? [],
    );
    expect(dns).toEqual([{ matchPattern: 'shard-*.blobs.example' }]);
    const wide = rules.filter(({ admits }) => admits !== '');
    expect(wide.map(({ observed, unseen }) => [observed, unseen])).toEqual([
      [6, -1],
      [6, -1],
    ]);
    for (const { summary } of wide) expect(summary).toContain('of which 6 were seen');
  });

  it('are joined on each port for itself', () => {
    const others = names.slice(0, 2).map(value => seen({ peer: peer('FQDN', value), port: 80 }));
    const { spec } = made([...reached, ...others], 'cilium');
    const said = spec.egress.map(
      ({ toFQDNs, toPorts }: { toFQDNs?: object[]; toPorts: { ports: { port: string }[] }[] }) =>
        toFQDNs && [toPorts[0]!.ports[0]!.port, Object.values(toFQDNs[0]!)[0]],
    );
    expect(said).toEqual(
      expect.arrayContaining([
        ['443', 'shard-*.blobs.example'],
        ['80', 'shard-0.blobs.example'],
        ['80', 'shard-1.blobs.example'],
      ]),
    );
  });
});

describe('the world', () => {
  const visited = [seen({ operation: 'ACCEPT', peer: peer('ENTITY', 'world') })];

  it('is a reserved identity to Cilium, and told to be open', () => {
    const { spec, rules } = made(visited, 'cilium');
    expect(spec.ingress).toMatchObject([{ fromEntities: ['world'] }]);
    expect(rules.find(({ admits }) => admits !== '')?.summary).toContain(
      'every address outside of the cluster',
    );
  });

  it('is every address but those for private use to a NetworkPolicy, and that is reported', () => {
    const { spec, losses } = made(visited, 'kubernetes');
    const [{ from, ports }] = spec.ingress;
    expect(from.map(({ ipBlock }: { ipBlock: { cidr: string } }) => ipBlock.cidr)).toEqual([
      '0.0.0.0/0',
      '::/0',
    ]);
    expect(from[0].ipBlock.except).toContain('10.0.0.0/8');
    expect(ports).toEqual([{ protocol: 'TCP', port: 443 }]);
    expect(losses).toContainEqual(expect.stringContaining('without addresses for private use'));
  });
});
