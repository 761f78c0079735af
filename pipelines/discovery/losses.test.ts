import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAnyDocument } from '#policy';
import { type Behaviour, type BehaviourProfile, type Peer, withDefaults } from '#schemas';
import { anyProfiles, evidenceAt } from './behaviour-arbitrary.ts';
import { decide } from './decide.ts';
import {
  type EmitterName,
  knownEmitters,
  makePolicy,
  type PolicyOptions,
  policyDefaults,
} from './make-policy.ts';
import { ofNode, ofPods } from './rich-profile.ts';

const seen = (given: Partial<Behaviour>): Behaviour =>
  withDefaults('Behaviour', {
    ...{ operation: 'CONNECT', transport: 'TCP', port: 80 },
    evidence: evidenceAt(1),
    ...given,
  });
const peer = (type: Peer['type'], value: string) => withDefaults('Peer', { type, value });
const db = withDefaults('Peer', {
  ...{
    type: 'WORKLOAD',
    namespace: 'data',
    workloadKind: 'StatefulSet',
    workload: 'db',
    selector: { app: 'db' },
  },
});
const get = { http: { method: 'GET', path: '/', host: '' } };
const run = (given: Partial<Behaviour>) => seen({ transport: 'OTHER', port: 0, ...given });
/** Something that every kind of document can say, so that there is one. */
const plain = seen({ peer: db, port: 5432 });

function lossesOf(profile: BehaviourProfile, emit: EmitterName, options: Partial<PolicyOptions>) {
  return makePolicy([profile], [emit], { ...policyDefaults, ...options })?.losses ?? [];
}

/** An address of a name, not a question. */
const isAnswer = ({ operation, transport }: Behaviour) => operation === 'DNS' && transport === 'OTHER';

describe('what a kind of document cannot say is reported', () => {
  const kubernetes: [string, Behaviour, string][] = [
    [
      'requests',
      seen({ peer: db, ...get }),
      'egress StatefulSet data/db, TCP port 80: a NetworkPolicy cannot name requests; left out',
    ],
    [
      'names asked for',
      seen({ operation: 'DNS', object: 'a', transport: 'UDP', port: 53, peer: db }),
      'egress StatefulSet data/db, UDP port 53: a NetworkPolicy cannot name DNS names; left out',
    ],
    [
      'reserved identities',
      seen({ peer: peer('ENTITY', 'host') }),
      'egress host, TCP port 80: a NetworkPolicy cannot name host',
    ],
    [
      'names without addresses',
      seen({ peer: peer('FQDN', 'a.example') }),
      'egress a.example, TCP port 80: a NetworkPolicy cannot name a.example',
    ],
    [
      'ICMP',
      seen({ peer: db, transport: 'ICMP', object: '8', port: 0 }),
      'egress StatefulSet data/db, ICMP type 8: a NetworkPolicy cannot name ICMP',
    ],
    [
      'all of the world',
      seen({ operation: 'ACCEPT', peer: peer('ENTITY', 'world') }),
      'ingress world, TCP port 80: without addresses for private use',
    ],
  ];
  const both: [string, Behaviour, string][] = [
    ['port 0', seen({ peer: db, port: 0 }), 'egress StatefulSet data/db, TCP port 0'],
    ['other transports', seen({ peer: db, transport: 'OTHER' }), 'egress StatefulSet data/db, OTHER port 80'],
    ['ICMP without a type', seen({ peer: db, transport: 'ICMP', port: 0 }), 'its ICMP type is not known'],
    ['peers nobody knows', seen({ peer: null }), 'egress an unknown peer, TCP port 80'],
    ['pods nothing selects', seen({ peer: { ...db, selector: {} } }), 'nothing selects its pods'],
    [
      'who sends datagrams',
      seen({ operation: 'BIND', transport: 'UDP', port: 514 }),
      'ingress on UDP port 514',
    ],
  ];
  it.each([
    ...kubernetes.map(each => ['kubernetes', ...each] as const),
    ...both.flatMap(each => [['kubernetes', ...each] as const, ['cilium', ...each] as const]),
    [
      'cilium',
      'the DNS server of names',
      seen({ peer: peer('FQDN', 'a.example') }),
      'kube-dns in kube-system is assumed',
    ] as const,
    [
      'kubearmor',
      'capabilities',
      run({ operation: 'CAPABILITY', object: 'net_raw' }),
      'container x: capability net_raw',
    ] as const,
    [
      'kubearmor',
      'families of sockets',
      seen({ operation: 'SYSCALL', object: 'socket', transport: 'OTHER', port: 0 }),
      'a socket of a family that no rule can name',
    ] as const,
    [
      'kubearmor',
      'objects without a path',
      run({ operation: 'FILE_READ', object: 'unresolved:1' }),
      'access to an object without a path',
    ] as const,
    [
      'kubearmor',
      'executables on two lines',
      run({ operation: 'EXEC', object: '/a\nb' }),
      'execution of /a\nb',
    ] as const,
    [
      'kubearmor',
      'classes of which nothing was seen',
      plain,
      'no execution was seen: that is not restricted',
    ] as const,
  ])('%s: %s', (emit, _, behaviour, loss) => {
    expect(lossesOf(ofPods([behaviour, plain]), emit, {}).join('\n')).toContain(loss);
  });

  it.each([
    ['kubernetes', 'whom it talks to', plain, 'a NetworkPolicy selects no nodes'],
    [
      'cilium',
      'requests',
      seen({ peer: db, ...get }),
      'egress StatefulSet data/db, TCP port 80: Cilium takes no requests for nodes; left out',
    ],
  ] as const)('%s, of nodes: %s', (emit, _, behaviour, loss) => {
    const emits = emit === 'kubernetes' ? (['cilium', 'kubernetes'] as const) : ([emit] as const);
    const made = makePolicy([ofNode([behaviour, plain])], emits, policyDefaults);
    expect(made!.losses.join('\n')).toContain(loss);
  });

  it('of sources, where executables behind a rule have no name', () => {
    const unnamed = run({ operation: 'FILE_READ', object: '/a' });
    expect(lossesOf(ofPods([unnamed]), 'kubearmor', { fromSource: true }).join()).toContain(
      'some executables cannot be named',
    );
  });

  it.each(knownEmitters)('%s: whatever was seen is admitted or named in a report', emit => {
    fc.assert(
      fc.property(anyProfiles, profiles => {
        const made = makePolicy(profiles, [emit], policyDefaults);
        if (!made) return;
        const documents = made.documents.map(parseAnyDocument);
        // An address is known by the names under which it was answered.
        const answers = profiles.flatMap(each => each.behaviours.filter(isAnswer));
        for (const { behaviours, namespace, selector, container, workloadKind } of profiles) {
          const actor =
            workloadKind === 'Node' ? { nodeLabels: selector } : { namespace, labels: selector, container };
          for (const behaviour of behaviours) {
            if (isAnswer(behaviour)) continue;
            const { operation, object, transport, port, peer, http } = behaviour;
            const names = answers.filter(each => each.peer?.value === peer?.value).map(each => each.object);
            const access = { operation, object, transport, port, peer, http, actor, names };
            if (decide(documents, access).verdict !== 'deny') continue;
            const what = peer === null || operation === 'EXEC' ? object.slice(0, 40) : `port ${port}`;
            const isTold = made.losses.some(
              loss =>
                loss.includes(what) || loss.includes(`type ${object}`) || loss.includes('no rule can name'),
            );
            expect(isTold, JSON.stringify({ access, losses: made.losses, documents })).toBe(true);
          }
        }
      }),
      { numRuns: 150 },
    );
  });
});
