import { describe, expect, it } from 'vitest';
import { parseAnyPolicy } from '#policy';
import type { Access } from './access.ts';
import { decide } from './decide.ts';
import { base, kubeArmor, pod, verdict } from './decide-examples.ts';

describe('a KubeArmor policy', () => {
  const read = (object: string, more: Partial<Access> = {}) => ({
    operation: 'FILE_READ' as const,
    object,
    ...more,
  });
  const write = (object: string, more: Partial<Access> = {}) => ({
    operation: 'FILE_WRITE' as const,
    object,
    ...more,
  });

  it('allows, audits and denies, the strictest of rules for the same path', () => {
    const entry = (action: string) => kubeArmor({ action, file: { matchPaths: [{ path: '/a' }] } });
    const judge = (...actions: string[]) => decide(actions.map(entry), { ...base, ...read('/a') }).verdict;
    expect([judge('Allow'), judge('Audit'), judge('Block')]).toEqual(['allow', 'audit', 'deny']);
    expect([judge('Allow', 'Audit'), judge('Audit', 'Block'), judge('Block', 'Allow')]).toEqual([
      'audit',
      'deny',
      'deny',
    ]);
  });

  it('names the rule that decided', () => {
    const policy = kubeArmor({ action: 'Allow', file: { matchPaths: [{ path: '/a' }] } });
    expect(decide([policy], { ...base, ...read('/b') }).rule).toEqual({
      ...{ document: 'KubeArmorPolicy/shop/k', ruleId: 'file/default', at: 'spec.file' },
    });
    expect(decide([policy], { ...base, ...read('/a') }).rule!.at).toBe('spec.file.matchPaths[0]');
    expect(decide([policy], { ...base, ...read('/a'), actor: { ...pod, labels: {} } })).toEqual({
      verdict: 'allow',
      rule: null,
    });
  });

  it('takes a path before a pattern, a pattern before a directory, the nearer directory before the farther', () => {
    const policy = kubeArmor({
      file: {
        matchPaths: [{ path: '/d/a.log', action: 'Block' }],
        matchPatterns: [{ pattern: '/d/*.log', action: 'Audit' }],
        matchDirectories: [
          { dir: '/d/', action: 'Allow' },
          { dir: '/', recursive: true, action: 'Block' },
        ],
      },
    });
    expect(['/d/a.log', '/d/b.log', '/d/c', '/d/e/f'].map(path => verdict(policy, read(path)))).toEqual([
      ...['deny', 'audit', 'allow', 'deny'],
    ]);
  });

  it.each([
    ['/var/*.log', '/var/a.log', true],
    ['/var/*.log', '/var/x/a.log', false],
    ['/var/**.log', '/var/x/a.log', true],
    ['/var/?.log', '/var/ab.log', false],
    ['/var/{a,b}.log', '/var/b.log', true],
    ['/var/[ab].log', '/var/c.log', false],
  ])('the pattern %s is about %s: %s', (pattern, path, isAbout) => {
    const policy = kubeArmor({ action: 'Block', file: { matchPatterns: [{ pattern }] } });
    expect(verdict(policy, read(path))).toBe(isAbout ? 'deny' : 'allow');
  });

  it('is for one executable where a rule says so, and closes the class for all', () => {
    const policy = kubeArmor({
      action: 'Allow',
      file: { matchPaths: [{ path: '/a', fromSource: [{ path: '/bin/cat' }] }] },
    });
    const from = (source: string, object: string) => verdict(policy, read(object, { source }));
    expect([from('/bin/cat', '/a'), from('/bin/cat', '/b'), from('/bin/sh', '/a')]).toEqual([
      'allow',
      'deny',
      'deny',
    ]);
  });

  it('takes a rule for one executable before the same for all', () => {
    const policy = kubeArmor({
      file: {
        matchPaths: [
          { path: '/a', action: 'Block' },
          { path: '/a', action: 'Allow', fromSource: [{ path: '/bin/cat' }] },
        ],
      },
    });
    expect(verdict(policy, read('/a', { source: '/bin/cat' }))).toBe('allow');
    expect(verdict(policy, read('/a', { source: '/bin/sh' }))).toBe('deny');
  });

  it.each(['Allow', 'Audit', 'Block'])(
    'read-only and owner-only, %s: reading, the owner, and nothing else',
    action => {
      const violated = action === 'Audit' ? 'audit' : 'deny';
      const judge = (entry: object, access: Partial<Access>) =>
        verdict(kubeArmor({ action, file: { matchDirectories: [{ dir: '/d/', ...entry }] } }), access);
      expect(judge({ readOnly: true }, read('/d/a'))).toBe('allow');
      expect(judge({ readOnly: true }, write('/d/a'))).toBe(violated);
      expect(judge({ ownerOnly: true }, write('/d/a', { isOwner: true }))).toBe('allow');
      expect(judge({ ownerOnly: true }, read('/d/a'))).toBe(violated);
      expect(judge({ ownerOnly: true, readOnly: true }, write('/d/a', { isOwner: true }))).toBe(violated);
    },
  );

  it('denies what an owner may, by a pattern, for all others and for writing, and nothing beside it', () => {
    const entry = { pattern: '/home/u/secret*', ownerOnly: true, readOnly: true };
    const policy = kubeArmor({ action: 'Block', file: { matchPatterns: [entry] } });
    const owner = { isOwner: true };
    expect(verdict(policy, read('/home/u/secret1', owner))).toBe('allow');
    expect(verdict(policy, write('/home/u/secret1', owner))).toBe('deny');
    expect(verdict(policy, read('/home/u/secret1'))).toBe('deny');
    expect(verdict(policy, write('/home/u/other'))).toBe('allow');
  });

  it('denies one executable what others may read', () => {
    const entry = { path: '/key', readOnly: true, ownerOnly: true, fromSource: [{ path: '/bin/tool' }] };
    const policy = kubeArmor({ action: 'Block', file: { matchPaths: [entry] } });
    const tool = { source: '/bin/tool' };
    expect(verdict(policy, read('/key', { ...tool, isOwner: true }))).toBe('allow');
    expect(verdict(policy, write('/key', { ...tool, isOwner: true }))).toBe('deny');
    expect(verdict(policy, read('/key', tool))).toBe('deny');
    expect(verdict(policy, write('/key', { source: '/bin/other' }))).toBe('allow');
  });

  it('denies a program started by one executable, and not by others', () => {
    const entry = { path: '/bin/ls', fromSource: [{ path: '/bin/dash' }] };
    const policy = kubeArmor({ action: 'Block', process: { matchPaths: [entry] } });
    const start = (object: string, source: string) => verdict(policy, { operation: 'EXEC', object, source });
    expect([
      start('/bin/ls', '/bin/dash'),
      start('/bin/ls', '/bin/bash'),
      start('/bin/cat', '/bin/dash'),
    ]).toEqual([...['deny', 'allow', 'allow']]);
  });

  it.each([
    ['raw', 'RAW', 'TCP'],
    ['tcp', 'TCP', 'UDP'],
    ['stream', 'TCP', 'UDP'],
    ['dgram', 'UDP', 'TCP'],
    ['icmp', 'ICMP', 'ICMPV6'],
  ] as const)('blocks sockets of %s: %s, not %s', (protocol, blocked, other) => {
    const policy = kubeArmor({ action: 'Block', network: { matchProtocols: [{ protocol }] } });
    const open = (transport: Access['transport']) => verdict(policy, { operation: 'SOCKET', transport });
    expect([open(blocked), open(other)]).toEqual(['deny', 'allow']);
  });

  it('restricts capabilities to those it allows', () => {
    const policy = kubeArmor({
      action: 'Allow',
      capabilities: { matchCapabilities: [{ capability: 'net_raw' }] },
    });
    const use = (object: string) => verdict(policy, { operation: 'CAPABILITY', object });
    expect([use('net_raw'), use('sys_admin')]).toEqual(['allow', 'deny']);
  });

  it('of nodes is about nodes alone', () => {
    const host = parseAnyPolicy(
      {
        ...{ apiVersion: 'security.kubearmor.com/v1', kind: 'KubeArmorHostPolicy', metadata: { name: 'h' } },
        spec: {
          nodeSelector: { matchLabels: { 'kubernetes.io/hostname': 'n1' } },
          action: 'Block',
          process: { matchPaths: [{ path: '/bin/sh' }] },
        },
      },
      'test',
    );
    const run = { operation: 'EXEC' as const, object: '/bin/sh' };
    expect(verdict(host, run)).toBe('allow');
    expect(verdict(host, { ...run, actor: { nodeLabels: { 'kubernetes.io/hostname': 'n1' } } })).toBe('deny');
  });
});
