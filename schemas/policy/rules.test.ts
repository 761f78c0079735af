import { describe, expect, it } from 'vitest';
import { parsePolicyObject } from './document.ts';
import { flattenRules } from './rules.ts';

const kubeArmor = (spec: object) =>
  parsePolicyObject(
    { apiVersion: 'security.kubearmor.com/v1', kind: 'KubeArmorPolicy', metadata: { name: 'p' }, spec },
    'test',
  );
const network = (spec: object) =>
  parsePolicyObject(
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: 'p', namespace: 'shop' },
      spec,
    },
    'test',
  );

describe('flat rules', () => {
  it('takes action, severity, tags and message from the most local level', () => {
    const rules = flattenRules(
      kubeArmor({
        severity: 3,
        action: 'Allow',
        message: 'outer',
        file: {
          severity: 5,
          tags: ['section'],
          matchPaths: [{ path: '/a', action: 'Audit', message: 'inner' }, { path: '/b' }],
        },
      }),
    );
    expect(rules).toMatchObject([
      {
        class: 'file',
        action: 'Audit',
        severity: 5,
        tags: ['section'],
        message: 'inner',
        at: 'spec.file.matchPaths[0]',
        match: { type: 'path', path: '/a', readOnly: false, fromSource: [] },
      },
      { class: 'file', action: 'Allow', severity: 5, message: 'outer', at: 'spec.file.matchPaths[1]' },
      { ruleId: 'file/default', action: 'Block', severity: 3, match: { type: 'default' } },
    ]);
  });

  it('blocks with severity 1 when the document says nothing', () => {
    expect(flattenRules(kubeArmor({ process: { matchPaths: [{ path: '/bin/sh' }] } }))).toMatchObject([
      { action: 'Block', severity: 1, tags: [], message: '' },
    ]);
  });

  it('gives a class a default only where an Allow stands in it', () => {
    const defaults = (spec: object) =>
      flattenRules(kubeArmor(spec)).flatMap(({ ruleId, match }) =>
        match.type === 'default' ? [ruleId] : [],
      );
    expect(
      defaults({
        process: { matchPaths: [{ path: '/a', action: 'Allow' }] },
        file: { matchPaths: [{ path: '/a' }] },
        network: { matchDNSQueries: [{ domain: 'example.org', action: 'Allow' }] },
      }),
    ).toEqual(['process/default', 'dns/default']);
    expect(defaults({ action: 'Allow', syscalls: { matchSyscalls: [{ syscall: ['ptrace'] }] } })).toEqual([]);
  });

  it('splits comma lists and lists of system calls into rules of their own', () => {
    const rules = flattenRules(
      kubeArmor({
        network: { matchProtocols: [{ protocol: 'TCP,udp' }] },
        capabilities: { matchCapabilities: [{ capability: 'net_raw,sys_admin' }] },
        syscalls: { matchSyscalls: [{ syscall: ['ptrace', 'mount'] }] },
      }),
    );
    expect(rules.map(({ match }) => Object.values(match)[1])).toEqual([
      'tcp',
      'udp',
      'net_raw',
      'sys_admin',
      'ptrace',
      'mount',
    ]);
  });

  it('shows what is hard to enforce, so that it can be refused', () => {
    const rules = flattenRules(
      kubeArmor({
        file: { matchPatterns: [{ pattern: '/**/x' }] },
        presets: [{ name: 'protectEnv', action: 'Audit' }],
        apparmor: 'deny /x w,',
      }),
    );
    expect(rules.map(({ match, at }) => [match.type, at])).toEqual([
      ['pattern', 'spec.file.matchPatterns[0]'],
      ['preset', 'spec.presets[0]'],
      ['apparmor', 'spec.apparmor'],
    ]);
  });

  it('identifies a rule by class, action and match alone', () => {
    const idOf = (entry: object, spec: object = {}) =>
      flattenRules(kubeArmor({ ...spec, file: { matchPaths: [{ path: '/z' }, entry] } }))[1]!.ruleId;
    const id = idOf({ path: '/a' });
    expect(id).toMatch(/^file\/[0-9a-f]{12}$/);
    expect(idOf({ path: '/a', severity: 9, tags: ['x'], message: 'm' }, { severity: 2 })).toBe(id);
    expect(idOf({ path: '/b' })).not.toBe(id);
    expect(idOf({ path: '/a', action: 'Audit' })).not.toBe(id);
    expect(idOf({ path: '/a', readOnly: true })).not.toBe(id);
    expect(idOf({ path: '/a', readOnly: false })).toBe(id);
  });

  it('keeps the ids it has given for ever', () => {
    // These ids stand in topics and alerts: a change here breaks the thread between generations.
    expect(
      flattenRules(
        kubeArmor({ action: 'Allow', file: { matchPaths: [{ path: '/etc/nginx/nginx.conf' }] } }),
      ).map(({ ruleId }) => ruleId),
    ).toEqual(['file/639fddedb2c6', 'file/default']);
  });

  it('pairs peers and ports of a NetworkPolicy and closes the directions it is about', () => {
    const rules = flattenRules(
      network({
        podSelector: { matchLabels: { app: 'web' } },
        policyTypes: ['Ingress', 'Egress'],
        egress: [
          {
            to: [{ podSelector: { matchLabels: { app: 'db' } } }, { ipBlock: { cidr: '10.0.0.0/8' } }],
            ports: [{ port: 5432 }, { protocol: 'UDP', port: 53, endPort: 54 }],
          },
        ],
      }),
    );
    const db = { type: 'pods', namespace: 'shop', namespaceSelector: null };
    expect(rules).toMatchObject([
      { class: 'egress', match: { peer: db, port: { protocol: 'TCP', first: 5432, last: 5432 } } },
      { class: 'egress', match: { peer: db, port: { protocol: 'UDP', first: 53, last: 54 } } },
      { class: 'egress', match: { peer: { type: 'block' }, port: { first: 5432 } } },
      { class: 'egress', match: { peer: { type: 'block' }, port: { first: 53 } } },
      { ruleId: 'ingress/default', action: 'Block' },
      { ruleId: 'egress/default', action: 'Block' },
    ]);
  });

  it.each([
    [{ ingress: [] }, ['ingress/default']],
    [{ egress: [{}] }, ['ingress/default', 'egress/default']],
    [{ egress: [] }, ['ingress/default']],
    [{ policyTypes: ['Egress'], ingress: [{}] }, ['egress/default']],
  ])('reads absent policy types as Kubernetes does: %j', (spec, expected) => {
    const rules = flattenRules(network({ podSelector: {}, ...spec }));
    expect(rules.filter(({ match }) => match.type === 'default').map(({ ruleId }) => ruleId)).toEqual(
      expected,
    );
  });

  it('reads an absent list of peers or ports as any', () => {
    const [rule] = flattenRules(network({ podSelector: {}, ingress: [{}] }));
    expect(rule!.match).toEqual({ type: 'traffic', peer: { type: 'any' }, port: { type: 'any' } });
  });
});
