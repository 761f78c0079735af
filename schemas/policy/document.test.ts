import { describe, expect, it } from 'vitest';
import { documentOf, parseDocument, parsePolicyObject, parsePolicyText } from './document.ts';

const kubeArmor = (spec: object) => ({
  apiVersion: 'security.kubearmor.com/v1',
  kind: 'KubeArmorPolicy',
  metadata: { name: 'web', namespace: 'shop' },
  spec,
});
const network = (spec: object) => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name: 'web', namespace: 'shop' },
  spec: { podSelector: {}, ...spec },
});

function refusal(value: unknown): string {
  try {
    parsePolicyObject(value, 'web.yaml');
  } catch (error) {
    expect(error).toMatchObject({ code: 'POLICY_INVALID' });
    return (error as Error).message;
  }
  throw new Error('was accepted');
}

describe('policy documents', () => {
  it('reads every document of a YAML stream and leaves out empty ones', () => {
    const text = `
apiVersion: security.kubearmor.com/v1
kind: KubeArmorPolicy
metadata: { name: web, namespace: shop }
spec:
  file:
    matchDirectories: [{ dir: /etc/, recursive: true }]
  action:
    Block
---
# nothing here
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: web }
spec: { podSelector: {}, policyTypes: [Egress] }
`;
    expect(parsePolicyText(text, 'web.yaml').map(({ kind }) => kind)).toEqual([
      'KubeArmorPolicy',
      'NetworkPolicy',
    ]);
    expect(parsePolicyText('', 'empty.yaml')).toEqual([]);
  });

  it('survives the way into a policy record and back', () => {
    const object = parsePolicyObject(kubeArmor({ file: { matchPaths: [{ path: '/a' }] } }), 'x');
    expect(parseDocument(documentOf(object))).toEqual(object);
  });

  it.each([
    [
      'an unknown field',
      kubeArmor({ file: { matchPath: [] } }),
      'spec.file.matchPath: there is no such field',
    ],
    [
      'a directory among the paths',
      kubeArmor({ file: { matchPaths: [{ path: '/a' }, { path: '/etc/' }] } }),
      'spec.file.matchPaths[1].path: must begin with / and not end with it: directories go under matchDirectories',
    ],
    [
      'a path the kernel never spells so',
      kubeArmor({ file: { matchPaths: [{ path: '/etc/../shadow' }] } }),
      'spec.file.matchPaths[0].path: is never what the kernel sees',
    ],
    [
      'a path of more than 200 characters',
      kubeArmor({ process: { matchPaths: [{ path: `/${'a'.repeat(200)}` }] } }),
      'is longer than 200 characters',
    ],
    [
      'an executable by path and by name at once',
      kubeArmor({ process: { matchPaths: [{ path: '/bin/sh', execname: 'sh' }] } }),
      'spec.process.matchPaths[0]: names either a path or an execname',
    ],
    [
      'a protocol nobody knows',
      kubeArmor({ network: { matchProtocols: [{ protocol: 'tcp,xudp' }] } }),
      'spec.network.matchProtocols[0].protocol: is no protocol: use tcp, udp',
    ],
    [
      'a system call nobody knows',
      kubeArmor({ syscalls: { matchSyscalls: [{ syscall: ['ptrace', 'ptrase'] }] } }),
      'spec.syscalls.matchSyscalls[0].syscall[1]',
    ],
    ['a severity out of range', kubeArmor({ severity: 11 }), 'spec.severity'],
    [
      'a list of containers without brackets',
      kubeArmor({ selector: { matchLabels: { 'kubearmor.io/container.name': 'web' } } }),
      'lists containers in brackets',
    ],
    [
      'a range with host bits',
      network({ egress: [{ to: [{ ipBlock: { cidr: '10.0.0.1/8' } }] }] }),
      'spec.egress[0].to[0].ipBlock.cidr: is no address range',
    ],
    [
      'an exception outside of its range',
      network({ egress: [{ to: [{ ipBlock: { cidr: '10.0.0.0/8', except: ['11.0.0.0/16'] } }] }] }),
      'spec.egress[0].to[0].ipBlock.except: must lie inside the cidr',
    ],
    [
      'a peer that is an address range and pods',
      network({ ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.0/8' }, podSelector: {} }] }] }),
      'spec.ingress[0].from[0]: is either an ipBlock or a podSelector',
    ],
    ['an empty peer', network({ ingress: [{ from: [{}] }] }), 'is either an ipBlock or a podSelector'],
    [
      'a port range that ends before it begins',
      network({ ingress: [{ ports: [{ port: 90, endPort: 80 }] }] }),
      'spec.ingress[0].ports[0]: endPort needs a port number that is not larger',
    ],
    ['another kind', { ...kubeArmor({}), kind: 'Deployment' }, 'kind: "Deployment" is not one of'],
    ['what is no object', 7, 'kind: "" is not one of'],
  ])('refuses %s and says where', (_, value, message) => {
    expect(refusal(value)).toContain(message);
  });

  it('names every mistake of a document at once', () => {
    const message = refusal(kubeArmor({ severity: 0, colour: 'red' }));
    expect(message).toContain('spec.severity');
    expect(message).toContain('spec.colour');
  });

  it('says at which line YAML is broken', () => {
    expect(() => parsePolicyText('a: [1, 2', 'broken.yaml')).toThrow(/broken\.yaml: .*line 1/);
  });

  it('refuses a record whose document goes by another name', () => {
    const document = { ...documentOf(parsePolicyObject(kubeArmor({}), 'x')), name: 'other' };
    expect(() => parseDocument(document)).toThrow(/the record must name what it holds/);
    expect(() => parseDocument({ ...document, content: '{' })).toThrow(/no JSON/);
  });
});
