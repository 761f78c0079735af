import { describe, expect, it } from 'vitest';
import { entityKey, withDefaults } from '#schemas';
import { EntityIntervals } from '../../pipelines/enrich/entity-intervals.ts';
import { readEntityObjects } from './entity-objects.ts';
import { labelledKind } from './labelled-kind.ts';
import { SubjectIdentity } from './subject-identity.ts';

const at = (second: number) => 1_767_225_600_000_000 + second * 1_000_000;
const time = (second: number) => new Date(at(second) / 1000).toISOString();
const read = (...objects: object[]) =>
  readEntityObjects([{ text: JSON.stringify({ kind: 'List', items: objects }), source: 'o.json' }], 'c');

interface PodGiven {
  readonly owner?: readonly [kind: string, name: string];
  readonly labels?: Record<string, string>;
  readonly spec?: object;
  readonly status?: object;
}

function pod(name: string, { owner, labels = {}, spec = {}, status = {} }: PodGiven = {}) {
  const ownerReferences = owner && [{ kind: owner[0], name: owner[1], controller: true }];
  return {
    kind: 'Pod',
    metadata: { name, namespace: 'shop', labels, uid: `uid-${name}`, ownerReferences },
    spec: { containers: [{ name: 'main', image: 'i:1' }], ...spec },
    status: { startTime: time(0), ...status },
  };
}

function workload(kind: string, name: string, more: object = {}) {
  const { owner, ...spec } = more as { owner?: [string, string] };
  const ownerReferences = owner && [{ kind: owner[0], name: owner[1], controller: true }];
  return { kind, metadata: { name, namespace: 'shop', ownerReferences }, spec };
}

function intervalsOf(...objects: object[]) {
  const intervals = new EntityIntervals();
  for (const value of read(...objects).changes)
    intervals.apply({ key: entityKey(value), value, timestampMs: 0 });
  return intervals;
}

const selectorOf = (kind: string, name: string, ...objects: object[]) =>
  intervalsOf(...objects).selector({ cluster: 'c', namespace: 'shop', workloadKind: kind, workload: name });

const template = (labels: Record<string, string>) => ({
  metadata: { labels },
  spec: { containers: [{ name: 'main' }] },
});

describe('Kubernetes objects', () => {
  it.each<[string, object, [string, string]]>([
    ['bare', pod('p'), ['Pod', 'p']],
    ['of a control plane, owned by its node', pod('p', { owner: ['Node', 'n1'] }), ['Pod', 'p']],
    ['of a StatefulSet', pod('db-0', { owner: ['StatefulSet', 'db'] }), ['StatefulSet', 'db']],
    ['of a Deployment', pod('web-abc-1', { owner: ['ReplicaSet', 'web-abc'] }), ['Deployment', 'web']],
    [
      'of a Deployment whose ReplicaSet is gone',
      pod('api-77f-1', { owner: ['ReplicaSet', 'api-77f'], labels: { 'pod-template-hash': '77f' } }),
      ['Deployment', 'api'],
    ],
    ['of a CronJob', pod('tick-123-x', { owner: ['Job', 'tick-123'] }), ['CronJob', 'tick']],
    [
      'of a CronJob whose Job is gone',
      pod('tick-29000001-x', { owner: ['Job', 'tick-29000001'] }),
      ['CronJob', 'tick'],
    ],
    [
      'of a Job that is gone and whose name is no CronJob’s',
      pod('tock-29000001-x', { owner: ['Job', 'tock-29000001'] }),
      ['Job', 'tock-29000001'],
    ],
    [
      'written down on a node, by its name without the node’s',
      {
        ...pod('proxy-n1', { owner: ['Node', 'n1'], spec: { nodeName: 'n1' } }),
        metadata: { name: 'proxy-n1', annotations: { 'kubernetes.io/config.mirror': 'x' } },
      },
      ['Pod', 'proxy'],
    ],
  ])('a pod %s belongs to its top owner', (_, object, [ownerKind, owner]) => {
    const { changes } = read(
      workload('ReplicaSet', 'web-abc', { owner: ['Deployment', 'web'] }),
      workload('Job', 'tick-123', { owner: ['CronJob', 'tick'] }),
      workload('CronJob', 'tick'),
      object,
    );
    expect(changes.at(-1)!.pod).toMatchObject({ ownerKind, owner });
  });

  it.each<[string, string, object, object | undefined]>([
    [
      'its matchLabels',
      'Deployment',
      { selector: { matchLabels: { app: 'a' } }, template: template({ app: 'a', tier: 'x' }) },
      { app: 'a' },
    ],
    [
      'no revision of it',
      'ReplicaSet',
      { selector: { matchLabels: { app: 'a', 'pod-template-hash': '1' } } },
      { app: 'a' },
    ],
    [
      'no single run of it',
      'Job',
      {
        selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': 'u' } },
        template: template({ 'job-name': 'x', 'controller-uid': 'u', app: 'a' }),
      },
      { app: 'a' },
    ],
    [
      'the template of its jobs',
      'CronJob',
      { jobTemplate: { spec: { template: template({ app: 'a' }) } } },
      { app: 'a' },
    ],
    [
      'what its expressions demand, as its template has it',
      'Deployment',
      {
        selector: {
          matchLabels: { app: 'a' },
          matchExpressions: [{ key: 'tier', operator: 'In', values: ['x', 'y'] }],
        },
        template: template({ app: 'a', tier: 'x' }),
      },
      { app: 'a', tier: 'x' },
    ],
    ['nothing, when there is nothing stable', 'Job', { template: template({ 'job-name': 'x' }) }, undefined],
  ])('a workload is selected by %s', (_, kind, spec, expected) => {
    expect(selectorOf(kind, 'w', workload(kind, 'w', spec))).toEqual(expected);
  });

  it('a pod holds all its addresses, of both families, from its start', () => {
    const intervals = intervalsOf(
      pod('p', {
        status: { podIP: '10.0.0.1', podIPs: [{ ip: '10.0.0.1' }, { ip: 'fd00::1' }], startTime: time(0) },
      }),
    );
    for (const address of ['10.0.0.1', 'fd00::1']) {
      expect(intervals.address({ cluster: 'c', address, atUs: at(1) })).toMatchObject({
        found: { type: 'pod', workload: 'p' },
      });
      expect(intervals.address({ cluster: 'c', address, atUs: at(-1) })).toBe('unknown');
    }
  });

  it('what ran to its end has given its address up: the next who got it is the one', () => {
    const ended = { state: { terminated: { startedAt: time(0), finishedAt: time(10) } }, name: 'main' };
    const intervals = intervalsOf(
      pod('job', {
        status: { phase: 'Succeeded', podIP: '10.0.0.1', containerStatuses: [ended], startTime: time(0) },
      }),
      pod('next', { status: { podIP: '10.0.0.1', startTime: time(12) } }),
    );
    const holder = (second: number) =>
      intervals.address({ cluster: 'c', address: '10.0.0.1', atUs: at(second) });
    expect(holder(5)).toMatchObject({ found: { workload: 'job' } });
    expect(holder(11)).toBe('unknown');
    expect(holder(13)).toMatchObject({ found: { workload: 'next' } });
  });

  it('what uses its node’s network has no address of its own', () => {
    const intervals = intervalsOf(
      pod('p', { spec: { hostNetwork: true }, status: { podIP: '192.168.0.1' } }),
    );
    expect(intervals.address({ cluster: 'c', address: '192.168.0.1', atUs: at(1) })).toBe('unknown');
  });

  it('a Service stands for its selector at its own ports; a headless one has no address', () => {
    const spec = {
      clusterIP: '10.96.0.1',
      clusterIPs: ['10.96.0.1', 'fd01::1'],
      selector: { app: 'db' },
      ports: [
        { port: 80, targetPort: 8080 },
        { port: 53, protocol: 'UDP' },
      ],
    };
    const [service, headless] = read(
      { kind: 'Service', metadata: { name: 'db', namespace: 'shop' }, spec },
      {
        kind: 'Service',
        metadata: { name: 'h', namespace: 'shop' },
        spec: { clusterIP: 'None', clusterIPs: ['None'] },
      },
    ).changes;
    expect(service!.service).toMatchObject({
      addresses: ['10.96.0.1', 'fd01::1'],
      selector: { app: 'db' },
      ports: [
        { port: 80, targetPort: '8080', transport: 'TCP' },
        { port: 53, targetPort: '53', transport: 'UDP' },
      ],
    });
    expect(headless!.service!.addresses).toEqual([]);
  });

  it('are read from YAML documents, typed lists and JSON alike; other kinds are counted', () => {
    const text =
      'kind: Namespace\nmetadata: {name: shop, labels: {a: b}}\n---\nkind: PodList\nitems:\n- metadata: {name: p, namespace: shop}\n---\nkind: ConfigMap\nmetadata: {name: x}\n---\n';
    const { changes, ignored } = readEntityObjects([{ text, source: 'o.yaml' }], 'c');
    expect(changes.map(({ kind, name }) => `${kind} ${name}`)).toEqual(['Namespace shop', 'Pod p']);
    expect(ignored).toEqual({ ConfigMap: 1 });
  });

  it.each([
    ['a: [1', 'cannot be read as YAML or JSON'],
    ['just text', 'without kind or metadata.name'],
    ['metadata: {name: x}', 'without kind or metadata.name'],
  ])('refuses %j, naming the file', (text, message) => {
    const reading = () => readEntityObjects([{ text, source: 'o.yaml' }], 'c');
    expect(reading).toThrow(expect.objectContaining({ code: 'INPUT_INVALID' }));
    expect(reading).toThrow(new RegExp(`o\\.yaml.*${message}`));
  });
});

describe('whose event it is', () => {
  const objects = read(
    workload('Deployment', 'web', {
      selector: { matchLabels: { app: 'web' } },
      template: template({ app: 'web' }),
    }),
    workload('Deployment', 'web-extra', {
      selector: { matchLabels: { app: 'extra' } },
      template: template({ app: 'extra' }),
    }),
    workload('StatefulSet', 'db', {
      selector: { matchLabels: { app: 'db' } },
      template: template({ app: 'db' }),
    }),
    pod('odd', { owner: ['DaemonSet', 'agent'] }),
  );
  const identify = (given: object, labels: Record<string, string> = {}, known?: typeof objects) => {
    const container = withDefaults('Container', { id: '', namespace: 'shop', ...given });
    return new SubjectIdentity(known).identify(container, labels, { cluster: 'c', timeUs: 5 });
  };

  it.each<[string, object, Record<string, string>, string]>([
    ['the owner it names', { pod: 'x', workloadKind: 'Job', workload: 'j' }, {}, 'Job j'],
    ['its pod', { pod: 'odd' }, { app: 'web' }, 'DaemonSet agent'],
    ['the one workload its labels match', { pod: 'whatever' }, { app: 'web', more: 'x' }, 'Deployment web'],
    [
      'the one workload that names pods so',
      { pod: 'web-extra-5c475fb4fb-gdlzf', name: 'main' },
      {},
      'Deployment web-extra',
    ],
    ['a StatefulSet, by the number', { pod: 'db-12' }, {}, 'StatefulSet db'],
    [
      'nobody, when the container is not in the template',
      { pod: 'web-5c475fb4fb-gdlzf', name: 'other' },
      {},
      ' ',
    ],
    ['nobody, in another namespace', { pod: 'web-5c475fb4fb-gdlzf', namespace: 'else' }, {}, ' '],
  ])('is told by objects: %s', (_, given, labels, expected) => {
    const { workloadKind, workload } = identify(given, labels, objects).container;
    expect(`${workloadKind} ${workload}`).toBe(expected);
  });

  it('without objects is the stable labels: another workload for others, the same for each replica', () => {
    const of = (labels: Record<string, string>, podName = 'p') => identify({ pod: podName }, labels);
    const first = of({ app: 'web', 'pod-template-hash': '1' });
    expect(first.container).toMatchObject({
      workloadKind: labelledKind,
      workload: expect.stringMatching(/^web-[0-9a-f]{6}$/),
    });
    expect(of({ app: 'web', 'pod-template-hash': '2' }, 'q').container.workload).toBe(
      first.container.workload,
    );
    expect(of({ app: 'web', tier: 'x' }).container.workload).not.toBe(first.container.workload);
    expect(first.entity).toMatchObject({
      kind: 'Pod',
      pod: { labels: { app: 'web' }, owner: first.container.workload },
    });
  });

  it('makes what it concludes known once', () => {
    const identity = new SubjectIdentity();
    const container = withDefaults('Container', { id: '', namespace: 'shop', pod: 'p' });
    const entities = [1, 2].map(
      timeUs => identity.identify(container, { app: 'a' }, { cluster: 'c', timeUs }).entity,
    );
    expect(entities.map(entity => entity !== null)).toEqual([true, false]);
  });
});
