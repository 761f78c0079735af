import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAnyDocument } from '#policy';
import { type Behaviour, withDefaults } from '#schemas';
import { PolicySet } from './decide.ts';
import { makePolicy, policyDefaults } from './make-policy.ts';

const evidence = {
  ...{ count: 1, firstSeen: 1, lastSeen: 1, replicas: ['r'], days: [0], samples: [], sketch: [1] },
};
const executables = ['/bin/sh', '/usr/bin/python3', '/app/server'];
const paths = ['/etc/hosts', '/data/a', '/data/b', '/tmp/x1', '/proc/12/stat', '/usr/lib/libc.so'];

const behaviour = fc
  .record({
    operation: fc.constantFrom('EXEC' as const, 'FILE_READ' as const, 'FILE_WRITE' as const),
    object: fc.constantFrom(...paths),
    source: fc.constantFrom(...executables),
  })
  .map((each): Behaviour => withDefaults('Behaviour', { ...each, transport: 'OTHER', port: 0, evidence }));

const labels = { app: 'web' };
const actor = { namespace: 'shop', labels, container: 'x' };

function confined(behaviours: readonly Behaviour[]) {
  const profile = {
    ...{ cluster: 'c', namespace: 'shop', workloadKind: 'Deployment', workload: 'web', container: 'x' },
    ...{ images: [], alerts: [], selector: labels, behaviours: [...behaviours] },
  };
  const policy = makePolicy([profile], ['kubearmor'], { ...policyDefaults, fromSource: true })!;
  const set = new PolicySet(policy.documents.map(parseAnyDocument));
  return { policy, verdict: (each: Behaviour) => set.decide({ ...each, actor }).verdict };
}

describe('rules confined to their executables', () => {
  it('admit what each of these was seen doing', () => {
    fc.assert(
      fc.property(fc.array(behaviour, { minLength: 1, maxLength: 30 }), behaviours => {
        const { verdict } = confined(behaviours);
        for (const each of behaviours) expect(verdict(each)).toBe('allow');
      }),
    );
  });

  it('deny the same to an executable that was never seen', () => {
    fc.assert(
      fc.property(fc.array(behaviour, { minLength: 1, maxLength: 30 }), behaviours => {
        const { verdict } = confined(behaviours);
        for (const each of behaviours) expect(verdict({ ...each, source: '/tmp/dropped' })).toBe('deny');
      }),
    );
  });

  it('are for everyone where somebody behind them has no name, and that is reported', () => {
    const open = withDefaults('Behaviour', {
      ...{ operation: 'FILE_READ', object: '/etc/hosts', source: '', transport: 'OTHER', evidence },
    });
    const { policy, verdict } = confined([open, { ...open, source: '/bin/sh' }]);
    expect(verdict({ ...open, source: '/bin/other' })).toBe('allow');
    expect(policy.losses).toContain(
      'container x: some executables cannot be named: what they do is not confined to them',
    );
  });
});
