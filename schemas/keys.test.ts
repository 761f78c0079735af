import { expect, test } from 'vitest';
import { behaviourKey, deadLetterKey, entityKey, eventKey, policyIdOf, policyStatusKey } from './keys.ts';
import { withDefaults } from './with-defaults.ts';

const origin = { cluster: 'c1', node: 'n1', agent: 'enforcer', bootId: 'b', sequence: 1 };

test('events of a workload share a key, whichever pod, container or node they are of', () => {
  const of = (container: Parameters<typeof withDefaults<'Container'>>[1], node = 'n1') =>
    eventKey({ origin: { ...origin, node }, container: withDefaults('Container', container) });
  const workload = { namespace: 'shop', workload: 'web' };
  expect(of({ id: 'x', ...workload, pod: 'web-1' })).toBe('c1/shop/web');
  expect(of({ id: 'y', ...workload, pod: 'web-2' }, 'n2')).toBe('c1/shop/web');
  expect(of({ id: 'x', namespace: 'shop', pod: 'web-1' })).toBe('c1/shop/web-1');
  expect(of({ id: 'x' })).toBe('c1//x');
  expect(of({ id: '' })).toBe('c1//n1');
});

test('entities, behaviours, policies, their status and dead letters are keyed as the catalogue says', () => {
  expect(entityKey({ cluster: 'c1', kind: 'Node', namespace: '', name: 'n1' })).toBe('c1/Node//n1');
  const workload = { cluster: 'c1', namespace: 'shop', workloadKind: 'Deployment', workload: 'web' };
  expect(policyIdOf(workload)).toBe('c1/shop/Deployment/web');
  expect(behaviourKey({ ...workload, container: 'nginx' })).toBe('c1/shop/Deployment/web/nginx');
  expect(policyStatusKey({ policyId: policyIdOf(workload), node: 'n1' })).toBe('c1/shop/Deployment/web/n1');
  expect(deadLetterKey({ topic: 'default.alerts.v1', partition: 3 })).toBe('default.alerts.v1/3');
});
