import { describe, expect, it } from 'vitest';
import type { NetworkEvent } from '../generated/types.ts';
import { eventsOf, readText } from './read-text.ts';

const web = {
  namespace: 'shop',
  pod_name: 'web-0',
  labels: ['k8s:app=web', 'k8s:io.kubernetes.pod.namespace=shop'],
};
const db = { namespace: 'data', pod_name: 'db-0', labels: ['k8s:app=db'] };
const world = { identity: 2, labels: ['reserved:world'] };

function flow(given: object = {}) {
  return {
    time: '2026-01-01T00:00:00.123456789Z',
    verdict: 'FORWARDED',
    IP: { source: '10.1.0.1', destination: '10.1.0.2', ipVersion: 'IPv4' },
    l4: { TCP: { source_port: 40_000, destination_port: 5432 } },
    source: web,
    destination: db,
    ...given,
  };
}

const line = (given: object) => JSON.stringify({ flow: flow(given), node_name: 'n1' });
const read = (...flows: object[]) => readText('hubble', flows.map(line).join('\n'));

/** `pod direction remote:port/transport`, with what else is told. */
function said(flows: readonly object[]): string[] {
  return eventsOf(read(...flows)).map(({ event }) => {
    if (!('network' in event)) return `${event.container.pod} dns ${'dns' in event ? event.dns.query : ''}`;
    const { direction, transport, localPort, remotePort, remote, icmpType, http } = event.network;
    const who = remote!.pod || remote!.entity;
    const port = direction === 'EGRESS' ? remotePort : localPort;
    const more = [
      icmpType === null ? '' : `type ${icmpType}`,
      http ? `${http.method} ${http.path}` : '',
    ].join('');
    return `${event.container.pod} ${direction} ${who}:${port}/${transport}${more && ` ${more}`} ${event.verdict}`;
  });
}

const both = ['web-0 EGRESS db-0:5432/TCP ALLOW', 'db-0 INGRESS web-0:5432/TCP ALLOW'];

describe('a Hubble flow', () => {
  it.each<[string, object[], string[]]>([
    ['without a direction is what both ends do', [{}], both],
    [
      'that arrived is what both ends do',
      [{ traffic_direction: 'INGRESS', trace_observation_point: 'TO_ENDPOINT' }],
      both,
    ],
    [
      'in camel case is read all the same',
      [{ trafficDirection: 'EGRESS', isReply: true }],
      ['db-0 EGRESS web-0:40000/TCP ALLOW', 'web-0 INGRESS db-0:40000/TCP ALLOW'],
    ],
    ['that left says nothing of its end but by conclusion', [{ traffic_direction: 'EGRESS' }], both],
    [
      'that left and was dropped on arrival is learned of the sender only',
      [
        { traffic_direction: 'EGRESS' },
        { traffic_direction: 'INGRESS', verdict: 'DROPPED', drop_reason_desc: 'POLICY_DENIED' },
      ],
      ['web-0 EGRESS db-0:5432/TCP ALLOW', 'db-0 INGRESS web-0:5432/TCP DENY'],
    ],
    [
      'is learned once of each end when both report it',
      [{ traffic_direction: 'EGRESS' }, { traffic_direction: 'INGRESS' }],
      both,
    ],
    [
      'that is a reply says the same as the request',
      [
        {
          is_reply: true,
          source: db,
          destination: web,
          IP: { source: '10.1.0.2', destination: '10.1.0.1' },
          l4: { TCP: { source_port: 5432, destination_port: 40_000 } },
        },
      ],
      both,
    ],
    [
      'to the world is egress alone',
      [{ destination: world, l4: { UDP: { source_port: 1, destination_port: 123 } } }],
      ['web-0 EGRESS world:123/UDP ALLOW'],
    ],
    [
      'from a host is ingress alone',
      [
        {
          source: { labels: ['reserved:host', 'reserved:kube-apiserver'] },
          l4: { SCTP: { source_port: 1, destination_port: 9 } },
        },
      ],
      ['db-0 INGRESS kube-apiserver:9/SCTP ALLOW'],
    ],
    [
      'of ICMP has a type and no port',
      [{ l4: { ICMPv4: { type: 8 } }, destination: world }],
      ['web-0 EGRESS world:0/ICMP type 8 ALLOW'],
    ],
    [
      'of ICMPv6 that is an answer counts as the request',
      [{ l4: { ICMPv6: { type: 129 } }, source: world, destination: web }],
      ['web-0 EGRESS world:0/ICMPV6 type 128 ALLOW'],
    ],
    [
      'that does not tell whether it is a reply is what its flags say',
      [
        {
          is_reply: null,
          destination: world,
          l4: { TCP: { source_port: 1, destination_port: 443, flags: { SYN: true } } },
        },
        {
          is_reply: null,
          source: world,
          destination: web,
          l4: { TCP: { source_port: 443, destination_port: 1, flags: { SYN: true, ACK: true } } },
        },
      ],
      ['web-0 EGRESS world:443/TCP ALLOW', 'web-0 EGRESS world:443/TCP ALLOW'],
    ],
    [
      'in the middle of a connection is its client’s',
      [
        {
          is_reply: false,
          destination: world,
          l4: { TCP: { source_port: 1, destination_port: 443, flags: { ACK: true, PSH: true } } },
        },
      ],
      ['web-0 EGRESS world:443/TCP ALLOW'],
    ],
    [
      'of a socket is read where the address of a Service has been exchanged, on the way there',
      ['PRE_DIRECTION_FWD', 'POST_DIRECTION_FWD', 'PRE_DIRECTION_REV', 'POST_DIRECTION_REV'].map(point => ({
        verdict: point.startsWith('PRE') ? 'TRACED' : 'TRANSLATED',
        Type: 'SOCK',
        sock_xlate_point: `SOCK_XLATE_POINT_${point}`,
        destination: world,
      })),
      ['web-0 EGRESS world:5432/TCP ALLOW'],
    ],
    [
      'of HTTP that was refused is no permission, nor that which failed',
      ['DROPPED', 'ERROR'].map(verdict => ({
        verdict,
        destination: world,
        l7: { type: 'REQUEST', http: { code: 403, method: 'GET', url: '/admin' } },
      })),
      ['web-0 EGRESS world:5432/TCP GET /admin DENY', 'web-0 EGRESS world:5432/TCP GET /admin DENY'],
    ],
    [
      'with the answer to a request says the same as the request',
      [
        {
          is_reply: true,
          source: world,
          destination: web,
          l4: { TCP: { source_port: 80, destination_port: 40_000 } },
          l7: { type: 'RESPONSE', http: { code: 200, method: 'GET', url: '/' } },
        },
      ],
      ['web-0 EGRESS world:80/TCP GET / ALLOW'],
    ],
    [
      'of the world of one family is of the world',
      [{ destination: { labels: ['reserved:world-ipv6'] }, destination_names: ['a.example.'] }],
      ['web-0 EGRESS world:5432/TCP ALLOW'],
    ],
    [
      'of HTTP has method and path, without query and host',
      [
        {
          l7: { type: 'REQUEST', http: { method: 'get', url: 'http://db:5432//rows?id=1' } },
          destination: world,
        },
      ],
      ['web-0 EGRESS world:5432/TCP GET /rows ALLOW'],
    ],
    [
      'that was audited is no permission',
      [{ verdict: 'AUDIT', destination: world }],
      ['web-0 EGRESS world:5432/TCP AUDIT'],
    ],
    [
      'of a DNS answer tells the client what the name means',
      [
        {
          is_reply: true,
          source: { ...db, pod_name: 'dns' },
          destination: web,
          l4: { UDP: { source_port: 53, destination_port: 40_000 } },
          l7: { type: 'RESPONSE', dns: { query: 'API.example.org.', ips: ['192.0.2.1'], ttl: 30 } },
        },
      ],
      ['web-0 EGRESS dns:53/UDP ALLOW', 'dns INGRESS web-0:53/UDP ALLOW', 'web-0 dns api.example.org'],
    ],
  ])('%s', (_, flows, expected) => expect(said(flows)).toEqual(expected));

  it.each([
    [
      { l4: { TCP: { source_port: 1, destination_port: 2, flags: { ACK: true } } } },
      'who opened the connection is not told',
    ],
    [{ source: world, destination: world }, 'no pod at either end'],
    [{ l4: {} }, 'no transport'],
    [{ l4: { VRRP: { type: 1, vrid: 7 } } }, 'no transport'],
    [
      {
        is_reply: null,
        l4: { TCP: { source_port: 1, destination_port: 2, flags: { FIN: true, ACK: true } } },
      },
      'who opened the connection is not told',
    ],
  ])('%j is skipped: %s', (given, reason) => {
    expect(read(given)).toEqual([{ place: { line: 1, offsetBytes: 0 }, skipped: reason }]);
  });

  it('names its place as the origin, its labels as the subject, and keeps microseconds', () => {
    const [{ event, subject }] = eventsOf(read({})) as unknown as [{ event: NetworkEvent; subject: unknown }];
    expect(event.origin).toEqual({
      cluster: 'c',
      node: 'n1',
      agent: 'feeder/hubble',
      bootId: 'in:1',
      sequence: 0,
    });
    expect(event.time).toBe(1_767_225_600_123_456);
    expect(subject).toEqual({ labels: { app: 'web' } });
    expect(event.network.remote).toMatchObject({ namespace: 'data', labels: { app: 'db' } });
  });

  it('is of the cluster its end is of, on the node without that cluster’s name', () => {
    const [first, second] = eventsOf(
      readText(
        'hubble',
        JSON.stringify({
          flow: flow({
            source: { ...web, cluster_name: 'west' },
            destination: { ...db, cluster_name: 'east' },
            node_name: 'west/n7',
          }),
        }),
      ),
    );
    expect([first, second].map(each => each!.event.origin)).toMatchObject([
      { cluster: 'west', node: 'n7' },
      { cluster: 'east', node: 'n7' },
    ]);
  });

  it('may stand among lines that are none: those are counted', () => {
    const others = [
      '{"node_status":{"state_change":"NODE_CONNECTED"}}',
      '{"agent_event":{"type":"AGENT_STARTED"}}',
    ];
    const outcomes = readText('hubble', [others[0], line({ destination: world }), others[1]].join('\r\n'));
    expect(outcomes.map(outcome => ('skipped' in outcome ? outcome.skipped : 'read'))).toEqual([
      'no flow',
      'read',
      'no flow',
    ]);
  });

  it('of a DNS question tells what was asked for, and of whom', () => {
    const asked = {
      destination: { ...db, pod_name: 'dns' },
      l4: { UDP: { source_port: 40_000, destination_port: 53 } },
      l7: { type: 'REQUEST', dns: { query: 'api.example.org.', qtypes: ['A'] } },
    };
    const events = eventsOf(read(asked)).flatMap(({ event }) => ('dns' in event ? [event.dns] : []));
    expect(events).toMatchObject([
      {
        ...{ query: 'api.example.org', addresses: [], serverAddress: '10.1.0.2' },
        server: { pod: 'dns', labels: { app: 'db' } },
      },
    ]);
  });

  it.each([{ seconds: '1767225600', nanos: 5_000 }, '2026-01-01T00:00:00.000005Z'])(
    'has the time %j',
    time => {
      expect(eventsOf(read({ time }))[0]!.event.time).toBe(1_767_225_600_000_005);
    },
  );

  it('is read from an array as from lines', () => {
    const fromArray = eventsOf(
      readText('hubble', JSON.stringify([flow(), flow({ destination: world })], null, 2)),
    );
    expect(fromArray.map(({ event }) => event.container.pod)).toEqual(['web-0', 'db-0', 'web-0']);
  });

  it('that Hubble lost is counted', () => {
    expect(
      readText('hubble', '{"lost_events":{"source":"PERF_EVENT_RING_BUFFER","num_events_lost":"7"}}'),
    ).toMatchObject([{ lost: 7 }]);
    expect(readText('hubble', '{"lostEvents":{"numEventsLost":3}}\n{"lost_events":{}}')).toMatchObject([
      { lost: 3 },
      { lost: 1 },
    ]);
  });

  it('without a verdict is bad', () => {
    expect(read({ verdict: 'MAYBE' })).toMatchObject([{ bad: 'has no verdict that is known: MAYBE' }]);
  });
});
