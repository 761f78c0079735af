/** What peers got wrong about who it was: docs/failures.md. */

import { describe, expect, it } from 'vitest';
import { type NetworkAccessInput, type NetworkEvent, withDefaults } from '#schemas';
import { address, learned, path, pods, traffic } from './learned.ts';
import {
  db,
  end,
  flow,
  type Labels,
  log,
  podObject,
  serviceObject,
  startUs,
  time,
  web,
  workloadObject,
} from './recordings.ts';

let sequence = 0;

/** What web's agent saw, at a second; it knows the other side by its address alone. */
function seen(network: Partial<NetworkAccessInput>, second = 0): NetworkEvent {
  sequence += 1;
  return {
    origin: { cluster: 'c', node: 'n1', agent: 'enforcer', bootId: 'b', sequence },
    time: startUs + second * 1_000_000,
    container: withDefaults('Container', {
      ...{ id: '', name: 'main', namespace: 'shop', pod: 'web-0', podUid: 'uid-web-0' },
      ...{ workloadKind: 'Deployment', workload: 'web' },
    }),
    process: null,
    network: withDefaults('NetworkAccess', {
      ...{ operation: 'CONNECT', direction: 'EGRESS', transport: 'TCP', remotePort: 5432, ...network },
    }),
    verdict: 'ALLOW',
  };
}

const deployment = workloadObject('Deployment', 'web', web);
const to = (labels: Labels, port = 5432) => traffic('CONNECT', web, { with: pods(labels), port });
const elsewhere = seen({ remoteAddress: '203.0.113.1' });

describe('an address that is used again', () => {
  const job = { app: 'report' };
  const next = podObject('report-0', '10.1.0.9', { labels: job, startSecond: 55 });
  const first = (status: object) => podObject('db-0', '10.1.0.9', { labels: db, status });
  const ended = first({
    phase: 'Succeeded',
    containerStatuses: [{ name: 'main', state: { terminated: { finishedAt: time(30) } } }],
  });

  // otterize/network-mapper #120, #198
  it('belongs to whom it belonged to then, within half a minute and after a pod completed', () => {
    const verdictsAt = (second: number) => {
      const events = [elsewhere, seen({ remoteAddress: '10.1.0.9' }, second)];
      const { verdict } = learned({ objects: [deployment, ended, next], events });
      return [to(db), to(job)].map(access => verdict('cilium', access));
    };
    expect(verdictsAt(10)).toEqual(['allow', 'deny']);
    expect(verdictsAt(60)).toEqual(['deny', 'allow']);
  });

  // otterize/network-mapper #120
  it('is nobody’s while two may have had it: the event is put aside, not guessed', () => {
    const events = [elsewhere, seen({ remoteAddress: '10.1.0.9' }, 60)];
    const { notLearned, verdict } = learned({ objects: [deployment, first({}), next], events });
    expect(notLearned.join()).toContain('peer-ambiguous');
    expect([to(db), to(job)].map(access => verdict('cilium', access))).toEqual(['deny', 'deny']);
  });

  // kubescape/storage: pod addresses as /32 blocks in its own golden files
  it('of a pod that nobody knows is waited for and put aside, and is in no rule', () => {
    const node = { kind: 'Node', metadata: { name: 'n1' }, spec: { podCIDR: '10.1.0.0/24' } };
    const events = [elsewhere, seen({ remoteAddress: '10.1.0.77' })];
    const { notLearned, documents } = learned({ objects: [deployment, node], events });
    expect(notLearned.join()).toContain('peer-pod-unknown');
    expect(JSON.stringify(documents('kubernetes'))).not.toContain('10.1.0.77');
  });
});

describe('what uses its node’s network', () => {
  const node = {
    ...{ kind: 'Node', metadata: { name: 'n2' } },
    status: { addresses: [{ type: 'InternalIP', address: '192.168.0.2' }] },
  };
  const exporter = podObject('exporter', '192.168.0.2', { spec: { hostNetwork: true } });
  const other = podObject('proxy', '192.168.0.2', { spec: { hostNetwork: true } });

  // inspektor-gadget #5300, #5302; otterize/network-mapper #228
  it('is its node’s address, with the gap told, and keeps nothing else from being learned', () => {
    const events = [elsewhere, seen({ remoteAddress: '192.168.0.2', remotePort: 9100 })];
    const { verdict, losses } = learned({ objects: [deployment, node, exporter, other], events });
    const toNode = traffic('CONNECT', web, { with: address('192.168.0.2/32'), port: 9100 });
    const outside = traffic('CONNECT', web, { with: address('203.0.113.1/32'), port: 5432 });
    for (const by of ['cilium', 'kubernetes'] as const)
      expect([toNode, outside, to({ app: 'exporter' }, 9100)].map(each => verdict(by, each))).toEqual([
        'allow',
        'allow',
        'deny',
      ]);
    expect(losses.join()).toContain('that is node n2');
  });
});

describe('a Service', () => {
  const pod = podObject('coredns-1', '10.1.0.53', { labels: { 'k8s-app': 'dns' } });
  const spec = {
    ...{ clusterIP: '10.96.0.10', selector: { 'k8s-app': 'dns' } },
    ports: [{ port: 53, protocol: 'UDP', targetPort: 5353 }],
  };
  const service = serviceObject('dns', spec, { labels: { 'kubernetes.io/name': 'CoreDNS' } });

  // inspektor-gadget #5338; the discovery engine looks its name up among pods
  it('stands for the pods it selects at their own port, not for its own labels', () => {
    const asked = seen({ remoteAddress: '10.96.0.10', remotePort: 53, transport: 'UDP' });
    const { verdict } = learned({ objects: [deployment, pod, service], events: [asked] });
    const server = (labels: Labels, port: number) =>
      traffic('CONNECT', web, { with: pods(labels), port, transport: 'UDP' });
    for (const by of ['cilium', 'kubernetes'] as const) {
      expect(verdict(by, server({ 'k8s-app': 'dns' }, 5353))).toBe('allow');
      expect(verdict(by, server({ 'kubernetes.io/name': 'CoreDNS' }, 5353))).toBe('deny');
      expect(verdict(by, server({ 'k8s-app': 'dns' }, 53))).toBe('deny');
    }
  });
});

describe('pods of one workload', () => {
  const run = (name: string, labels: object) =>
    podObject(`${name}-x`, '10.1.0.1', { labels: { app: 'tick', ...labels }, owner: ['Job', name] });
  const cronJob = {
    ...{ kind: 'CronJob', metadata: { name: 'tick', namespace: 'shop' } },
    spec: { jobTemplate: { spec: { template: { metadata: { labels: { app: 'tick' } } } } } },
  };
  const jobOf = (name: string) => ({
    kind: 'Job',
    metadata: {
      name,
      namespace: 'shop',
      ownerReferences: [{ kind: 'CronJob', name: 'tick', controller: true }],
    },
    spec: { template: { metadata: { labels: { app: 'tick', 'job-name': name } } } },
  });
  const runs = ['tick-29000001', 'tick-29000002'];
  const labelsOf = (name: string) => ({
    'job-name': name,
    'batch.kubernetes.io/controller-uid': `u-${name}`,
  });

  // kubescape/storage #942 and its golden file; inspektor-gadget #39
  it('have one policy, and are one peer, whatever the run: no label of a single run selects', () => {
    const objects = [cronJob, ...runs.flatMap(name => [jobOf(name), run(name, labelsOf(name))])];
    const flows = runs.map(name =>
      flow({ from: end({ app: 'tick', ...labelsOf(name) }, { pod: `${name}-x` }), to: end(db) }),
    );
    const { policies, verdict } = learned({ objects, flows });
    expect(policies.map(({ policyId }) => policyId).filter(id => id.includes('tick'))).toEqual([
      'c/shop/CronJob/tick',
    ]);
    const third = { app: 'tick', ...labelsOf('tick-29000003') };
    for (const by of ['cilium', 'kubernetes'] as const) {
      expect(verdict(by, traffic('CONNECT', third, { with: pods(db), port: 5432 }))).toBe('allow');
      expect(verdict(by, traffic('CONNECT', third, { with: pods(db), port: 80 }))).toBe('deny');
      expect(verdict(by, traffic('ACCEPT', db, { with: pods(third), port: 5432 }))).toBe('allow');
    }
  });

  // security-profiles-operator #677: one policy a replica
  it('have one policy, whatever the replica, without objects too', () => {
    const replica = (index: number) =>
      end(
        {
          app: 'db',
          'apps.kubernetes.io/pod-index': `${index}`,
          'statefulset.kubernetes.io/pod-name': `db-${index}`,
        },
        { pod: `db-${index}` },
      );
    const flows = [0, 1].map(index => flow({ to: replica(index) }));
    const { policies, verdict } = learned({ flows });
    expect(policies).toHaveLength(2);
    expect(verdict('cilium', traffic('ACCEPT', db, { with: pods(web), port: 5432 }))).toBe('allow');
  });

  // kubescape: profiles are keyed by the template's hash, so each rollout begins anew
  it('keep what was learned over a rollout', () => {
    const rollout = (hash: string) =>
      end({ app: 'web', 'pod-template-hash': hash }, { pod: `web-${hash}-abcde` });
    const flows = [
      flow({ from: rollout('5d4f8c7b9f'), to: end(db), at: 0 }),
      flow({ from: rollout('6c9d7f8b5d'), to: end({ app: 'cache' }), port: 6379, at: 3600 }),
    ];
    const { policies, verdict } = learned({ objects: [deployment], flows });
    expect(policies.filter(({ target }) => target.workload === 'web')).toHaveLength(1);
    const newest = { app: 'web', 'pod-template-hash': '7b8c9d5f6c' };
    const of = (labels: Labels, port: number) => traffic('CONNECT', newest, { with: pods(labels), port });
    expect(verdict('cilium', of(db, 5432))).toBe('allow');
    expect(verdict('cilium', of({ app: 'cache' }, 6379))).toBe('allow');
  });

  // discovery-engine #270: policies without rules or selectors
  it('that nothing would select have no policy, instead of one for the whole namespace', () => {
    const { policies, notLearned } = learned({
      objects: [podObject('bare', '10.1.0.1', { labels: {} })],
      logs: [log('File', '/etc/hosts', { PodName: 'bare', Labels: '', Owner: {} })],
    });
    expect(policies).toEqual([]);
    expect(notLearned.join()).toContain('selector-unknown');
  });
});

describe('a policy', () => {
  // discovery-engine #407, #449: duplicates on every run; Theia: random names
  it('has the same name and bytes on every run, in whatever order things were seen', () => {
    const flows = [flow({ to: end(db) }), flow({ to: end({ app: 'cache' }), port: 6379, at: 5 })];
    const logs = ['/etc/hosts', '/data/a', '/data/b'].map(name => log('File', name));
    const documents = (...order: readonly object[][]) =>
      order.map(([flows, logs]) =>
        learned({ objects: [deployment], flows: flows as object[], logs: logs as object[] }).policies.map(
          ({ documents }) => documents,
        ),
      );
    const [one, other] = documents(
      [flows, logs],
      [flows.toReversed().concat(flows), logs.toReversed().concat(logs)],
    );
    expect(one).toEqual(other);
  });

  it('of a container is for that container alone', () => {
    const { verdict } = learned({ objects: [deployment], logs: [log('File', '/etc/hosts')] });
    const sidecar = path('FILE_READ', web, '/etc/passwd');
    expect(verdict('kubearmor', sidecar)).toBe('deny');
    const actor = { namespace: 'shop', labels: web, container: 'sidecar' };
    expect(verdict('kubearmor', { ...sidecar, actor })).toBe('allow');
  });
});
