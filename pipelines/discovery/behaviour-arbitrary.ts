/** fast-check arbitraries of what workloads and nodes may have been seen doing, odd names among it. */

import fc from 'fast-check';
import {
  type Behaviour,
  type BehaviourOperation,
  type BehaviourProfile,
  type Evidence,
  type Peer,
  withDefaults,
} from '#schemas';

/** As of one event. */
export function evidenceAt(sequence: number): Evidence {
  return {
    ...{ count: 1, firstSeen: sequence, lastSeen: sequence, replicas: ['r'], days: [0], samples: [] },
    sketch: [sequence],
  };
}

const label = fc.constantFrom('db', 'web', 'x', 'a-1', 'Upper_Case.9', 'l'.repeat(63));
const labelKey = fc.constantFrom('app', 'app.kubernetes.io/name', 'tier', 'example.com/Zone_1');
const labels = fc.dictionary(labelKey, label, { minKeys: 1, maxKeys: 3, noNullPrototype: true });
const namespace = fc.constantFrom('shop', 'data', 'n'.repeat(63));

const pods = fc
  .record({ namespace, workload: label, selector: labels })
  .map(peer => withDefaults('Peer', { type: 'WORKLOAD', workloadKind: 'Deployment', ...peer }));
const addresses = fc.constantFrom(
  ...['192.0.2.1/32', '203.0.113.7/32', '2001:db8::1/128', '::1/128', '2001:db8:0:1:a:b:c:d/128'],
);
const names = fc.constantFrom(
  ...['a.example', 'xn--bcher-kva.example', '_sip._tcp.example', 'UPPER.example', 'x'],
  `${'l'.repeat(63)}.${'m'.repeat(63)}.example`,
);
const entities = fc.constantFrom('host', 'remote-node', 'kube-apiserver', 'world', 'ingress', 'health');

const peer: fc.Arbitrary<Peer> = fc.oneof(
  pods,
  addresses.map(value => withDefaults('Peer', { type: 'ADDRESS', value })),
  entities.map(value => withDefaults('Peer', { type: 'ENTITY', value })),
  names.map(value => withDefaults('Peer', { type: 'FQDN', value })),
);

type Seen = Partial<Omit<Behaviour, 'evidence'>> & { readonly operation: BehaviourOperation };

const port = fc.oneof(fc.constantFrom(0, 1, 53, 80, 443, 65_535), fc.integer({ min: 0, max: 65_535 }));
const paths = fc.constantFrom(
  ...['/', '/cart/1', '/cart/22', '/a.b', '/a+b', '/(x)', '/[y]', '/z|w', '/%20', '/ü', '/\\d', '/a?b=c', ''],
  `/${'p'.repeat(300)}`,
);
const request = fc.record({
  method: fc.constantFrom('GET', 'PUT', 'M-SEARCH', ''),
  path: paths,
  host: fc.constantFrom('', 'a.example'),
});

const traffic = fc
  .record({
    operation: fc.constantFrom<BehaviourOperation>('CONNECT', 'ACCEPT', 'BIND', 'SEND'),
    peer,
    transport: fc.constantFrom('TCP' as const, 'UDP' as const, 'SCTP' as const, 'OTHER' as const),
    port,
    http: fc.option(request),
  })
  .filter(({ operation, peer }) => operation !== 'ACCEPT' || peer.type !== 'FQDN')
  .map((seen): Seen => ({ ...seen, http: seen.transport === 'TCP' ? seen.http : null }));
const icmp = fc
  .record({
    operation: fc.constantFrom<BehaviourOperation>('CONNECT', 'ACCEPT'),
    peer: fc.oneof(
      pods,
      entities.map(value => withDefaults('Peer', { type: 'ENTITY', value })),
    ),
    transport: fc.constantFrom('ICMP' as const, 'ICMPV6' as const),
    object: fc.constantFrom('', '0', '8', '128', '255'),
  })
  .map((seen): Seen => ({ ...seen, port: 0 }));
const dns = fc.oneof(
  fc
    .record({ object: names, peer })
    .map((seen): Seen => ({ operation: 'DNS', transport: 'UDP', port: 53, ...seen })),
  fc.record({ object: names, value: addresses }).map(
    ({ object, value }): Seen => ({
      ...{ operation: 'DNS', transport: 'OTHER', port: 0, object },
      peer: withDefaults('Peer', { type: 'ADDRESS', value }),
    }),
  ),
);

const part = fc.oneof(
  fc.constantFrom(
    'etc',
    'data',
    'usr',
    'bin',
    'tmp',
    'proc',
    '1',
    '4711',
    'shadow',
    '..2026_01_01_00_00_00.1',
  ),
  fc.constantFrom(
    'a b',
    'ü',
    'new\nline',
    'tab\t',
    '"quoted"',
    "it's",
    '*',
    '[x]',
    '{a,b}',
    '#',
    ': ',
    '\u0001',
    '-',
  ),
  fc.constantFrom('L'.repeat(99), 'L'.repeat(199), 'L'.repeat(255)),
);
const path = fc
  .record({ parts: fc.array(part, { maxLength: 4 }), isDirectory: fc.boolean() })
  .map(({ parts, isDirectory }) => `/${parts.join('/')}${isDirectory && parts.length > 0 ? '/' : ''}`);
const system = fc.oneof(
  fc
    .record({
      operation: fc.constantFrom<BehaviourOperation>('EXEC', 'FILE_READ', 'FILE_WRITE'),
      object: path,
    })
    .map((seen): Seen => seen),
  fc.constantFrom<Seen>(
    { operation: 'CAPABILITY', object: 'net_raw' },
    { operation: 'SYSCALL', object: 'ptrace' },
    { operation: 'SYSCALL', object: 'socket', transport: 'RAW' },
    { operation: 'FILE_READ', object: 'unresolved:1' },
  ),
);

export const anyBehaviour: fc.Arbitrary<Behaviour> = fc
  .record({
    seen: fc.oneof(
      ...[
        { weight: 4, arbitrary: traffic },
        { weight: 1, arbitrary: icmp },
      ],
      ...[
        { weight: 1, arbitrary: dns },
        { weight: 4, arbitrary: system },
      ],
    ),
    sequence: fc.integer({ min: 1, max: 50 }),
  })
  .map(({ seen, sequence }) => withDefaults('Behaviour', { ...seen, evidence: evidenceAt(sequence) }));

const workload = fc.record({
  namespace,
  workloadKind: fc.constantFrom('Deployment', 'StatefulSet', 'CronJob', 'Pods', 'Pod'),
  workload: fc.constantFrom('web', 'a.b-c', 'W_1', '-', 'w'.repeat(253), 'ends-', 'ü'),
  selector: labels,
});
const node = fc.constantFrom('n1', 'ip-10-0-0-1.eu.example', 'n'.repeat(63)).map(name => ({
  ...{ namespace: '', workloadKind: 'Node', workload: name },
  selector: { 'kubernetes.io/hostname': name },
}));

/** Profiles of the containers of one workload, or of a node. */
export const anyProfiles: fc.Arbitrary<BehaviourProfile[]> = fc
  .record({
    whose: fc.oneof({ weight: 4, arbitrary: workload }, { weight: 1, arbitrary: node }),
    containers: fc.uniqueArray(fc.constantFrom('x', 'side-car', 'c'.repeat(63)), {
      minLength: 1,
      maxLength: 2,
    }),
    behaviours: fc.array(fc.array(anyBehaviour, { minLength: 1, maxLength: 12 }), {
      minLength: 2,
      maxLength: 2,
    }),
  })
  .map(({ whose, containers, behaviours }) =>
    (whose.workloadKind === 'Node' ? [''] : containers).map((container, i) => ({
      ...{ cluster: 'c', images: [], alerts: [], ...whose, container, behaviours: behaviours[i]! },
    })),
  );
