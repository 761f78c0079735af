import { describe, expect, it } from 'vitest';
import { decide } from './decide.ts';
import { base, cilium, kubeArmor, pods } from './decide-examples.ts';

describe('several kinds of policies', () => {
  it('all have to let it pass, in whatever order they stand', () => {
    const open = cilium({ egress: [{ toEntities: ['all'] }] });
    const noTcp = kubeArmor({ action: 'Block', network: { matchProtocols: [{ protocol: 'tcp' }] } });
    for (const policies of [
      [open, noTcp],
      [noTcp, open],
    ])
      expect(decide(policies, { ...base, peer: pods('shop', 'db') })).toMatchObject({
        ...{ verdict: 'deny', rule: { document: 'KubeArmorPolicy/shop/k' } },
      });
  });
});
