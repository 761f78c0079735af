import { describe, expect, it } from 'vitest';
import { flattenRules, parsePolicyObject } from '#policy';
import { type Peer, withDefaults } from '#schemas';
import { admits, type Judged } from './evaluate.ts';

const kubeArmor = (spec: object) => ({
  apiVersion: 'security.kubearmor.com/v1',
  kind: 'KubeArmorPolicy',
  metadata: { name: 'p' },
  spec,
});
const network = (spec: object) => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name: 'p', namespace: 'shop' },
  spec: { podSelector: {}, ...spec },
});

function judge(
  documents: readonly object[],
  behaviour: Partial<Judged> & Pick<Judged, 'operation'>,
): boolean {
  const rules = documents.flatMap(each => flattenRules(parsePolicyObject(each, 'test')));
  return admits(rules, { object: '', transport: 'OTHER', port: 0, peer: null, ...behaviour });
}

const read = (object: string) => ({ operation: 'FILE_READ' as const, object });
const write = (object: string) => ({ operation: 'FILE_WRITE' as const, object });

describe('whether rules admit a behaviour', () => {
  const files = kubeArmor({
    action: 'Allow',
    file: {
      matchPaths: [
        { path: '/data/fixed', readOnly: true },
        { path: '/etc/passwd', action: 'Block' },
      ],
      matchDirectories: [
        { dir: '/data/' },
        { dir: '/etc/', recursive: true, readOnly: true },
        { dir: '/etc/ssl/', action: 'Block' },
      ],
    },
  });

  it.each([
    ['what an Allow names', read('/data/x'), true],
    ['what no rule names, where a class has an Allow', read('/other'), false],
    ['what lies deeper than a directory that is not recursive', read('/data/a/b'), false],
    ['what lies deep in a recursive one', read('/etc/a/b/c'), true],
    ['writing where a rule is read-only', write('/etc/a'), false],
    ['writing where it is not', write('/data/x'), true],
    ['a path before its directory', write('/data/fixed'), false],
    ['a blocked path in an allowed directory', read('/etc/passwd'), false],
    ['the deeper of two directories', read('/etc/ssl/key'), false],
    ['below a blocked directory that is not recursive, the one above it', read('/etc/ssl/a/b'), true],
    ['a directory as an object, by its own rule', read('/data/'), true],
    ['a directory as an object, by the path of its name', read('/data/fixed/'), true],
  ])('%s', (_, behaviour, expected) => expect(judge([files], behaviour)).toBe(expected));

  it('admits what no rule and no default speaks of', () => {
    const block = kubeArmor({ file: { matchPaths: [{ path: '/a' }] } });
    expect(judge([block], read('/a'))).toBe(false);
    expect(judge([block], read('/b'))).toBe(true);
    expect(judge([block], { operation: 'EXEC', object: '/a' })).toBe(true);
    expect(judge([], { operation: 'CONNECT', transport: 'TCP', port: 1 })).toBe(true);
  });

  it('takes the strictest of two rules for the same path', () => {
    const allow = kubeArmor({ action: 'Allow', file: { matchPaths: [{ path: '/a' }] } });
    const block = kubeArmor({ action: 'Block', file: { matchPaths: [{ path: '/a' }] } });
    expect(judge([allow, block], read('/a'))).toBe(false);
    expect(judge([block, allow], read('/a'))).toBe(false);
  });

  it('judges sockets by transport, and system calls by name', () => {
    const tcp = kubeArmor({ action: 'Allow', network: { matchProtocols: [{ protocol: 'tcp' }] } });
    const socket = (transport: Judged['transport']) => ({
      operation: 'SYSCALL' as const,
      object: 'socket',
      transport,
    });
    expect([judge([tcp], socket('TCP')), judge([tcp], socket('UDP')), judge([tcp], socket('UNIX'))]).toEqual([
      true,
      false,
      true,
    ]);
    const block = kubeArmor({ syscalls: { matchSyscalls: [{ syscall: ['ptrace'] }] } });
    expect(judge([block], { operation: 'SYSCALL', object: 'ptrace' })).toBe(false);
    expect(judge([block], { operation: 'SYSCALL', object: 'mount' })).toBe(true);
  });

  const web = network({
    policyTypes: ['Egress', 'Ingress'],
    egress: [
      {
        to: [
          {
            namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'data' } },
            podSelector: { matchLabels: { app: 'db' } },
          },
        ],
        ports: [{ port: 5432 }],
      },
      {
        to: [{ ipBlock: { cidr: '10.0.0.0/8', except: ['10.9.0.0/16'] } }],
        ports: [{ protocol: 'UDP', port: 53, endPort: 54 }],
      },
    ],
    ingress: [{ from: [{ podSelector: { matchLabels: { app: 'front' } } }] }],
  });
  const pods = (namespace: string, app: string): Peer =>
    withDefaults('Peer', { type: 'WORKLOAD', namespace, workload: app, selector: { app } });
  const address = (value: string): Peer => withDefaults('Peer', { type: 'ADDRESS', value });
  const connect = (peer: Peer, port: number, transport: Judged['transport'] = 'TCP') => ({
    operation: 'CONNECT' as const,
    ...{ peer, port, transport },
  });
  const accept = (peer: Peer) => ({
    operation: 'ACCEPT' as const,
    peer,
    port: 80,
    transport: 'TCP' as const,
  });

  it.each([
    ['the pods, the namespace and the port', connect(pods('data', 'db'), 5432), true],
    ['another port', connect(pods('data', 'db'), 5433), false],
    ['another transport', connect(pods('data', 'db'), 5432, 'UDP'), false],
    ['another namespace', connect(pods('shop', 'db'), 5432), false],
    ['other pods', connect(pods('data', 'cache'), 5432), false],
    ['an address in the range', connect(address('10.1.2.3/32'), 54, 'UDP'), true],
    ['an address in the exception', connect(address('10.9.2.3/32'), 54, 'UDP'), false],
    ['an address of the other family', connect(address('::1/128'), 54, 'UDP'), false],
    ['the pod itself', connect(withDefaults('Peer', { type: 'ENTITY', value: 'self' }), 1), true],
    ['pods of the policy’s own namespace', accept(pods('shop', 'front')), true],
    ['the same pods of another', accept(pods('data', 'front')), false],
  ])('the network: %s', (_, behaviour, expected) => expect(judge([web], behaviour)).toBe(expected));
});
