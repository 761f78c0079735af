import { describe, expect, it } from 'vitest';
import type { ReadEvent } from '#formats';
import { type AnyPolicyObject, parseAnyPolicy } from '#policy';
import { type EntityChange, withDefaults } from '#schemas';
import {
  cluster,
  entities,
  eventMaker,
  keyOf,
  ordinaryEvents,
  pods,
  type SampleEvent,
  serviceChange,
  startUs,
  topicOf,
} from '../../enrich/sample-cluster.ts';
import { type Finding, type Findings, judge } from './judge.ts';
import { RecordedDeeds } from './recorded-deeds.ts';

const api = {
  KubeArmorPolicy: 'security.kubearmor.com/v1',
  KubeArmorHostPolicy: 'security.kubearmor.com/v1',
  NetworkPolicy: 'networking.k8s.io/v1',
  CiliumNetworkPolicy: 'cilium.io/v2',
  CiliumClusterwideNetworkPolicy: 'cilium.io/v2',
} as const;

function policy(kind: keyof typeof api, spec: object, { name = 'p', namespace = 'shop' } = {}) {
  const isEverywhere = kind === 'KubeArmorHostPolicy' || kind === 'CiliumClusterwideNetworkPolicy';
  const metadata = { name, ...(!isEverywhere && { namespace }) };
  return parseAnyPolicy({ apiVersion: api[kind], kind, metadata, spec }, 'test');
}

interface Recorded {
  readonly events: readonly (SampleEvent | ReadEvent)[];
  readonly objects?: readonly EntityChange[];
}

function recorded({ events, objects = entities() }: Recorded): RecordedDeeds {
  const deeds = new RecordedDeeds();
  for (const value of objects)
    deeds.entity({ key: keyOf.entity(value), value, timestampMs: value.observedAt / 1000 });
  for (const event of events) deeds.event('topic' in event ? event : read(event));
  return deeds;
}

const read = (event: SampleEvent): ReadEvent => ({ topic: topicOf(event), event, subject: { labels: {} } });

function tried(policies: readonly AnyPolicyObject[], given: Recorded): Findings {
  return judge(recorded(given), policies);
}

const told = ({ workload, what }: Finding) =>
  `${workload.workload} ${what.replace(', by /usr/sbin/main', '')}`;
const web = { matchLabels: { app: 'web' } };
const db = { matchLabels: { app: 'db' } };
const make = eventMaker();
const connect = () =>
  make.network({ pod: pods.web0 }, { operation: 'CONNECT', remoteAddress: '10.1.0.20', remotePort: 6379 });
const accept = () =>
  make.network({ pod: pods.db0 }, { operation: 'ACCEPT', localPort: 6379, remoteAddress: '10.1.0.10' });

describe('policies over what was recorded', () => {
  it('deny what they do not admit, with the rule, how often, when, and where one of it is', () => {
    const [first, second] = [
      make.exec({ pod: pods.web0 }, '/bin/sh'),
      make.exec({ pod: pods.web1 }, '/bin/sh'),
    ];
    const at = { topic: 'default.events.process.v1', partition: 2, offset: 17 };
    const allowed = make.exec({ pod: pods.web0 }, '/usr/sbin/nginx');
    const only = policy('KubeArmorPolicy', {
      selector: web,
      process: { matchPaths: [{ path: '/usr/sbin/nginx' }] },
      action: 'Allow',
    });
    const { denied, accesses, idle } = tried([only], { events: [allowed, { ...read(first), at }, second] });
    expect(denied).toEqual([
      expect.objectContaining({
        workload: { cluster, namespace: 'shop', workloadKind: 'Deployment', workload: 'web' },
        container: 'nginx',
        what: 'executes /bin/sh, by /usr/sbin/main',
        ...{ recorded: 'ALLOW', count: 2, firstSeen: first.time, lastSeen: second.time },
        rule: expect.objectContaining({ document: 'KubeArmorPolicy/shop/p', at: 'spec.process' }),
        ...{ isNamed: false, isConcluded: false },
        example: expect.objectContaining({ place: 'default.events.process.v1/2@17', node: 'node-1' }),
      }),
    ]);
    expect({ accesses, idle }).toEqual({ accesses: 3, idle: [] });
  });

  it.each<[string, AnyPolicyObject, Recorded['events'], string[]]>([
    [
      'a KubeArmorPolicy that blocks a file',
      policy('KubeArmorPolicy', {
        selector: web,
        file: { matchPaths: [{ path: '/etc/shadow' }] },
        action: 'Block',
      }),
      [make.open({ pod: pods.web0 }, '/etc/shadow'), make.open({ pod: pods.web0 }, '/etc/hosts')],
      ['web reads /etc/shadow'],
    ],
    [
      'a KubeArmorPolicy for another container',
      policy('KubeArmorPolicy', {
        selector: { matchLabels: { app: 'web', 'kubearmor.io/container.name': '[sidecar]' } },
        file: { matchPaths: [{ path: '/etc/shadow' }] },
        action: 'Block',
      }),
      [
        make.open({ pod: pods.web0 }, '/etc/shadow'),
        make.open({ pod: pods.web0, container: 'sidecar' }, '/etc/shadow'),
      ],
      ['web reads /etc/shadow'],
    ],
    [
      'a NetworkPolicy that closes the client',
      policy('NetworkPolicy', { podSelector: web, policyTypes: ['Egress'] }),
      [connect(), accept()],
      ['web connects to StatefulSet shop/db, TCP port 6379'],
    ],
    [
      'a NetworkPolicy that closes the server',
      policy('NetworkPolicy', { podSelector: db, policyTypes: ['Ingress'] }),
      [connect(), accept()],
      ['db accepts Deployment shop/web, TCP port 6379'],
    ],
    [
      'a CiliumNetworkPolicy that closes the client',
      policy('CiliumNetworkPolicy', { endpointSelector: web, egress: [{}] }),
      [connect(), accept()],
      ['web connects to StatefulSet shop/db, TCP port 6379'],
    ],
    [
      'a CiliumClusterwideNetworkPolicy that refuses a port of the server',
      policy('CiliumClusterwideNetworkPolicy', {
        endpointSelector: db,
        ingressDeny: [{ toPorts: [{ ports: [{ port: '6379', protocol: 'TCP' }] }] }],
      }),
      [connect(), accept()],
      ['db accepts Deployment shop/web, TCP port 6379'],
    ],
  ])('%s', (_, candidate, events, expected) => {
    expect(tried([candidate], { events }).denied.map(told)).toEqual(expected);
  });

  it('of a connection that one side told, judge the other side too, and once only', () => {
    const closed = policy('NetworkPolicy', { podSelector: db, policyTypes: ['Ingress'] });
    const concluded = tried([closed], { events: [connect(), connect()] }).denied;
    expect(concluded.map(each => [told(each), each.count, each.isConcluded])).toEqual([
      ['db accepts Deployment shop/web, TCP port 6379', 2, true],
    ]);
    const heard = tried([closed], { events: [connect(), connect(), accept()] }).denied;
    expect(heard.map(each => [told(each), each.count, each.isConcluded])).toEqual([
      ['db accepts Deployment shop/web, TCP port 6379', 1, false],
    ]);
    const client = policy('NetworkPolicy', { podSelector: web, policyTypes: ['Egress'] });
    expect(tried([client], { events: [accept()] }).denied.map(told)).toEqual([
      'web connects to StatefulSet shop/db, TCP port 6379',
    ]);
  });

  it('reach the pods behind a Service, at their own port and with all their labels', () => {
    const labelled = { ...pods.db0, labels: { app: 'db', tier: 'data' } };
    const [workloads, change] = [entities().slice(0, 2), entities()];
    const podObjects = change
      .slice(2, 5)
      .map(each =>
        each.name === 'db-0' ? { ...each, pod: { ...each.pod!, labels: labelled.labels } } : each,
      );
    const service = serviceChange('db', {
      ...{ address: '10.96.0.7', port: 6380, targetPort: '6379', selector: { app: 'db' } },
    });
    const viaService = make.network(
      { pod: pods.web0 },
      { operation: 'CONNECT', remoteAddress: '10.96.0.7', remotePort: 6380 },
    );
    const to = (labels: Record<string, string>, port: number) =>
      policy('NetworkPolicy', {
        podSelector: web,
        policyTypes: ['Egress'],
        egress: [{ to: [{ podSelector: { matchLabels: labels } }], ports: [{ port }] }],
      });
    const given = { events: [viaService], objects: [...workloads, ...podObjects, service] };
    expect(tried([to({ tier: 'data' }, 6379)], given).denied).toEqual([]);
    expect(tried([to({ tier: 'data' }, 6380)], given).denied).toHaveLength(1);
    expect(tried([to({ tier: 'front' }, 6379)], given).denied).toHaveLength(1);
  });

  it('select pods by any of their labels, not by those of their workload alone', () => {
    const one = policy('KubeArmorPolicy', {
      selector: { matchLabels: { 'pod-template-hash': 'hash1' } },
      file: { matchPaths: [{ path: '/x' }] },
      action: 'Block',
    });
    const events = [make.open({ pod: pods.web0 }, '/x'), make.open({ pod: pods.web1 }, '/x')];
    const { denied } = tried([one], { events });
    expect(denied.map(({ count, example }) => [count, example.sequence])).toEqual([
      [1, events[1]!.origin.sequence],
    ]);
  });

  it('for nodes are tried on what belongs to no container', () => {
    const node = withDefaults('EntityChange', {
      ...{ cluster, kind: 'Node', name: 'node-1', uid: 'n1', op: 'ADDED', observedAt: startUs },
      node: withDefaults('NodeProjection', { labels: { role: 'edge' } }),
    });
    const onHost = { pod: { ...pods.web0, containers: [{ name: 'host', id: '' }] }, bare: true };
    const given = {
      events: [make.open(onHost, '/etc/shadow'), make.open({ pod: pods.web0 }, '/etc/shadow')],
      objects: [node, ...entities()],
    };
    const block = (role: string) =>
      policy('KubeArmorHostPolicy', {
        nodeSelector: { matchLabels: { role } },
        file: { matchPaths: [{ path: '/etc/shadow' }] },
        action: 'Block',
      });
    const { denied } = tried([block('edge')], given);
    expect(denied.map(({ workload, count }) => [workload.workloadKind, workload.workload, count])).toEqual([
      ['Node', 'node-1', 1],
    ]);
    expect(tried([block('core')], given)).toMatchObject({ denied: [], idle: ['KubeArmorHostPolicy//p'] });
  });

  it('may ask for labels of namespaces, of both sides', () => {
    const shop = withDefaults('EntityChange', {
      ...{ cluster, kind: 'Namespace', name: 'shop', uid: 'ns', op: 'ADDED', observedAt: startUs },
      namespaceObject: withDefaults('NamespaceProjection', { labels: { team: 'a' } }),
    });
    const given = { events: [connect(), accept()], objects: [shop, ...entities()] };
    const from = (team: string) => [
      policy('NetworkPolicy', {
        podSelector: db,
        ingress: [{ from: [{ namespaceSelector: { matchLabels: { team } } }] }],
      }),
      policy('CiliumClusterwideNetworkPolicy', {
        endpointSelector: { matchLabels: { 'k8s:io.cilium.k8s.namespace.labels.team': team } },
        egress: [{ toEndpoints: [{ matchLabels: { 'k8s:io.cilium.k8s.namespace.labels.team': 'a' } }] }],
      }),
    ];
    expect(tried(from('a'), given)).toMatchObject({ denied: [], idle: [] });
    const other = tried(from('b'), given);
    expect(other.denied.map(told)).toEqual(['db accepts Deployment shop/web, TCP port 6379']);
    expect(other.idle).toEqual(['CiliumClusterwideNetworkPolicy//p']);
  });

  it('with named ports are told: no recording has their numbers', () => {
    const named = policy('NetworkPolicy', { podSelector: db, ingress: [{ ports: [{ port: 'redis' }] }] });
    const { denied, namedPorts } = tried([named], { events: [accept()] });
    expect(denied).toHaveLength(1);
    expect(namedPorts).toEqual(['NetworkPolicy/shop/p: spec.ingress[0]']);
  });

  it('admit an address by the names it was answered under, whichever came first', () => {
    const named = policy('CiliumNetworkPolicy', {
      endpointSelector: web,
      egress: [{ toFQDNs: [{ matchName: 'api.example' }] }],
    });
    const call = make.network(
      { pod: pods.web0 },
      { operation: 'CONNECT', remoteAddress: '192.0.2.10', remotePort: 443 },
    );
    const { origin, time, container, process, verdict } = make.exec({ pod: pods.web0 }, '/x');
    const dns = {
      query: 'api.example.',
      addresses: ['192.0.2.10'],
      serverAddress: '',
      ttlSeconds: 5,
      responseCode: 0,
      server: null,
    };
    const answer: ReadEvent = {
      topic: 'events.dns.v1',
      event: { origin, time, container, process, verdict, dns },
      subject: { labels: {} },
    };
    const denials = (events: Recorded['events']) =>
      tried([named], { events }).denied.filter(({ what }) => what.startsWith('connects')).length;
    expect([denials([call]), denials([call, answer]), denials([answer, call])]).toEqual([1, 0, 0]);
  });

  it('are told apart from what the recording denied or audited itself', () => {
    const block = policy('KubeArmorPolicy', {
      selector: web,
      file: { matchPaths: [{ path: '/a' }, { path: '/b' }, { path: '/c' }] },
      action: 'Block',
    });
    const audit = policy(
      'KubeArmorPolicy',
      { selector: web, file: { matchPaths: [{ path: '/e' }] }, action: 'Audit' },
      { name: 'q' },
    );
    const open = (path: string, verdict: 'ALLOW' | 'AUDIT' | 'DENY' = 'ALLOW') =>
      make.open({ pod: pods.web0, verdict }, path);
    const { denied, audited, stillDenied, opened } = tried([block, audit], {
      events: [open('/a'), open('/b', 'AUDIT'), open('/c', 'DENY'), open('/d', 'DENY'), open('/e')],
    });
    expect(denied.map(each => [each.access.object, each.recorded, each.isNamed])).toEqual([
      ['/a', 'ALLOW', true],
      ['/b', 'AUDIT', true],
    ]);
    expect(audited.map(({ access }) => access.object)).toEqual(['/e']);
    expect(stillDenied.map(({ access }) => access.object)).toEqual(['/c']);
    expect(opened.map(({ access, rule }) => [access.object, rule])).toEqual([['/d', null]]);
  });

  it('that are about nobody in the recording are named', () => {
    const other = policy(
      'NetworkPolicy',
      { podSelector: { matchLabels: { app: 'gone' } } },
      { name: 'gone' },
    );
    const elsewhere = policy('NetworkPolicy', { podSelector: {} }, { namespace: 'elsewhere' });
    const { idle } = tried([other, elsewhere], { events: ordinaryEvents() });
    expect(idle).toEqual(['NetworkPolicy/elsewhere/p', 'NetworkPolicy/shop/gone']);
  });

  it('give the same whatever the order of events, and after a pause in between', () => {
    const closed = [
      policy('NetworkPolicy', { podSelector: {}, policyTypes: ['Egress', 'Ingress'] }),
      policy('KubeArmorPolicy', { selector: web, file: { matchPaths: [{ path: '/x' }] }, action: 'Allow' }),
    ];
    const events = ordinaryEvents();
    const whole = tried(closed, { events });
    expect(whole.denied.length).toBeGreaterThan(5);
    expect(tried(closed, { events: events.toReversed() })).toEqual(whole);
    const before = recorded({ events: events.slice(0, 9) });
    const after = new RecordedDeeds(JSON.parse(JSON.stringify(before.state())));
    for (const value of entities())
      after.entity({ key: keyOf.entity(value), value, timestampMs: startUs / 1000 });
    for (const event of events.slice(9)) after.event(read(event));
    expect(judge(after, closed)).toEqual(whole);
  });

  it('say nothing of traffic with nobody knows whom', () => {
    const { origin, time, container, process, verdict } = make.exec({ pod: pods.web0 }, '/x');
    const dns = {
      query: 'a.example',
      addresses: [],
      serverAddress: '',
      ttlSeconds: 5,
      responseCode: 0,
      server: null,
    };
    const asked: ReadEvent = {
      topic: 'events.dns.v1',
      event: { origin, time, container, process, verdict, dns },
      subject: { labels: {} },
    };
    const deeds = recorded({ events: [asked] });
    expect([[...deeds.unjudged], deeds.tally.size]).toEqual([[['peer-unknown', 1]], 0]);
  });

  it('keep one entry for what repeats', () => {
    const deeds = recorded({ events: ordinaryEvents() });
    const { size } = deeds.tally;
    for (let i = 0; i < 200; i++) for (const event of ordinaryEvents(`boot-${i}`)) deeds.event(read(event));
    expect(deeds.tally.size).toBe(size);
  });

  it('account for events whose container nobody knows', () => {
    const unknown = make.open(
      { pod: { ...pods.web0, containers: [{ name: 'x', id: 'nobody' }] }, bare: true },
      '/x',
    );
    const deeds = recorded({ events: [unknown] });
    expect([deeds.events, [...deeds.unjudged]]).toEqual([1, [['container-unknown', 1]]]);
  });
});
