import { describe, expect, it } from 'vitest';
import type { PeerMatch } from '#policy';
import { type EntityChangeInput, entityKey, type ServicePortInput, withDefaults } from '#schemas';
import { bytesOf, contains, formatAddress, parsePrefix } from './address.ts';
import { EntityTable } from './entity-table.ts';
import type { AddressBlock, PortOf } from './peer-rules.ts';
import { alwaysAdmitted, blocksOf } from './peers.ts';

const redis: PeerMatch = {
  type: 'pods',
  namespace: null,
  namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'shop' } },
  podSelector: { matchLabels: { app: 'redis' } },
};
const port6379: PortOf[] = [{ transport: 1, port: 6379 }];

function tableOf(...changes: Partial<EntityChangeInput>[]): EntityTable {
  const entities = new EntityTable('c1');
  for (const [i, change] of changes.entries()) {
    const whole = withDefaults('EntityChange', {
      cluster: 'c1',
      kind: change.service ? 'Service' : 'Pod',
      namespace: 'shop',
      name: `e${i}`,
      uid: `u${i}`,
      op: 'ADDED',
      observedAt: 1,
      ...change,
    });
    entities.apply(entityKey(whole), whole);
  }
  return entities;
}

const pod = (app: string, address: string, over = {}) => ({
  pod: withDefaults('PodProjection', { labels: { app }, addresses: [address], ...over }),
});
const service = (port: ServicePortInput, selector: Record<string, string> = { app: 'redis' }) => ({
  service: withDefaults('ServiceProjection', {
    addresses: ['10.96.0.9', 'None'],
    selector,
    ports: [withDefaults('ServicePort', port)],
  }),
});

const shown = (blocks: readonly AddressBlock[]) =>
  blocks.map(
    ({ prefix, only }) =>
      `${formatAddress(bytesOf(prefix.value))}${only ? ` ${only.transport}:${only.port}` : ''}`,
  );
const egress = (entities: EntityTable, ports = port6379) =>
  shown(blocksOf({ direction: 'egress', peer: redis, ports }, entities));

describe('the addresses of a peer', () => {
  it('are those of the pods it selects that run in their own network', () => {
    const entities = tableOf(
      pod('redis', '10.0.0.1'),
      pod('web', '10.0.0.2'),
      pod('redis', '192.0.2.1', { hostNetwork: true }),
      pod('redis', '10.0.0.3', { phase: 'Succeeded' }),
      { namespace: 'other', ...pod('redis', '10.0.0.4') },
    );
    expect(egress(entities)).toEqual(['10.0.0.1']);
  });

  it('include a Service in front of them, at the port that leads to theirs', () => {
    const entities = tableOf(
      pod('redis', '10.0.0.1'),
      service({ transport: 'TCP', port: 80, targetPort: '6379' }),
    );
    expect(egress(entities)).toEqual(['10.0.0.1', '10.96.0.9 1:80']);
    expect(shown(blocksOf({ direction: 'ingress', peer: redis, ports: port6379 }, entities))).toEqual([
      '10.0.0.1',
    ]);
  });

  it.each([
    ['leads to another port', { transport: 'TCP', port: 6379, targetPort: '7000' }, { app: 'redis' }],
    [
      'leads to a port known only by name',
      { transport: 'TCP', port: 6379, targetPort: 'redis' },
      { app: 'redis' },
    ],
    ['also stands in front of others', { transport: 'TCP', port: 6379 }, { tier: 'back' }],
    ['selects nothing', { transport: 'TCP', port: 6379 }, {}],
  ] as const)('leave out a Service that %s', (_, port, selector) => {
    const entities = tableOf(
      pod('redis', '10.0.0.1', { labels: { app: 'redis', tier: 'back' } }),
      pod('web', '10.0.0.2', { labels: { app: 'web', tier: 'back' } }),
      service(port, selector),
    );
    expect(egress(entities)).toEqual(['10.0.0.1']);
  });

  it('of an IPv6 range hold no IPv4, though that is mapped into it', () => {
    const [block] = blocksOf(
      { direction: 'egress', peer: { type: 'block', cidr: '::/0', except: ['fd00::/8'] }, ports: [] },
      tableOf(),
    );
    const admits = (address: string) =>
      contains(block!.prefix, parsePrefix(address)) &&
      !block!.except.some(e => contains(e, parsePrefix(address)));
    expect([admits('2001:db8::1'), admits('10.0.0.1'), admits('fd00::1')]).toEqual([true, false, false]);
  });

  it('that need no rule are the pod itself, and for what comes in its node', () => {
    const at = { podAddresses: ['10.0.0.7'], nodeAddresses: ['192.0.2.9'] };
    expect(shown(alwaysAdmitted('egress', at))).toEqual(['127.0.0.0', '::1', '10.0.0.7']);
    expect(shown(alwaysAdmitted('ingress', at))).toEqual(['127.0.0.0', '::1', '10.0.0.7', '192.0.2.9']);
  });
});
