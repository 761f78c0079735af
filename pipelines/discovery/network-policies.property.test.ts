import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AnyPolicyObject, parseAnyDocument } from '#policy';
import { type Behaviour, type BehaviourProfile, type Evidence, type Peer, withDefaults } from '#schemas';
import type { Access } from './access.ts';
import { PolicySet } from './decide.ts';
import { type EmitterName, makePolicy } from './make-policy.ts';

const selector = { app: 'web' };
const workload = { cluster: 'c', namespace: 'shop', workloadKind: 'Deployment', workload: 'web' };

function evidenceAt(sequence: number): Evidence {
  return {
    ...{ count: 1, firstSeen: sequence, lastSeen: sequence, replicas: ['r'], days: [0], samples: [] },
    sketch: [sequence],
  };
}

const peers: fc.Arbitrary<Peer> = fc.oneof(
  fc
    .record({ namespace: fc.constantFrom('shop', 'data'), app: fc.constantFrom('db', 'web', 'cart') })
    .map(({ namespace, app }) =>
      withDefaults('Peer', {
        type: 'WORKLOAD',
        namespace,
        workloadKind: 'Deployment',
        workload: app,
        selector: { app },
      }),
    ),
  fc
    .constantFrom('192.0.2.1/32', '192.0.2.2/32', '2001:db8::1/128')
    .map(value => withDefaults('Peer', { type: 'ADDRESS', value })),
  fc
    .constantFrom('host', 'kube-apiserver', 'world')
    .map(value => withDefaults('Peer', { type: 'ENTITY', value })),
  fc.constantFrom('a.example', 'b.example').map(value => withDefaults('Peer', { type: 'FQDN', value })),
);
const paths = fc.constantFrom('/', '/cart', '/cart/1', '/cart/22', '/admin', '/a.b', '/x/1/y/2', '/x/3/y/4');
const port = fc.constantFrom(53, 80, 443, 50_051);

const traffic = fc
  .record({
    operation: fc.constantFrom('CONNECT' as const, 'ACCEPT' as const),
    peer: peers,
    transport: fc.constantFrom(
      'TCP' as const,
      'UDP' as const,
      'SCTP' as const,
      'ICMP' as const,
      'ICMPV6' as const,
    ),
    port,
    icmpType: fc.constantFrom('0', '8', '128'),
    request: fc.option(
      fc.record({ method: fc.constantFrom('GET', 'PUT'), path: paths, host: fc.constant('') }),
    ),
  })
  .filter(({ operation, peer }) => operation === 'CONNECT' || peer.type !== 'FQDN')
  .map(({ operation, peer, transport, port, icmpType, request }) => {
    const isIcmp = transport.startsWith('ICMP');
    return {
      ...{ operation, source: '', peer, transport, object: isIcmp ? icmpType : '', port: isIcmp ? 0 : port },
      http: transport === 'TCP' ? request : null,
    };
  });
const names = fc.record({
  object: fc.constantFrom('a.example', 'b.example'),
  address: fc.constantFrom('192.0.2.1/32', '192.0.2.2/32'),
});
const dns = names.chain(({ object, address }) =>
  fc.constantFrom<Omit<Behaviour, 'evidence'>>(
    {
      ...{ operation: 'DNS', object, source: '', transport: 'UDP', port: 53, http: null },
      peer: withDefaults('Peer', {
        type: 'WORKLOAD',
        namespace: 'kube-system',
        workload: 'dns',
        selector: { app: 'dns' },
      }),
    },
    {
      ...{ operation: 'DNS', object, source: '', transport: 'OTHER', port: 0, http: null },
      peer: withDefaults('Peer', { type: 'ADDRESS', value: address }),
    },
  ),
);
const behaviour = fc
  .record({
    seen: fc.oneof({ weight: 4, arbitrary: traffic }, { weight: 1, arbitrary: dns }),
    sequence: fc.integer({ min: 1, max: 50 }),
  })
  .map(({ seen, sequence }): Behaviour => ({ ...seen, evidence: evidenceAt(sequence) }));
const behaviours = fc.array(behaviour, { minLength: 1, maxLength: 12 });

function profile(behaviours: readonly Behaviour[]): BehaviourProfile {
  return { ...workload, container: 'x', selector, images: [], alerts: [], behaviours: [...behaviours] };
}

function policies(seen: readonly Behaviour[], emit: EmitterName) {
  const made = makePolicy([profile(seen)], [emit]);
  return { losses: made?.losses ?? [], documents: (made?.documents ?? []).map(parseAnyDocument) };
}

/** What the workload did, as it is judged: an address is known by the names under which it was answered before. */
function accessOf(behaviour: Behaviour, all: readonly Behaviour[]): Access {
  const { operation, object, transport, port, peer, http, evidence } = behaviour;
  const answered = all.filter(
    each =>
      each.operation === 'DNS' &&
      each.transport === 'OTHER' &&
      each.peer?.value === peer?.value &&
      each.evidence.firstSeen <= evidence.firstSeen,
  );
  const actor = { namespace: 'shop', labels: selector, container: 'x' };
  return { operation, object, transport, port, peer, http, actor, names: answered.map(each => each.object) };
}

const isJudged = ({ operation, transport }: Behaviour) => operation !== 'DNS' || transport !== 'OTHER';

function isDenied(documents: readonly AnyPolicyObject[], access: Access): boolean {
  return new PolicySet(documents).decide(access).verdict === 'deny';
}

describe('policies of the network', () => {
  it('are sound in Cilium: everything that was learned is admitted, over writing and reading them', () => {
    fc.assert(
      fc.property(behaviours, seen => {
        const { documents } = policies(seen, 'cilium');
        if (seen.some(isJudged)) expect(documents).toHaveLength(1);
        for (const each of seen.filter(isJudged))
          expect(isDenied(documents, accessOf(each, seen)), JSON.stringify([each, documents])).toBe(false);
      }),
    );
  });

  it('are sound in Kubernetes but for what they report', () => {
    fc.assert(
      fc.property(behaviours, seen => {
        const { documents, losses } = policies(seen, 'kubernetes');
        const denied = seen.filter(isJudged).filter(each => isDenied(documents, accessOf(each, seen)));
        expect(denied.length === 0 || losses.length > 0).toBe(true);
      }),
    );
  });

  it('are minimal in Cilium: without any one entry something that was learned is denied', () => {
    fc.assert(
      fc.property(behaviours, seen => {
        const [document] = policies(seen, 'cilium').documents;
        if (document?.kind !== 'CiliumNetworkPolicy') return;
        for (const direction of ['egress', 'ingress'] as const) {
          const entries = document.spec![direction]!;
          for (const [i, entry] of entries.entries()) {
            // What closes a direction, and the DNS server that names imply, stand for no observation of their own.
            // A name also stands for addresses to come: it stays where its address was reached unasked for as well.
            const ports = ({ toPorts, icmps }: typeof entry) =>
              JSON.stringify([toPorts?.map(each => each.ports), icmps]);
            const isPinned = entries.some(each => 'toCIDR' in each && ports(each) === ports(entry));
            if ('toFQDNs' in entry && isPinned) continue;
            // A connection without requests passes the world's rule for requests here; with Cilium its proxy would break it.
            const isOutside = ['toCIDR', 'fromCIDR', 'toFQDNs'].some(key => key in entry);
            const isBare = (each: typeof entry) => !each.toPorts?.some(({ rules }) => rules);
            const isWorld = (each: typeof entry) => JSON.stringify(each).includes('"world"');
            const isCarried = entries.some(
              each => isWorld(each) && !isBare(each) && ports(each) === ports(entry),
            );
            if (isOutside && isBare(entry) && isCarried) continue;
            if (Object.keys(entry).length === 0 || JSON.stringify(entry).includes('kube-dns')) continue;
            const rest = entries.toSpliced(i, 1);
            const spec = { ...document.spec!, [direction]: rest.length > 0 ? rest : [{}] };
            const denied = seen
              .filter(isJudged)
              .filter(each => isDenied([{ ...document, spec }], accessOf(each, seen)));
            expect(denied.length, JSON.stringify(entry)).toBeGreaterThan(0);
          }
        }
      }),
    );
  });

  it('do not depend on order or repetition', () => {
    fc.assert(
      fc.property(behaviours, fc.infiniteStream(fc.nat(100)), (seen, numbers) => {
        const shuffled = [...seen, ...seen]
          .map(each => ({ each, by: numbers.next().value as number }))
          .sort((a, b) => a.by - b.by)
          .map(({ each }) => each);
        for (const emit of ['cilium', 'kubernetes', 'kubearmor'] as const)
          expect(makePolicy([profile(shuffled)], [emit])?.digest).toBe(
            makePolicy([profile(seen)], [emit])?.digest,
          );
      }),
    );
  });

  it('do not admit peers, ports, directions and requests that were not seen', () => {
    const unseen: Partial<Access>[] = [
      { port: 81 },
      { transport: 'UDP', port: 81 },
      {
        peer: withDefaults('Peer', {
          type: 'WORKLOAD',
          namespace: 'shop',
          workload: 'evil',
          selector: { app: 'evil' },
        }),
      },
      { peer: withDefaults('Peer', { type: 'ADDRESS', value: '198.51.100.1/32' }) },
      { http: { method: 'DELETE', path: '/never/seen', host: '' } },
    ];
    fc.assert(
      fc.property(behaviours, seen => {
        for (const emit of ['cilium', 'kubernetes'] as const) {
          const { documents } = policies(seen, emit);
          for (const each of seen.filter(
            ({ operation }) => operation === 'CONNECT' || operation === 'ACCEPT',
          ))
            for (const change of unseen) {
              const access = { ...accessOf(each, seen), ...(change.peer && { names: [] }), ...change };
              // A connection on which no requests were seen admits any, and one that is not sayable is denied.
              const isL4 = seen.some(
                one => !one.http && one.operation === each.operation && one.peer?.type === 'ENTITY',
              );
              if (change.http && (isL4 || !each.http)) continue;
              if (access.transport.startsWith('ICMP') && !change.peer) continue;
              // Whoever was seen reaching the world may reach all of it.
              if (change.peer?.type === 'ADDRESS' && seen.some(one => one.peer?.value === 'world')) continue;
              expect(isDenied(documents, access), JSON.stringify([access, documents])).toBe(true);
            }
        }
      }),
    );
  });
});
