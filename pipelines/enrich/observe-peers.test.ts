import { describe, expect, it } from 'vitest';
import { type DnsEvent, type Endpoint, type NetworkAccessInput, type Peer, withDefaults } from '#schemas';
import { EntityIntervals } from './entity-intervals.ts';
import { identityOf, observe } from './observe.ts';
import { resolvePeer } from './resolve-peer.ts';
import { cluster, entities, eventMaker, keyOf, pods } from './sample-cluster.ts';

const make = eventMaker();
const web = { pod: pods.web0 };
const intervals = new EntityIntervals();
for (const value of entities()) intervals.apply({ key: keyOf.entity(value), value, timestampMs: 0 });

function seen(event: Parameters<typeof observe>[0]) {
  const observation = observe(event, (address, named, remote = null) =>
    resolvePeer(intervals, { cluster, address, atUs: event.time, podUid: pods.web0.uid, named, remote }),
  );
  if (!('length' in observation)) throw new Error(JSON.stringify(observation));
  return observation;
}
const network = (given: Partial<NetworkAccessInput>) => seen(make.network(web, given));
const remote = (given: Partial<Endpoint>) => withDefaults('Endpoint', given);
const peerOf = (given: Partial<NetworkAccessInput>): Peer | null =>
  network({ operation: 'FLOW', direction: 'EGRESS', localPort: 50_000, remotePort: 443, ...given })[0]!.peer;
const dns = (given: Partial<DnsEvent['dns']>): DnsEvent => {
  const { network: _, ...head } = make.network(web, {});
  return { ...head, dns: withDefaults('DnsAnswer', { query: 'api.example.com', ...given }) };
};

describe('what an agent tells of the other side', () => {
  it('is pods by their labels, without those that differ from pod to pod and without Cilium’s own', () => {
    const labels = {
      'k8s:app': 'cart',
      'k8s:io.kubernetes.pod.namespace': 'shop',
      'k8s:io.cilium.k8s.policy.cluster': 'default',
      'k8s:pod-template-hash': 'abc',
    };
    const told = remote({ namespace: 'shop', pod: 'cart-1', labels });
    expect(peerOf({ remoteAddress: '10.9.9.9', remote: told })).toMatchObject({
      ...{ type: 'WORKLOAD', namespace: 'shop', workloadKind: 'Pods', workload: 'app=cart' },
      selector: { app: 'cart' },
    });
  });

  it('counts before an address that somebody else of another namespace has by now: reuse misleads nobody', () => {
    const told = remote({ namespace: 'other', labels: { app: 'gone' } });
    expect(peerOf({ remoteAddress: pods.db0.address, remote: told })!.namespace).toBe('other');
    const same = remote({ namespace: 'shop', labels: { app: 'db' } });
    expect(peerOf({ remoteAddress: pods.db0.address, remote: same })!.workload).toBe('db');
  });

  it('is a reserved identity by its name, and the world by its address, or by itself when it has none', () => {
    expect(peerOf({ remoteAddress: '10.110.0.1', remote: remote({ entity: 'host' }) })).toMatchObject({
      ...{ type: 'ENTITY', value: 'host' },
    });
    const world = remote({ entity: 'world' });
    expect(peerOf({ remoteAddress: '198.51.100.7', remote: world })).toMatchObject({
      ...{ type: 'ADDRESS', value: '198.51.100.7/32' },
    });
    expect(peerOf({ remote: world })).toMatchObject({ type: 'ENTITY', value: 'world' });
    expect(peerOf({ remoteAddress: '10.96.0.7', remotePort: 6380, remote: world })!.workload).toBe('db');
  });

  it('is a DNS name before an address, the first of several', () => {
    const told = remote({ entity: 'world', dnsNames: ['B.example.com.', 'a.example.com'] });
    expect(peerOf({ remoteAddress: '198.51.100.7', remote: told })).toMatchObject({
      ...{ type: 'FQDN', value: 'a.example.com' },
    });
  });

  it('is nobody when it names nobody', () => {
    expect(peerOf({ remoteAddress: '', remote: remote({ entity: 'unknown' }) })).toBeNull();
  });
});

describe('what an event says of layers', () => {
  it('is method and path of a request, without query, fragment and host', () => {
    const request = (path: string) =>
      network({
        ...{ operation: 'FLOW', direction: 'INGRESS', localPort: 80, remoteAddress: '192.0.2.1' },
        http: { method: 'get', path, host: 'shop.example' },
      })[0]!.http;
    expect(request('/cart?token=1#x')).toEqual({ method: 'GET', path: '/cart', host: '' });
    expect(request('http://web:80//a/b')).toEqual({ method: 'GET', path: '/a/b', host: '' });
    expect(request('')).toEqual({ method: 'GET', path: '/', host: '' });
  });

  it('tells requests apart that a rule can tell apart', () => {
    const flow = {
      operation: 'FLOW',
      direction: 'INGRESS',
      localPort: 80,
      remoteAddress: '192.0.2.1',
    } as const;
    const of = (method: string, path: string) =>
      identityOf(network({ ...flow, http: { method, path, host: '' } })[0]!);
    expect(new Set([of('GET', '/a'), of('PUT', '/a'), of('GET', '/b'), of('GET', '/a?x=1')]).size).toBe(3);
  });

  it('is the type of an ICMP message, and no port', () => {
    const [ping] = network({
      ...{ operation: 'FLOW', direction: 'EGRESS', transport: 'ICMP', icmpType: 8, remotePort: 3 },
      remoteAddress: '192.0.2.1',
    });
    expect(ping).toMatchObject({ operation: 'CONNECT', transport: 'ICMP', object: '8', port: 0 });
  });

  it('is nothing for a reply from a well-known port to a client’s; a server may listen on a high one', () => {
    const flow = { operation: 'FLOW', direction: 'INGRESS', remoteAddress: '192.0.2.1' } as const;
    expect(network({ ...flow, localPort: 39_234, remotePort: 53, transport: 'UDP' })).toEqual([]);
    expect(network({ ...flow, localPort: 50_051, remotePort: 41_000 })[0]!.port).toBe(50_051);
  });
});

describe('what a DNS answer says', () => {
  it('is who answered, and each address of the name', () => {
    const observed = seen(
      dns({
        query: 'API.example.com.',
        addresses: ['192.0.2.9', '2001:db8::9'],
        serverAddress: pods.db0.address,
      }),
    );
    expect(
      observed.map(({ object, transport, port, peer }) => [
        object,
        transport,
        port,
        peer?.workload || peer?.value,
      ]),
    ).toEqual([
      ['api.example.com', 'UDP', 53, 'db'],
      ['api.example.com', 'OTHER', 0, '192.0.2.9/32'],
      ['api.example.com', 'OTHER', 0, '2001:db8::9/128'],
    ]);
  });

  it('is a question alone when there was no such name, and nothing without a name', () => {
    expect(seen(dns({ responseCode: 3 }))).toHaveLength(1);
    expect(seen(dns({ query: '.' }))).toEqual([]);
  });
});
