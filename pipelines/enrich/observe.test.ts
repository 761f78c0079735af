import { describe, expect, it } from 'vitest';
import { type FileAccessInput, type NetworkAccessInput, withDefaults } from '#schemas';
import { EntityIntervals } from './entity-intervals.ts';
import { type LearnableEvent, observe } from './observe.ts';
import { resolvePeer } from './resolve-peer.ts';
import { cluster, entities, eventMaker, keyOf, pods, serviceChange } from './sample-cluster.ts';

const make = eventMaker();
const web = { pod: pods.web0 };
const intervals = new EntityIntervals();
for (const value of [
  ...entities(),
  serviceChange('named', { address: '10.96.0.8', port: 80, targetPort: 'http', selector: { app: 'web' } }),
  serviceChange('external', { address: '10.96.0.9', port: 80, targetPort: '', selector: {} }),
])
  intervals.apply({ key: keyOf.entity(value), value, timestampMs: 0 });

/** `OPERATION object`, `OPERATION TRANSPORT port peer`, or why not. */
function seen(event: LearnableEvent): string[] | string {
  const observation = observe(event, (address, named) =>
    resolvePeer(intervals, { cluster, address, atUs: event.time, podUid: pods.web0.uid, named }),
  );
  if ('refused' in observation) return observation.refused;
  if ('unknown' in observation) return observation.unknown;
  return observation.map(({ operation, object, transport, port, peer }) => {
    const network =
      transport === 'OTHER' ? '' : `${transport} ${port} ${peer?.workload || peer?.value || '-'}`;
    return `${operation} ${object}${network}`.trim();
  });
}

const network = (given: Partial<NetworkAccessInput>) => seen(make.network(web, given));
const file = (given: Partial<FileAccessInput>) =>
  seen({
    ...make.open(web, '/x'),
    file: withDefaults('FileAccess', { operation: 'OPEN', path: '', ...given }),
  });

describe('what an event says', () => {
  it('is execution, system call and capability by name', () => {
    expect(seen(make.exec(web, '/bin/sh'))).toEqual(['EXEC /bin/sh']);
    expect(seen(make.syscall(web, 'ptrace'))).toEqual(['SYSCALL ptrace']);
  });

  it('is reading, writing or both, and nothing when a file was merely looked at', () => {
    expect(seen(make.open(web, '/a', 'r'))).toEqual(['FILE_READ /a']);
    expect(seen(make.open(web, '/a', 'rw'))).toEqual(['FILE_READ /a', 'FILE_WRITE /a']);
    expect(file({ path: '/a' })).toEqual([]);
  });

  it('is writing of both names of a rename or link, and of one of a symbolic link, whose target is only text', () => {
    const both = ['FILE_WRITE /a', 'FILE_WRITE /b'];
    expect(file({ operation: 'RENAME', path: '/a', targetPath: '/b', write: true })).toEqual(both);
    expect(file({ operation: 'LINK', path: '/a', targetPath: '/b', write: true })).toEqual(both);
    expect(file({ operation: 'SYMLINK', path: '/a', targetPath: '/b', write: true })).toEqual([
      'FILE_WRITE /a',
    ]);
  });

  it('is one thing for all objects without a path', () => {
    expect(seen(make.open(web, 'unresolved:/tmp/gone-17'))).toEqual(['FILE_READ unresolved:']);
    expect(seen(make.open(web, ''))).toEqual(['FILE_READ unresolved:']);
  });

  it.each([
    [
      'an outgoing connection by the peer’s port',
      { operation: 'CONNECT', remoteAddress: '192.0.2.1', remotePort: 443, localPort: 50_000 },
      ['CONNECT TCP 443 192.0.2.1/32'],
    ],
    [
      'an incoming connection by its own port',
      { operation: 'ACCEPT', remoteAddress: '192.0.2.1', remotePort: 50_000, localPort: 80 },
      ['ACCEPT TCP 80 192.0.2.1/32'],
    ],
    [
      'a flow by its direction',
      {
        operation: 'FLOW',
        direction: 'INGRESS',
        remoteAddress: '192.0.2.1',
        remotePort: 50_000,
        localPort: 80,
      },
      ['ACCEPT TCP 80 192.0.2.1/32'],
    ],
    [
      'IPv6 with its own prefix',
      { operation: 'CONNECT', remoteAddress: '2001:db8::1', remotePort: 443 },
      ['CONNECT TCP 443 2001:db8::1/128'],
    ],
    [
      'a pod by its workload',
      { operation: 'CONNECT', remoteAddress: pods.db0.address, remotePort: 6379 },
      ['CONNECT TCP 6379 db'],
    ],
    [
      'a Service by the pods behind it, at their port',
      { operation: 'CONNECT', remoteAddress: '10.96.0.7', remotePort: 6380 },
      ['CONNECT TCP 6379 db'],
    ],
    [
      'a port its Service does not serve, as it is',
      { operation: 'CONNECT', remoteAddress: '10.96.0.7', remotePort: 1 },
      ['CONNECT TCP 1 db'],
    ],
    [
      'a Service without selector by its address',
      { operation: 'CONNECT', remoteAddress: '10.96.0.9', remotePort: 80 },
      ['CONNECT TCP 80 10.96.0.9/32'],
    ],
    [
      'a Service whose target port is a name: it cannot be told',
      { operation: 'CONNECT', remoteAddress: '10.96.0.8', remotePort: 80 },
      'service-port-named',
    ],
    [
      'the loopback as the pod itself',
      { operation: 'CONNECT', remoteAddress: '127.0.0.53', remotePort: 53 },
      ['CONNECT TCP 53 self'],
    ],
    [
      'its own address as the pod itself',
      { operation: 'CONNECT', remoteAddress: pods.web0.address, remotePort: 80 },
      ['CONNECT TCP 80 self'],
    ],
    [
      'its own replica as a peer',
      { operation: 'CONNECT', remoteAddress: pods.web1.address, remotePort: 80 },
      ['CONNECT TCP 80 web'],
    ],
    [
      'an address that is none: it cannot be told',
      { operation: 'CONNECT', remoteAddress: 'nowhere', remotePort: 1 },
      'peer-address-unreadable',
    ],
    ['a bound port', { operation: 'BIND', localPort: 80 }, ['BIND TCP 80 -']],
    [
      'an ephemeral port that is bound, as no port',
      { operation: 'BIND', transport: 'UDP', localPort: 40_000 },
      ['BIND UDP 0 -'],
    ],
    [
      'an ephemeral port that is listened on',
      { operation: 'LISTEN', localPort: 40_000 },
      ['BIND TCP 40000 -'],
    ],
    ['a socket by its transport', { operation: 'SOCKET', transport: 'RAW' }, ['SOCKET RAW 0 -']],
    ['nothing of sockets within a machine', { operation: 'CONNECT', transport: 'UNIX' }, []],
  ] satisfies [string, Partial<NetworkAccessInput>, string[] | string][])(
    'is, of the network, %s',
    (_, given, expected) => {
      expect(network(given)).toEqual(expected);
    },
  );
});
