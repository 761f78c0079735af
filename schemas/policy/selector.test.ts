import { describe, expect, it } from 'vitest';
import { parsePolicyObject } from './document.ts';
import { selects } from './selector.ts';

const subject = { namespace: 'shop', labels: { app: 'web', tier: 'front' }, container: 'nginx' };

const kubeArmor = (selector: object | undefined, namespace?: string) =>
  parsePolicyObject(
    {
      apiVersion: 'security.kubearmor.com/v1',
      kind: 'KubeArmorPolicy',
      metadata: { name: 'p', ...(namespace && { namespace }) },
      spec: { selector },
    },
    'test',
  );

describe('selectors', () => {
  it.each([
    ['labels that match', { matchLabels: { app: 'web' } }, true],
    ['one label that does not', { matchLabels: { app: 'web', tier: 'back' } }, false],
    ['nothing', {}, true],
    ['this container', { matchLabels: { app: 'web', 'kubearmor.io/container.name': '[init, nginx]' } }, true],
    ['other containers', { matchLabels: { 'kubearmor.io/container.name': '[init]' } }, false],
    [
      'a label value of several',
      { matchExpressions: [{ key: 'label', operator: 'In', values: ['app=db', 'app=web'] }] },
      true,
    ],
    [
      'none of some values',
      { matchExpressions: [{ key: 'label', operator: 'NotIn', values: ['app=web'] }] },
      false,
    ],
    ['a label named as a property every object has', { matchLabels: { constructor: 'x' } }, false],
  ])('a KubeArmorPolicy that selects %s', (_, selector, expected) => {
    expect(selects(kubeArmor(selector, 'shop'), subject)).toBe(expected);
  });

  it('never reaches into another namespace; without one it is the default namespace', () => {
    expect(selects(kubeArmor({}, 'other'), subject)).toBe(false);
    expect(selects(kubeArmor({}), subject)).toBe(false);
    expect(selects(kubeArmor({}), { ...subject, namespace: 'default' })).toBe(true);
  });

  it.each([
    [{}, true],
    [{ matchLabels: { app: 'db' } }, false],
    [{ matchExpressions: [{ key: 'app', operator: 'In', values: ['web'] }] }, true],
    [{ matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['web'] }] }, false],
    [{ matchExpressions: [{ key: 'zone', operator: 'NotIn', values: ['a'] }] }, true],
    [{ matchExpressions: [{ key: 'zone', operator: 'Exists' }] }, false],
    [{ matchExpressions: [{ key: 'toString', operator: 'Exists' }] }, false],
    [{ matchExpressions: [{ key: 'zone', operator: 'DoesNotExist' }] }, true],
  ])('a NetworkPolicy with pod selector %j', (podSelector, expected) => {
    const policy = parsePolicyObject(
      {
        apiVersion: 'networking.k8s.io/v1',
        kind: 'NetworkPolicy',
        metadata: { name: 'p', namespace: 'shop' },
        spec: { podSelector },
      },
      'test',
    );
    expect(selects(policy, subject)).toBe(expected);
  });
});
