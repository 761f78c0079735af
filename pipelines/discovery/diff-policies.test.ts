import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AnyPolicyObject, parseAnyDocument, parseAnyPolicy } from '#policy';
import { type Behaviour, type BehaviourProfile, withDefaults } from '#schemas';
import { PolicySet } from './decide.ts';
import { diffPolicies } from './diff-policies.ts';
import { knownEmitters, makePolicy } from './make-policy.ts';
import { probesOf } from './probes.ts';
import { seenAccesses } from './seen-accesses.ts';

const kubeArmor = (spec: object, name = 'web') =>
  parseAnyPolicy(
    {
      ...{ apiVersion: 'security.kubearmor.com/v1', kind: 'KubeArmorPolicy' },
      metadata: { name, namespace: 'shop' },
      spec: {
        selector: { matchLabels: { app: 'web', 'kubearmor.io/container.name': '[nginx]' } },
        action: 'Allow',
        ...spec,
      },
    },
    'test',
  );
const files = (...paths: readonly object[]) => kubeArmor({ file: { matchPaths: paths } });
const network = (egress: readonly object[]) =>
  parseAnyPolicy(
    {
      ...{
        apiVersion: 'networking.k8s.io/v1',
        kind: 'NetworkPolicy',
        metadata: { name: 'web', namespace: 'shop' },
      },
      spec: { podSelector: { matchLabels: { app: 'web' } }, policyTypes: ['Egress'], egress },
    },
    'test',
  );
const cilium = (egress: readonly object[]) =>
  parseAnyPolicy(
    {
      ...{
        apiVersion: 'cilium.io/v2',
        kind: 'CiliumNetworkPolicy',
        metadata: { name: 'web', namespace: 'shop' },
      },
      spec: { endpointSelector: { matchLabels: { app: 'web' } }, egress },
    },
    'test',
  );
const to = (cidr: string, port: number, endPort?: number) => ({
  to: [{ ipBlock: { cidr } }],
  ports: [{ protocol: 'TCP', port, ...(endPort && { endPort }) }],
});

function changes(before: readonly AnyPolicyObject[], after: readonly AnyPolicyObject[]) {
  const { opens, closes, audits, unjudged } = diffPolicies(before, after);
  const told = (list: typeof opens) =>
    list.map(({ what, isSample }) => (isSample ? `${what} …` : what)).sort();
  return { opens: told(opens), closes: told(closes), audits: told(audits), unjudged };
}
const none = { opens: [], closes: [], audits: [], unjudged: [] };

describe('what differs between two sets of policies', () => {
  it('is nothing when only words differ', () => {
    const told = (message: string) =>
      kubeArmor({ message, severity: 3, file: { matchPaths: [{ path: '/a' }] } });
    expect(changes([told('one')], [told('another')])).toEqual(none);
  });

  it('is exactly the paths that come and go', () => {
    expect(changes([files({ path: '/a' }, { path: '/b' })], [files({ path: '/b' }, { path: '/c' })])).toEqual(
      {
        ...none,
        opens: ['reads /c', 'writes /c'],
        closes: ['reads /a', 'writes /a'],
      },
    );
  });

  it('is writing alone when a rule becomes read-only', () => {
    expect(changes([files({ path: '/a' })], [files({ path: '/a', readOnly: true })])).toEqual({
      ...none,
      closes: ['writes /a'],
    });
  });

  it('is a directory when that takes the place of a path, told by its own name', () => {
    const directory = kubeArmor({
      file: { matchDirectories: [{ dir: '/var/', recursive: true, readOnly: true }] },
    });
    expect(changes([files({ path: '/var/a' })], [directory])).toEqual({
      ...none,
      opens: ['reads /var/* …', 'reads /var/** …'],
      closes: ['writes /var/a'],
    });
  });

  it('is everything else when an allow-list is taken away', () => {
    expect(changes([files({ path: '/a' })], [])).toEqual({
      ...none,
      opens: ['reads what no rule names …', 'writes what no rule names …'],
    });
  });

  it('is what is only audited from now on', () => {
    const block = (action: string) => kubeArmor({ action, process: { matchPaths: [{ path: '/bin/sh' }] } });
    expect(changes([block('Audit')], [block('Block')])).toEqual({ ...none, closes: ['executes /bin/sh'] });
    expect(changes([], [block('Audit')])).toEqual({ ...none, audits: ['executes /bin/sh'] });
  });

  it('is peers and ports, at both ends of what is a range', () => {
    expect(changes([network([to('10.0.0.5/32', 5432)])], [network([to('10.0.0.5/32', 5433)])])).toEqual({
      ...none,
      opens: ['connects to 10.0.0.5/32, TCP port 5433'],
      closes: ['connects to 10.0.0.5/32, TCP port 5432'],
    });
    expect(changes([network([to('10.0.0.0/24', 80, 90)])], [network([to('10.0.0.0/25', 80, 90)])])).toEqual({
      ...none,
      closes: ['connects to 10.0.0.0/24, TCP port 80 to 90 …'],
    });
    expect(changes([network([])], [network([{}])]).opens).toEqual([
      'connects to anybody, SCTP any port …',
      'connects to anybody, TCP any port …',
      'connects to anybody, UDP any port …',
      'connects to whom no rule names …',
    ]);
  });

  it('is requests, names and ICMP types in Cilium', () => {
    const db = { toEndpoints: [{ matchLabels: { app: 'db' } }] };
    const http = (path: string) => ({
      ...db,
      toPorts: [{ ports: [{ port: '80', protocol: 'TCP' }], rules: { http: [{ method: 'GET', path }] } }],
    });
    expect(changes([cilium([http('/a')])], [cilium([http('/items/[0-9]+')])])).toEqual({
      ...none,
      opens: ['connects to pods shop/app=db, TCP port 80: GET /items/[0-9]+ …'],
      closes: ['connects to pods shop/app=db, TCP port 80: GET /a'],
    });
    const icmp = (type: number) => ({ ...db, icmps: [{ fields: [{ family: 'IPv4', type }] }] });
    expect(changes([cilium([icmp(8)])], [cilium([icmp(13)])]).opens).toEqual([
      'connects to pods shop/app=db, ICMP type 13',
    ]);
  });

  it('says which rules it cannot judge', () => {
    const service = { toServices: [{ k8sService: { serviceName: 'x', namespace: 'y' } }] };
    expect(changes([], [cilium([service])]).unjudged).toEqual(['CiliumNetworkPolicy web spec.egress[0]']);
  });

  it('is also what was seen and lies between samples', () => {
    const pattern = (text: string) => kubeArmor({ file: { matchPatterns: [{ pattern: text }] } });
    const seen = probesOf([files({ path: '/data/abc.txt' })]).probes.map(({ access }) => access);
    const { closes } = diffPolicies([pattern('/data/*')], [pattern('/data/x*')], seen);
    expect(closes.map(({ what }) => what)).toContain('reads /data/abc.txt');
  });
});

it('tells what was seen only where no rule names it', () => {
  const [a, b] = [[files({ path: '/a' })], [files({ path: '/a' }, { path: '/b' })]];
  const seen = probesOf(b).probes.map(({ access }) => ({ ...access, source: '/usr/bin/web' }));
  expect(diffPolicies(a, b, seen).opens.map(({ what }) => what)).toEqual(['reads /b', 'writes /b']);
});

const path = fc.constantFrom('/a', '/b/c', '/b/d', '/usr/bin/x', '/srv/1/y', '/srv/2/y', '/tmp/k_4711');
const address = fc.constantFrom('192.0.2.1/32', '192.0.2.9/32', '2001:db8::1/128');
const deeds = fc.oneof(
  fc
    .tuple(fc.constantFrom('EXEC', 'FILE_READ', 'FILE_WRITE'), path)
    .map(([operation, object]) => ({ operation, object, source: '/usr/bin/x' }) as const),
  fc.tuple(fc.constantFrom('CONNECT', 'ACCEPT'), address, fc.constantFrom(80, 443)).map(
    ([operation, value, port]) =>
      ({
        operation,
        transport: 'TCP',
        port,
        peer: withDefaults('Peer', { type: 'ADDRESS', value }),
      }) as const,
  ),
);
const behaviours = fc.array(deeds, { minLength: 1, maxLength: 8 }).map(each =>
  each.map(
    (deed, i): Behaviour =>
      withDefaults('Behaviour', {
        ...deed,
        evidence: withDefaults('Evidence', { count: 1, firstSeen: 1, lastSeen: 1, sketch: [i] }),
      }),
  ),
);
const profile = (list: readonly Behaviour[]): BehaviourProfile =>
  withDefaults('BehaviourProfile', {
    ...{ cluster: 'c', namespace: 'shop', workloadKind: 'Deployment', workload: 'web', container: 'nginx' },
    ...{ selector: { app: 'web' }, behaviours: [...list] },
  });
const policies = (list: readonly Behaviour[]) =>
  makePolicy([profile(list)], knownEmitters)!.documents.map(parseAnyDocument);

describe('the difference of what discovery makes', () => {
  it('is nothing to itself, and the other way round what opens closes', () => {
    fc.assert(
      fc.property(behaviours, behaviours, (one, other) => {
        const [a, b] = [policies(one), policies(other)];
        expect(changes(a, a)).toEqual(none);
        const [there, back] = [changes(a, b), changes(b, a)];
        expect(there.opens).toEqual(back.closes);
        expect(there.closes).toEqual(back.opens);
      }),
      { numRuns: 60 },
    );
  });

  it('misses no access that one of the profiles holds and the other policy denies', () => {
    fc.assert(
      fc.property(behaviours, behaviours, (one, other) => {
        const [a, b] = [policies(one), policies(other)];
        const { closes } = diffPolicies(a, b);
        const set = new PolicySet(b);
        const old = new PolicySet(a);
        const lost = seenAccesses([profile(one)]).filter(
          ({ access }) => old.decide(access).verdict !== 'deny' && set.decide(access).verdict === 'deny',
        );
        if (lost.length > 0) expect(closes.length).toBeGreaterThan(0);
        if (closes.length === 0) expect(lost).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });
});
