import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readEntityObjects } from '#kubernetes';
import { type EntityChange, entityKey, withDefaults } from '#schemas';
import { EntityIntervals } from './entity-intervals.ts';
import { resolvePeer } from './resolve-peer.ts';

const startUs = 1_767_225_600_000_000;
const time = (second: number) => new Date((startUs + second * 1_000_000) / 1000).toISOString();

interface PodModel {
  readonly name: string;
  readonly app: string;
  readonly addresses: readonly string[];
  readonly hostNetwork: boolean;
  readonly startSecond: number;
}

interface Model {
  readonly pods: readonly PodModel[];
  readonly services: readonly { name: string; app: string; address: string; targetPort: number }[];
  readonly nodes: readonly { name: string; address: string }[];
}

const addresses = ['10.1.0.1', '10.1.0.2', '10.1.0.3', 'fd00::1', 'fd00::2'];
const address = fc.constantFrom(...addresses);
const app = fc.constantFrom('web', 'db');

const model: fc.Arbitrary<Model> = fc.record({
  pods: fc.uniqueArray(
    fc.record({
      name: fc.constantFrom('a', 'b', 'c', 'd'),
      app,
      addresses: fc.uniqueArray(address, { minLength: 1, maxLength: 2 }),
      hostNetwork: fc.boolean(),
      startSecond: fc.nat(20),
    }),
    { selector: ({ name }) => name, maxLength: 4 },
  ),
  services: fc.uniqueArray(
    fc.record({
      name: fc.constantFrom('s', 't'),
      app,
      address: fc.constantFrom('10.96.0.1', 'fd00:96::1'),
      targetPort: fc.constantFrom(80, 8080),
    }),
    { selector: ({ name }) => name },
  ),
  nodes: fc.uniqueArray(
    fc.record({ name: fc.constantFrom('n1', 'n2'), address: fc.constantFrom('192.168.0.1', '192.168.0.2') }),
    { selector: ({ name }) => name },
  ),
});

/** As `kubectl get -o json` prints them. */
function asObjects({ pods, services, nodes }: Model): object[] {
  return [
    ...['web', 'db'].map(name => ({
      ...{ kind: 'Deployment', metadata: { name, namespace: 'shop' } },
      spec: { selector: { matchLabels: { app: name } } },
    })),
    ...pods.map(({ name, app, addresses, hostNetwork, startSecond }) => ({
      kind: 'Pod',
      metadata: {
        ...{ name, namespace: 'shop', uid: name, labels: { app } },
        ownerReferences: [{ kind: 'Deployment', name: app, controller: true }],
      },
      spec: { hostNetwork, containers: [{ name: 'main' }] },
      status: {
        ...{ phase: 'Running', startTime: time(startSecond) },
        podIPs: addresses.map(ip => ({ ip: ip.toUpperCase() })),
      },
    })),
    ...services.map(({ name, app, address, targetPort }) => ({
      ...{ kind: 'Service', metadata: { name, namespace: 'shop' } },
      spec: { clusterIP: address, selector: { app }, ports: [{ port: 80, targetPort }] },
    })),
    ...nodes.map(({ name, address }) => ({
      ...{ kind: 'Node', metadata: { name } },
      status: { addresses: [{ type: 'InternalIP', address }] },
    })),
  ];
}

/** As an informer tells them. */
function asChanges({ pods, services, nodes }: Model): EntityChange[] {
  const change = (kind: string, name: string, given: Partial<EntityChange>) =>
    withDefaults('EntityChange', {
      ...{ cluster: 'c', kind, namespace: 'shop', name, uid: name, op: 'ADDED', cause: 'list' },
      ...{ observedAt: startUs + 60_000_000, ...given },
    });
  return [
    ...['web', 'db'].map(name =>
      change('Deployment', name, {
        workload: withDefaults('WorkloadProjection', { selector: { app: name } }),
      }),
    ),
    ...pods.map(({ name, app, addresses, hostNetwork, startSecond }) =>
      change('Pod', name, {
        pod: withDefaults('PodProjection', {
          ...{ labels: { app }, addresses: [...addresses], hostNetwork, phase: 'Running' },
          ...{ ownerKind: 'Deployment', owner: app, startedAt: startUs + startSecond * 1_000_000 },
          containers: [withDefaults('PodContainer', { name: 'main' })],
        }),
      }),
    ),
    ...services.map(({ name, app, address, targetPort }) =>
      change('Service', name, {
        service: withDefaults('ServiceProjection', {
          ...{ addresses: [address], selector: { app } },
          ports: [
            withDefaults('ServicePort', { transport: 'TCP', port: 80, targetPort: String(targetPort) }),
          ],
        }),
      }),
    ),
    ...nodes.map(({ name, address }) =>
      change('Node', name, { namespace: '', node: withDefaults('NodeProjection', { addresses: [address] }) }),
    ),
  ];
}

function intervalsOf(changes: readonly EntityChange[]): EntityIntervals {
  const intervals = new EntityIntervals();
  for (const value of changes) intervals.apply({ key: entityKey(value), value, timestampMs: 0 });
  return intervals;
}

const question = fc.record({
  address: fc.constantFrom(...addresses, '10.96.0.1', 'fd00:96::1', '192.168.0.1', '203.0.113.1'),
  second: fc.integer({ min: -5, max: 30 }),
  port: fc.constantFrom(80, 8080),
});

describe('identity at event time', () => {
  it('is the same from objects that were printed and from entities that were told, in whatever order', () => {
    fc.assert(
      fc.property(model, fc.array(question, { minLength: 1 }), fc.nat(), (given, questions, turn) => {
        const text = JSON.stringify({ kind: 'List', items: asObjects(given) });
        const printed = intervalsOf(readEntityObjects([{ text, source: 'o' }], 'c').changes);
        const changes = asChanges(given);
        const at = changes.length === 0 ? 0 : turn % changes.length;
        const told = intervalsOf([...changes.slice(at), ...changes.slice(0, at)]);
        for (const { address, second, port } of questions) {
          const asked = {
            ...{ cluster: 'c', address, atUs: startUs + second * 1_000_000, podUid: 'a' },
            named: { transport: 'TCP' as const, port },
          };
          expect(resolvePeer(printed, asked)).toEqual(resolvePeer(told, asked));
        }
      }),
    );
  });
});
