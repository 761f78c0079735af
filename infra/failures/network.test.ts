/** What peers got wrong about the network: docs/failures.md. */

import { describe, expect, it } from 'vitest';
import { withDefaults } from '#schemas';
import { address, type DocumentKind, learned, pods, type Traffic, traffic } from './learned.ts';
import { answer, db, end, flow, log, request, reserved, web, workloadObject } from './recordings.ts';

const objects = [workloadObject('Deployment', 'web', web), workloadObject('StatefulSet', 'db', db)];
const out = (given: Traffic) => traffic('CONNECT', web, given);
const both: readonly DocumentKind[] = ['cilium', 'kubernetes'];
const world = reserved('world');
const entity = (value: string) => withDefaults('Peer', { type: 'ENTITY', value });
const named = (value: string) => withDefaults('Peer', { type: 'FQDN', value });
const cache = { app: 'cache' };

describe('a flow between two pods', () => {
  // discovery-engine PR #641 swapped the two
  it('is egress of its client and ingress of its server, and nothing the other way around', () => {
    const { verdict } = learned({ objects, flows: [flow({ to: end(db) })] });
    for (const by of both) {
      expect(verdict(by, out({ with: pods(db), port: 5432 }))).toBe('allow');
      expect(verdict(by, traffic('ACCEPT', db, { with: pods(web), port: 5432 }))).toBe('allow');
      expect(verdict(by, traffic('ACCEPT', web, { with: pods(db), port: 5432 }))).toBe('deny');
      expect(verdict(by, traffic('CONNECT', db, { with: pods(web), port: 5432 }))).toBe('deny');
    }
  });

  // discovery-engine: the namespace stood among the pod's labels, which matches nothing
  it('across namespaces names the other one’s namespace, and no pods of the own', () => {
    const flows = [flow({ to: end(db, { namespace: 'data' }) })];
    const { verdict } = learned({ objects, flows });
    for (const by of both) {
      expect(verdict(by, out({ with: pods(db, 'data'), port: 5432 }))).toBe('allow');
      expect(verdict(by, out({ with: pods(db, 'shop'), port: 5432 }))).toBe('deny');
    }
  });

  // discovery-engine, algorithm A: a:80 and b:443 became {a, b}:{80, 443}
  it('keeps its port: peers and ports are not multiplied', () => {
    const flows = [flow({ to: end(db), port: 80 }), flow({ to: end(cache), port: 443 })];
    const { verdict } = learned({ objects, flows });
    for (const by of both)
      expect(
        [
          { with: pods(db), port: 443 },
          { with: pods(cache), port: 80 },
        ].map(given => verdict(by, out(given))),
      ).toEqual(['deny', 'deny']);
  });

  // discovery-engine #666: another port and no protocol
  it('keeps its transport', () => {
    const { verdict } = learned({ objects, flows: [flow({ to: end(db), transport: 'UDP', port: 53 })] });
    for (const by of both) {
      expect(verdict(by, out({ with: pods(db), port: 53, transport: 'UDP' }))).toBe('allow');
      expect(verdict(by, out({ with: pods(db), port: 53, transport: 'TCP' }))).toBe('deny');
    }
  });
});

describe('the port of a rule', () => {
  // inspektor-gadget: only UDP ports below 1024; discovery-engine: only ports that a Service declares
  it('is the server’s, however high, of UDP too, and declared nowhere', () => {
    const flows = [
      flow({ to: end(db), port: 27_015, transport: 'UDP' }),
      flow({ to: end(db), port: 50_051 }),
    ];
    const { verdict } = learned({ objects, flows });
    for (const by of both) {
      expect(verdict(by, out({ with: pods(db), port: 27_015, transport: 'UDP' }))).toBe('allow');
      expect(verdict(by, out({ with: pods(db), port: 50_051 }))).toBe('allow');
    }
  });

  it('is never a client’s: a reply says the same as what it answers', () => {
    const reply = {
      is_reply: true,
      l4: { TCP: { source_port: 5432, destination_port: 40_000 } },
      IP: { source: '10.1.0.2', destination: '10.1.0.1' },
    };
    const { verdict } = learned({ objects, flows: [flow({ from: end(db), to: end(web), more: reply })] });
    for (const by of both) {
      expect(verdict(by, out({ with: pods(db), port: 5432 }))).toBe('allow');
      expect(verdict(by, traffic('CONNECT', db, { with: pods(web), port: 40_000 }))).toBe('deny');
    }
  });
});

describe('an address in a rule', () => {
  // kubescape, inspektor-gadget: /32 behind IPv6 addresses
  it('has the prefix of its family', () => {
    const flows = ['2001:DB8::7', '203.0.113.7'].map(at => flow({ to: world, port: 443, address: at }));
    const { verdict } = learned({ objects, flows });
    for (const by of both)
      expect(
        ['2001:db8::7/128', '203.0.113.7/32', '2001:db8::8/128'].map(at =>
          verdict(by, out({ with: address(at), port: 443 })),
        ),
      ).toEqual(['allow', 'allow', 'deny']);
  });

  // discovery-engine wrote 0.0.0.0/32 for whom it did not know, and its converter dropped the peer
  it('is that of whom it was with: one that is not known is in no rule, and told', () => {
    const unknown = flow({ to: world, port: 443, more: { IP: {} } });
    const bound = log('Network', 'sa_family=AF_INET sin_port=8080 sin_addr=0.0.0.0', {
      Data: 'syscall=SYS_BIND fd=3',
    });
    const { verdict, documents } = learned({
      objects,
      flows: [flow({ to: end(db) }), unknown],
      logs: [bound],
    });
    expect(JSON.stringify(documents('kubernetes'))).not.toContain('0.0.0.0/32');
    for (const each of [pods(db), pods(cache), address('203.0.113.9/32')])
      expect(verdict('kubernetes', traffic('ACCEPT', web, { with: each, port: 8080 }))).toBe('deny');
  });

  // inspektor-gadget leaves out 127.0.0.1 alone
  it('is none within the pod: the whole loopback is its own', () => {
    const own = ['127.0.0.53', '::1'].map(at =>
      log('Network', `remoteip=${at} port=53 protocol=TCP`, { Data: 'kprobe=tcp_connect domain=AF_INET' }),
    );
    const { documents } = learned({ objects, flows: [flow({ to: end(db) })], logs: own });
    const text = JSON.stringify([documents('cilium'), documents('kubernetes')]);
    expect(text).not.toMatch(/127\.0\.0\.53|::1/);
  });
});

describe('a converter', () => {
  // discovery-engine #688: a bound port became ingress without `from`
  it('does not open ingress for a port that was only bound', () => {
    const bound = log('Network', 'sa_family=AF_INET sin_port=8080', { Data: 'syscall=SYS_BIND fd=3' });
    const { verdict, documents } = learned({ objects, logs: [bound] });
    for (const by of both)
      expect(verdict(by, traffic('ACCEPT', web, { with: pods(db), port: 8080 }))).toBe('deny');
    expect(JSON.stringify(documents('kubernetes'))).not.toMatch(/"from":\[\]|"ports":\[[^\]]*\]}\]/);
  });

  // discovery-engine: names and entities became any peer in a NetworkPolicy
  it('leaves out what a NetworkPolicy cannot say, and tells it, instead of admitting anyone', () => {
    const flows = [
      flow({ to: reserved('kube-apiserver'), port: 6443, address: '10.110.0.1' }),
      flow({
        to: { ...world, names: [] },
        port: 443,
        more: { destination_names: ['api.example.org'], IP: {} },
      }),
      flow({ to: end(db), port: 8080, more: request('GET', '/items') }),
    ];
    const { verdict, losses } = learned({ objects, flows });
    expect(verdict('cilium', out({ with: entity('kube-apiserver'), port: 6443 }))).toBe('allow');
    for (const given of [
      { with: entity('kube-apiserver'), port: 6443 },
      { with: address('203.0.113.9/32'), port: 443 },
      { with: pods(cache), port: 443 },
      { with: pods(db), port: 8080, request: 'DELETE /items' },
    ])
      expect(verdict('kubernetes', out(given))).toBe('deny');
    for (const what of ['kube-apiserver', 'api.example.org', 'requests'])
      expect(losses.join()).toContain(`a NetworkPolicy cannot name ${what}`);
  });

  // discovery-engine: an index into ports that ICMP does not have
  it('takes ICMP alone', () => {
    const echo = { l4: { ICMPv4: { type: 8 } } };
    const { verdict, losses } = learned({ objects, flows: [flow({ to: end(db), more: echo })] });
    const icmp = (object: string) => ({
      ...out({ with: pods(db), port: 0, transport: 'ICMP' as const }),
      object,
    });
    expect(['8', '13'].map(type => verdict('cilium', icmp(type)))).toEqual(['allow', 'deny']);
    expect(losses.join()).toContain('a NetworkPolicy cannot name ICMP');
  });
});

describe('requests', () => {
  const api = (method: string, path: string) =>
    flow({ to: end(db), port: 80, more: request(method, `http://db${path}`) });
  const asks = (text: string) => out({ with: pods(db), port: 80, request: text });

  // discovery-engine lost requests when a rule of another port came
  it('stay, whatever other rules come, and in whatever order', () => {
    const flows = [
      api('GET', '/items'),
      flow({ to: end(db), port: 81 }),
      flow({ to: end(db), port: 80 }),
      flow({ to: end(cache), port: 80 }),
    ];
    for (const order of [flows, flows.toReversed(), [flows[2]!, flows[0]!, flows[3]!, flows[1]!]]) {
      const { verdict } = learned({ objects, flows: order });
      expect(verdict('cilium', asks('GET /items'))).toBe('allow');
      expect(verdict('cilium', asks('DELETE /items'))).toBe('deny');
      expect(verdict('cilium', out({ with: pods(db), port: 81 }))).toBe('allow');
    }
  });

  // cpg: 50,000 ids were 50,000 rules
  it('that differ in an identifier are one rule', () => {
    const flows = Array.from({ length: 300 }, (_, i) => api('GET', `/orders/${100_000 + i * 7}`));
    const { verdict, documents } = learned({ objects, flows });
    expect(JSON.stringify(documents('cilium')).match(/orders/g)!.length).toBeLessThan(5);
    expect(verdict('cilium', asks('GET /orders/424242'))).toBe('allow');
    expect(verdict('cilium', asks('GET /orders/1/refund'))).toBe('deny');
    expect(verdict('cilium', asks('POST /orders/424242'))).toBe('deny');
  });

  // discovery-engine, algorithm A: four children of the same length became `/.+`
  it('that differ in a few words stay as they are, and those on sensitive paths always do', () => {
    const flows = ['aaaa', 'bbbb', 'cccc', 'dddd', 'eeee'].map(word => api('GET', `/v1/${word}`));
    const admin = Array.from({ length: 30 }, (_, i) => api('GET', `/admin/${String(i).padStart(4, 'a')}`));
    const { verdict } = learned({ objects, flows: [...flows, ...admin] });
    expect(
      ['GET /v1/aaaa', 'GET /v1/ffff', 'GET /admin/zzzz'].map(text => verdict('cilium', asks(text))),
    ).toEqual(['allow', 'deny', 'deny']);
  });
});

describe('a name', () => {
  const server = end({ 'k8s-app': 'resolver' }, { namespace: 'net', pod: 'resolver-0' });
  const resolver = pods({ 'k8s-app': 'resolver' }, 'net');
  /** A name that is at another address every minute. */
  const rotating = (addresses: number) =>
    Array.from({ length: addresses }, (_, i) => `198.51.100.${i + 1}`).flatMap((at, i) => [
      answer('cdn.example.org', [at], i * 60, server),
      flow({ to: world, port: 443, address: at, at: i * 60 + 1 }),
    ]);

  // kubescape: hundreds of /32; cpg #5: no name for an address
  it('is one rule, however many addresses it has had', () => {
    const { verdict, documents } = learned({ objects, flows: rotating(60) });
    const text = JSON.stringify(documents('cilium'));
    expect(text).not.toContain('toCIDR');
    expect(text.match(/"toFQDNs"/g)).toHaveLength(1);
    expect(verdict('cilium', out({ with: named('cdn.example.org'), port: 443 }))).toBe('allow');
    expect(verdict('cilium', out({ with: named('other.example.org'), port: 443 }))).toBe('deny');
    expect(verdict('cilium', out({ with: address('198.51.100.200/32'), port: 443 }))).toBe('deny');
  });

  // cpg #6: the selector of kube-dns was written in
  it('may be asked for where it was answered: at the DNS workload that there is', () => {
    const { verdict, documents, losses } = learned({ objects, flows: rotating(2) });
    const asks = (who: typeof resolver, asking: string) =>
      out({ with: who, port: 53, transport: 'UDP', asking });
    expect(verdict('cilium', asks(resolver, 'cdn.example.org'))).toBe('allow');
    expect(verdict('cilium', asks(resolver, 'exfiltrate.example'))).toBe('deny');
    expect(verdict('cilium', asks(pods({ 'k8s-app': 'kube-dns' }, 'kube-system'), 'cdn.example.org'))).toBe(
      'deny',
    );
    expect(JSON.stringify(documents('cilium'))).not.toContain('kube-dns');
    expect(losses.join()).not.toContain('is assumed');
  });
});
