import { describe, expect, it } from 'vitest';
import { readEntityObjects } from '#kubernetes';
import { entityKey, withDefaults } from '#schemas';
import { EntityIntervals } from './entity-intervals.ts';
import { type PortOf, resolvePeer } from './resolve-peer.ts';

const at = (second: number) => 1_767_225_600_000_000 + second * 1_000_000;
const time = (second: number) => new Date(at(second) / 1000).toISOString();

/** `name: …` fields of objects, in the namespace shop. */
const object = (kind: string, name: string, more: object) => ({
  ...{ kind, metadata: { name, namespace: 'shop' } },
  ...more,
});
const pod = (name: string, podIPs: readonly string[], more: { labels?: object; spec?: object } = {}) => ({
  ...{ kind: 'Pod', metadata: { name, namespace: 'shop', labels: more.labels ?? { app: name } } },
  spec: { containers: [{ name: 'main', ports: [{ name: 'http', containerPort: 8080 }] }], ...more.spec },
  status: { phase: 'Running', startTime: time(0), podIPs: podIPs.map(ip => ({ ip })) },
});
const service = (name: string, spec: object, more: object = {}) => object('Service', name, { spec, ...more });
const slice = (service: string, addresses: readonly string[], ports: object[] = []) => ({
  kind: 'EndpointSlice',
  metadata: { name: `${service}-x`, namespace: 'shop', labels: { 'kubernetes.io/service-name': service } },
  ...{ endpoints: [{ addresses }], ports },
});

function cluster(...objects: object[]): EntityIntervals {
  const intervals = new EntityIntervals();
  const text = JSON.stringify({ kind: 'List', items: objects });
  for (const value of readEntityObjects([{ text, source: 'o.json' }], 'c').changes)
    intervals.apply({ key: entityKey(value), value, timestampMs: 0 });
  return intervals;
}

/** `workload or value, port` of each peer, or why there is none. */
function peers(intervals: EntityIntervals, address: string, port = 80, second = 10): string[] | string {
  const named: PortOf = { transport: 'TCP', port };
  const question = { cluster: 'c', address, atUs: at(second), podUid: 'me', named };
  const outcome = resolvePeer(intervals, question);
  if ('refused' in outcome) return outcome.refused;
  if ('unknown' in outcome) return outcome.unknown;
  return outcome.peers.map(peer => `${peer?.workload || peer?.value} ${outcome.port ?? port}`);
}

describe('the peer behind a Service', () => {
  const web = pod('web', ['10.1.0.5']);

  it('is its pods at their own port, port by port', () => {
    const ports = [
      { name: 'http', port: 80, targetPort: 8080 },
      { name: 'admin', port: 81, targetPort: 9090 },
      { name: 'same', port: 82 },
    ];
    const intervals = cluster(
      web,
      service('web', { clusterIP: '10.96.0.1', selector: { app: 'web' }, ports }),
    );
    expect([80, 81, 82, 83].map(port => peers(intervals, '10.96.0.1', port))).toEqual([
      ['web 8080'],
      ['web 9090'],
      ['web 82'],
      ['web 83'],
    ]);
  });

  it('is on the port that its pods give the name of its target', () => {
    const ports = [{ port: 80, targetPort: 'http' }];
    const spec = { clusterIP: '10.96.0.1', selector: { app: 'web' }, ports };
    expect(peers(cluster(web, service('web', spec)), '10.96.0.1')).toEqual(['web 8080']);
  });

  it('is on the port that a workload’s template gives the name, where no pod is told', () => {
    const template = {
      metadata: { labels: { app: 'api' } },
      spec: { containers: [{ name: 'main', ports: [{ name: 'grpc', containerPort: 5051 }] }] },
    };
    const spec = {
      clusterIP: '10.96.0.2',
      selector: { app: 'api' },
      ports: [{ port: 80, targetPort: 'grpc' }],
    };
    const api = object('Deployment', 'api', {
      spec: { selector: { matchLabels: { app: 'api' } }, template },
    });
    expect(peers(cluster(api, service('api', spec)), '10.96.0.2')).toEqual(['api 5051']);
  });

  it('is on the port that its endpoints tell by the name of the Service’s port', () => {
    const spec = {
      ...{ clusterIP: '10.96.0.1', selector: { app: 'gone' } },
      ports: [{ name: 'web', port: 80, targetPort: 'http' }],
    };
    const told = slice('s', ['10.1.0.9'], [{ name: 'web', port: 8088 }]);
    expect(peers(cluster(service('s', spec), told), '10.96.0.1')).toEqual(['s 8088']);
  });

  it('cannot be told while its pods give the name different numbers', () => {
    const other = pod('old', ['10.1.0.6'], {
      labels: { app: 'web' },
      spec: { containers: [{ name: 'main', ports: [{ name: 'http', containerPort: 8000 }] }] },
    });
    const spec = {
      clusterIP: '10.96.0.1',
      selector: { app: 'web' },
      ports: [{ port: 80, targetPort: 'http' }],
    };
    expect(peers(cluster(web, other, service('web', spec)), '10.96.0.1')).toBe('service-port-named');
  });

  it.each(['Endpoints', 'EndpointSlice'])(
    'without selector is each of its endpoints at their port: of %s, pods by their workload',
    kind => {
      const spec = { clusterIP: '10.96.0.3', ports: [{ port: 80, targetPort: 443 }] };
      const addresses = ['198.51.100.7', '2001:DB8::7', '10.1.0.5'];
      const endpoints =
        kind === 'EndpointSlice'
          ? slice('ledger', addresses, [{ port: 443 }])
          : object('Endpoints', 'ledger', {
              subsets: [{ addresses: addresses.map(ip => ({ ip })), ports: [{ port: 443 }] }],
            });
      expect(peers(cluster(web, service('ledger', spec), endpoints), '10.96.0.3')).toEqual([
        'web 443',
        '198.51.100.7/32 443',
        '2001:db8::7/128 443',
      ]);
    },
  );

  it('without selector and endpoints is its address', () => {
    const spec = { clusterIP: '10.96.0.3', ports: [{ port: 80, targetPort: 443 }] };
    expect(peers(cluster(service('ledger', spec)), '10.96.0.3')).toEqual(['10.96.0.3/32 80']);
  });

  it('is found at all its addresses: of both families, external ones, a load balancer’s', () => {
    const spec = {
      ...{ type: 'LoadBalancer', clusterIPs: ['10.96.0.1', 'FD00::1'], externalIPs: ['192.0.2.4'] },
      ...{ selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] },
    };
    const balanced = { status: { loadBalancer: { ingress: [{ ip: '192.0.2.5' }, { hostname: 'lb' }] } } };
    const intervals = cluster(web, service('web', spec, balanced));
    for (const address of ['10.96.0.1', 'fd00::1', 'fd00:0::0:1', '192.0.2.4', '192.0.2.5'])
      expect(peers(intervals, address)).toEqual(['web 8080']);
  });

  it('that has no address of its own is the pod that was reached', () => {
    const headless = service('web', { clusterIP: 'None', selector: { app: 'web' }, ports: [{ port: 80 }] });
    const named = service('out', { type: 'ExternalName', externalName: 'api.example.org' });
    expect(peers(cluster(web, headless, named), '10.1.0.5', 8080)).toEqual(['web 8080']);
  });
});

describe('the peer at a node’s address', () => {
  const node = {
    ...{ kind: 'Node', metadata: { name: 'n1' }, spec: { podCIDRs: ['10.1.0.0/24', 'fd00:1::/64'] } },
    status: {
      addresses: [
        { type: 'InternalIP', address: '192.168.0.5' },
        { type: 'Hostname', address: 'n1' },
      ],
    },
  };
  const hostNetwork = pod('exporter', ['192.168.0.5'], { spec: { hostNetwork: true } });

  it('is the pods of the Service whose node port was asked for', () => {
    const spec = {
      ...{ type: 'NodePort', clusterIP: '10.96.0.1', selector: { app: 'web' } },
      ports: [{ port: 80, targetPort: 8080, nodePort: 30080 }],
    };
    const intervals = cluster(node, pod('web', ['10.1.0.5']), service('web', spec));
    expect(peers(intervals, '192.168.0.5', 30080)).toEqual(['web 8080']);
    expect(peers(intervals, '192.168.0.5', 30081)).toEqual(['n1 30081']);
  });

  it('is the node’s address otherwise, whoever of its network it was, and knows the node', () => {
    const intervals = cluster(
      node,
      hostNetwork,
      pod('other', ['192.168.0.5'], { spec: { hostNetwork: true } }),
    );
    const outcome = resolvePeer(intervals, {
      ...{ cluster: 'c', address: '192.168.0.5', atUs: at(1), podUid: 'me', named: null },
    });
    expect(outcome).toMatchObject({
      peers: [{ type: 'ADDRESS', value: '192.168.0.5/32', workloadKind: 'Node', workload: 'n1' }],
    });
  });

  it('is a Service’s pods where a balancer uses the nodes’ addresses, by the port', () => {
    const balanced = (name: string, port: number) =>
      service(
        name,
        { type: 'LoadBalancer', selector: { app: name }, ports: [{ port, targetPort: 8080 }] },
        { status: { loadBalancer: { ingress: [{ ip: '192.168.0.5' }] } } },
      );
    const intervals = cluster(node, balanced('web', 80), balanced('api', 81));
    expect([80, 81, 22].map(port => peers(intervals, '192.168.0.5', port))).toEqual([
      ['web 8080'],
      ['api 8080'],
      ['n1 22'],
    ]);
  });

  it('of the range of its pods is waited for, where no pod is known to have had it', () => {
    const intervals = cluster(node, pod('web', ['10.1.0.5', 'fd00:1::5']));
    expect(peers(intervals, '10.1.0.5')).toEqual(['web 80']);
    expect(peers(intervals, 'FD00:1:0::5')).toEqual(['web 80']);
    expect(peers(intervals, '10.1.0.6')).toBe('peer-pod-unknown');
    expect(peers(intervals, 'fd00:1::6')).toBe('peer-pod-unknown');
    expect(peers(intervals, '203.0.113.6')).toEqual(['203.0.113.6/32 80']);
  });
});

describe('the peer whose labels the agent told', () => {
  const web = object('Deployment', 'web', { spec: { selector: { matchLabels: { app: 'web' } } } });
  const replicas = object('ReplicaSet', 'web-1', { spec: { selector: { matchLabels: { app: 'web' } } } });
  const owned = {
    ...replicas,
    metadata: {
      ...replicas.metadata,
      ownerReferences: [{ kind: 'Deployment', name: 'web', controller: true }],
    },
  };
  const told = (intervals: EntityIntervals, labels: Record<string, string>, address = '10.1.0.7') => {
    const remote = withDefaults('Endpoint', { namespace: 'shop', pod: 'x', labels });
    const question = { cluster: 'c', address, atUs: at(10), podUid: 'me', named: null, remote };
    const outcome = resolvePeer(intervals, question);
    if (!('peers' in outcome)) throw new Error(JSON.stringify(outcome));
    return outcome.peers.map(
      peer => `${peer!.workloadKind} ${peer!.workload} ${JSON.stringify(peer!.selector)}`,
    );
  };

  it('is the one workload that selects them, by what that selects, whatever else pods are labelled with', () => {
    const intervals = cluster(web, owned);
    const expected = ['Deployment web {"app":"web"}'];
    expect(told(intervals, { app: 'web', track: 'canary' })).toEqual(expected);
    expect(told(intervals, { app: 'web', 'pod-template-hash': '5f' })).toEqual(expected);
  });

  it('is those labels where none selects them, or several do', () => {
    const other = object('StatefulSet', 'web-too', {
      spec: { selector: { matchLabels: { track: 'canary' } } },
    });
    const labels = { app: 'web', track: 'canary' };
    expect(told(cluster(web, other), labels)).toEqual([
      `Pods app=web,track=canary ${JSON.stringify(labels)}`,
    ]);
    expect(told(cluster(), { app: 'web' })).toEqual(['Pods app=web {"app":"web"}']);
  });

  it('is not who has its address by now, in the same namespace either', () => {
    const now = pod('report', ['10.1.0.7'], { labels: { app: 'report' } });
    expect(told(cluster(now), { app: 'web' })).toEqual(['Pods app=web {"app":"web"}']);
    expect(told(cluster(now, web), { app: 'web' })).toEqual(['Deployment web {"app":"web"}']);
    expect(told(cluster(now), { app: 'report' })).toEqual(['Pod report {"app":"report"}']);
  });
});

describe('an address', () => {
  it('is the same however it is spelled', () => {
    const intervals = cluster();
    expect(peers(intervals, '2001:DB8:0:0::1')).toEqual(['2001:db8::1/128 80']);
    expect(peers(intervals, '::ffff:203.0.113.6')).toEqual(['203.0.113.6/32 80']);
    expect(peers(intervals, '::ffff:127.0.0.1')).toEqual(['self 80']);
  });
});
