import { describe, expect, it } from 'vitest';
import { flattenRules, parsePolicyText } from '#policy';
import { enforceable } from './enforceable.ts';

function rulesOf(spec: string) {
  const [object] = parsePolicyText(
    `{apiVersion: security.kubearmor.com/v1, kind: KubeArmorPolicy, metadata: {name: web}, spec: ${spec}}`,
    'test',
  );
  return enforceable(flattenRules(object!), 'KubeArmorPolicy web');
}

function networkRulesOf(spec: string) {
  const [object] = parsePolicyText(
    `{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: web}, spec: ${spec}}`,
    'test',
  );
  return enforceable(flattenRules(object!), 'NetworkPolicy web');
}

const longDirectory = `/${'d'.repeat(250)}/`;

describe('what is enforced', () => {
  it('are paths, directories and their postures', () => {
    const rules = rulesOf(
      '{action: Allow, process: {matchPaths: [{path: /bin/a}]}, file: {matchDirectories: [{dir: /etc/, recursive: true, readOnly: true}]}}',
    );
    expect(rules).toMatchObject([
      { kind: 'path', class: 'process', path: '/bin/a', recursive: false, readOnly: false, action: 'Allow' },
      { kind: 'path', class: 'file', path: '/etc/', recursive: true, readOnly: true },
      { kind: 'posture', class: 'process', ruleId: 'process/default' },
      { kind: 'posture', class: 'file', ruleId: 'file/default' },
    ]);
  });

  it('are transports and blockable system calls', () => {
    const rules = rulesOf(
      '{network: {matchProtocols: [{protocol: TCP}]}, syscalls: {matchSyscalls: [{syscall: [ptrace, mount]}]}}',
    );
    expect(rules).toMatchObject([
      { kind: 'code', class: 'network', codes: [1], action: 'Block' },
      { kind: 'code', class: 'syscall', codes: [1] },
      { kind: 'code', class: 'syscall', codes: [2] },
    ]);
  });

  it('are peers and port ranges', () => {
    const rules = networkRulesOf(
      '{podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 10.0.0.0/8}}], ports: [{port: 80, endPort: 81}, {protocol: UDP}]}]}',
    );
    expect(rules).toMatchObject([
      {
        kind: 'traffic',
        class: 'egress',
        ports: [
          { transport: 1, port: 80 },
          { transport: 1, port: 81 },
        ],
      },
      { kind: 'traffic', class: 'egress', ports: [{ transport: 2, port: 0 }] },
      { kind: 'posture', class: 'egress' },
    ]);
  });
});

describe('what cannot be enforced', () => {
  it.each([
    [
      '{file: {matchPaths: [{path: /a, fromSource: [{path: /b}]}]}}',
      'spec.file.matchPaths[0].fromSource: is not enforced yet',
    ],
    ['{file: {matchPaths: [{path: /a}, {path: /b, ownerOnly: true}]}}', 'spec.file.matchPaths[1].ownerOnly'],
    ['{process: {matchPaths: [{path: /a, pts: false}]}}', 'spec.process.matchPaths[0].pts'],
    ['{process: {matchPaths: [{path: /a, allowedArgs: [x]}]}}', 'spec.process.matchPaths[0].allowedArgs'],
    ['{process: {matchPaths: [{execname: apt}]}}', 'spec.process.matchPaths[0].execname'],
    ['{file: {matchPatterns: [{pattern: /a*}]}}', 'spec.file.matchPatterns[0].pattern'],
    [
      `{file: {matchDirectories: [{dir: ${longDirectory}}]}}`,
      'spec.file.matchDirectories[0]: a path of 252 bytes',
    ],
    ['{network: {matchProtocols: [{protocol: stream}]}}', 'spec.network.matchProtocols[0].protocol: stream'],
    ['{network: {matchDNSQueries: [{domain: a.b}]}}', 'spec.network.matchDNSQueries[0]: names'],
    [
      '{capabilities: {matchCapabilities: [{capability: net_raw}]}}',
      'spec.capabilities.matchCapabilities[0]',
    ],
    ['{syscalls: {matchSyscalls: [{syscall: [unlink]}]}}', 'spec.syscalls.matchSyscalls[0].syscall: unlink'],
    [
      '{syscalls: {matchSyscalls: [{syscall: [ptrace], fromSource: [{path: /a}]}]}}',
      'spec.syscalls.matchSyscalls[0].fromSource',
    ],
    ['{syscalls: {matchPaths: [{path: /a, syscall: [mount]}]}}', 'spec.syscalls.matchPaths[0].path'],
    ['{presets: [{name: filelessExec}]}', 'spec.presets[0]: the preset filelessExec'],
    ['{apparmor: x}', 'spec.apparmor: AppArmor'],
  ])('%s is refused as %s', (spec, reason) => {
    expect(() => rulesOf(spec)).toThrow(`KubeArmorPolicy web cannot be enforced on this node: ${reason}`);
  });

  it.each([
    ['{podSelector: {}, ingress: [{ports: [{port: http}]}]}', 'spec.ingress[0].ports: the named port http'],
    [
      '{podSelector: {}, ingress: [{ports: [{port: 53, protocol: UDP}]}]}',
      'spec.ingress[0].ports: incoming UDP',
    ],
    [
      '{podSelector: {}, egress: [{ports: [{port: 1, endPort: 65}]}]}',
      'spec.egress[0].ports: 65 ports from 1',
    ],
  ])('%s is refused as %s', (spec, reason) => {
    expect(() => networkRulesOf(spec)).toThrow(
      `NetworkPolicy web cannot be enforced on this node: ${reason}`,
    );
  });

  it('names every field at once', () => {
    expect(() => rulesOf('{presets: [{name: exec}], apparmor: x}')).toThrow(
      /spec\.presets\[0\].*spec\.apparmor/,
    );
  });
});
