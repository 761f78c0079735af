import { describe, expect, it } from 'vitest';
import { type EntityChange, entityKey, withDefaults } from '#schemas';
import { EntityIntervals } from './entity-intervals.ts';
import { cluster, podChange, pods, serviceChange, startUs, workloadChange } from './sample-cluster.ts';

const second = 1_000_000;

function intervals(...changes: readonly EntityChange[]): EntityIntervals {
  const made = new EntityIntervals();
  for (const value of changes)
    made.apply({ key: entityKey(value), value, timestampMs: value.observedAt / 1000 });
  return made;
}

/** Who held the address of web-0 at that second after the start. */
function holderAt(made: EntityIntervals, seconds: number): string {
  const resolution = made.address({ cluster, address: pods.web0.address, atUs: startUs + seconds * second });
  if (typeof resolution === 'string') return resolution;
  const { found } = resolution;
  return found.type === 'pod' ? found.podUid : `${found.type} ${found.name}`;
}

const at = (seconds: number) => ({ observedAt: startUs + seconds * second });

describe('who was at an address', () => {
  it('is bound by the moment: an address used again belongs to whom it belonged to then', () => {
    const next = { ...pods.web0, name: 'job-1', uid: 'uid-job' };
    const made = intervals(
      podChange(pods.web0),
      podChange(pods.web0, { op: 'DELETED', ...at(100) }),
      podChange(next, { ...at(120), startedAt: startUs + 110 * second }),
    );
    expect([50, 99, 105, 130].map(seconds => holderAt(made, seconds))).toEqual([
      'uid-web-0',
      'uid-web-0',
      'unknown',
      'uid-job',
    ]);
  });

  it('is ambiguous while two may have held it', () => {
    const next = { ...pods.web0, name: 'job-1', uid: 'uid-job' };
    const made = intervals(
      podChange(pods.web0),
      podChange(next, { ...at(95), startedAt: startUs + 90 * second }),
      podChange(pods.web0, { op: 'DELETED', ...at(100) }),
    );
    expect([50, 95, 130].map(seconds => holderAt(made, seconds))).toEqual([
      'uid-web-0',
      'ambiguous',
      'uid-job',
    ]);
  });

  it('does not depend on the order in which different objects were told', () => {
    const next = { ...pods.web0, name: 'job-1', uid: 'uid-job' };
    const first = [podChange(pods.web0), podChange(pods.web0, { op: 'DELETED', ...at(100) })];
    const then = [podChange(next, { ...at(120), startedAt: startUs + 110 * second })];
    const seconds = [50, 99, 105, 130];
    const one = intervals(...first, ...then);
    const other = intervals(...then, ...first);
    expect(seconds.map(each => holderAt(one, each))).toEqual(seconds.map(each => holderAt(other, each)));
  });

  it('ends with a completed pod, whose object stays', () => {
    const made = intervals(
      podChange(pods.web0),
      podChange(pods.web0, { op: 'MODIFIED', phase: 'Succeeded', ...at(60) }),
    );
    expect([59, 61].map(seconds => holderAt(made, seconds))).toEqual(['uid-web-0', 'unknown']);
  });

  it('ends with a tombstone when the deletion was compacted away', () => {
    const made = intervals(podChange(pods.web0));
    made.apply({ key: entityKey(podChange(pods.web0)), value: null, timestampMs: startUs / 1000 + 60_000 });
    expect([59, 61].map(seconds => holderAt(made, seconds))).toEqual(['uid-web-0', 'unknown']);
  });

  it('ends when a pod of the same name takes its place', () => {
    const successor = { ...pods.web0, uid: 'uid-successor' };
    const made = intervals(
      podChange(pods.web0),
      podChange(successor, { ...at(70), startedAt: startUs + 60 * second }),
    );
    expect([59, 65].map(seconds => holderAt(made, seconds))).toEqual(['uid-web-0', 'uid-successor']);
  });

  it('ends when the pod has another address', () => {
    const moved = podChange({ ...pods.web0, address: '10.1.0.99' }, { op: 'MODIFIED', ...at(60) });
    expect([59, 61].map(seconds => holderAt(intervals(podChange(pods.web0), moved), seconds))).toEqual([
      'uid-web-0',
      'unknown',
    ]);
  });

  it('is nobody’s in particular when pods use their node’s network', () => {
    const onHost = podChange(pods.web0);
    const made = intervals({ ...onHost, pod: { ...onHost.pod!, hostNetwork: true } });
    expect(holderAt(made, 1)).toBe('unknown');
  });

  it('is a Service’s since before it was listed, and from when it was seen being made', () => {
    const listed = serviceChange('db', {
      address: pods.web0.address,
      port: 1,
      targetPort: '',
      selector: { a: 'b' },
    });
    expect(holderAt(intervals(listed), -50)).toBe('service db');
    const made = { ...listed, cause: 'watch' };
    expect([-50, 50].map(seconds => holderAt(intervals(made), seconds))).toEqual(['unknown', 'service db']);
    const gone = { ...listed, op: 'DELETED' as const, ...at(60) };
    expect([50, 70].map(seconds => holderAt(intervals(listed, gone), seconds))).toEqual([
      'service db',
      'unknown',
    ]);
  });
});

describe('whose container it was', () => {
  const id = pods.web0.containers[0]!.id;

  it('is known before the kubelet says that it started, and after it is gone', () => {
    const made = intervals(
      podChange(pods.web0, { startedAt: startUs }),
      podChange(pods.web0, { op: 'DELETED', ...at(9) }),
    );
    for (const seconds of [-5, 5, 500]) {
      expect(made.container(cluster, id, startUs + seconds * second)).toMatchObject({
        found: { workload: 'web', workloadKind: 'Deployment', container: 'nginx', pod: 'web-0' },
        always: true,
      });
    }
    expect(made.container('another cluster', id, startUs)).toBe('unknown');
  });

  it('is ambiguous when two pods claim it at the same time', () => {
    const other = { ...pods.web1, containers: pods.web0.containers };
    expect(intervals(podChange(pods.web0), podChange(other)).container(cluster, id, startUs)).toBe(
      'ambiguous',
    );
  });

  it('is a pod of its own when nobody owns it', () => {
    const bare = podChange({ ...pods.web0, owner: '', ownerKind: '' });
    expect(intervals(bare).container(cluster, id, startUs)).toMatchObject({
      found: { workloadKind: 'Pod', workload: 'web-0' },
    });
  });
});

describe('what selects a workload', () => {
  const web = { cluster, namespace: 'shop', workloadKind: 'Deployment', workload: 'web' };

  it('is its own selector', () => {
    const made = intervals(podChange(pods.web0), workloadChange('Deployment', 'web', { tier: 'front' }));
    expect(made.selector(web)).toEqual({ tier: 'front' });
  });

  it('is what its pods have in common otherwise, without what differs by replica, run or revision', () => {
    const labelled = (pod: typeof pods.web0, labels: Record<string, string>) => podChange({ ...pod, labels });
    const fleeting = {
      'pod-template-hash': 'x',
      'apps.kubernetes.io/pod-index': '0',
      'batch.kubernetes.io/job-name': 'j',
    };
    const made = intervals(
      labelled(pods.web0, { app: 'web', zone: 'a', ...fleeting }),
      labelled(pods.web1, { app: 'web', zone: 'b', ...fleeting }),
    );
    expect(made.selector(web)).toEqual({ app: 'web' });
  });

  it('is no single run or revision, though an informer tells it as the object has it', () => {
    const ofRun = { app: 'tick', 'batch.kubernetes.io/controller-uid': 'u', 'job-name': 'tick-1' };
    const made = intervals(workloadChange('Job', 'tick', ofRun));
    const job = { cluster, namespace: 'shop', workloadKind: 'Job', workload: 'tick' };
    expect(made.selector(job)).toEqual({ app: 'tick' });
  });

  it('is not known when nothing would select', () => {
    expect(
      intervals(podChange({ ...pods.web0, labels: { 'pod-template-hash': 'x' } })).selector(web),
    ).toBeUndefined();
    expect(intervals().selector(web)).toBeUndefined();
  });
});

describe('the memory of intervals', () => {
  it('forgets what ended a week before the newest change', () => {
    const made = intervals(podChange(pods.web0), podChange(pods.web0, { op: 'DELETED', ...at(60) }));
    const node = withDefaults('EntityChange', {
      ...{ cluster, kind: 'Node', name: 'n', uid: 'u', op: 'MODIFIED' },
      observedAt: startUs + 8 * 86_400 * second,
    });
    expect(holderAt(made, 30)).toBe('uid-web-0');
    for (let i = 0; i < 4096; i++) made.apply({ key: entityKey(node), value: node, timestampMs: 0 });
    expect(holderAt(made, 30)).toBe('unknown');
  });
});
