import { describe, expect, it } from 'vitest';
import { type Behaviour, type BehaviourProfile, withDefaults } from '#schemas';
import { containerPolicy } from './container-rules.ts';
import { pathDefaults } from './path-options.ts';

const evidence: Behaviour['evidence'] = {
  ...{ count: 1, firstSeen: 1, lastSeen: 1, replicas: [], days: [0], sketch: [1], samples: [] },
};

function policyOf(behaviours: readonly Partial<Behaviour>[], workload: Partial<BehaviourProfile> = {}) {
  const losses: string[] = [];
  const profile = withDefaults('BehaviourProfile', {
    ...{ cluster: 'c', namespace: 'shop', workloadKind: 'Deployment', workload: 'web', container: 'nginx' },
    ...workload,
    behaviours: behaviours.map(each =>
      withDefaults('Behaviour', { operation: 'EXEC', ...each, evidence } as Behaviour),
    ),
  });
  const rules = containerPolicy(profile, {
    ...{ paths: pathDefaults, widen: false },
    lose: what => losses.push(what),
  });
  return { rules, losses };
}

describe('the rules of a container', () => {
  it('are of the transport of a socket, whichever way profiles tell it', () => {
    const told: Partial<Behaviour>[] = [
      { operation: 'SOCKET', transport: 'RAW' },
      { operation: 'SYSCALL', object: 'socket', transport: 'RAW' },
    ];
    for (const each of told)
      expect(policyOf([each]).rules.transports).toMatchObject([{ transport: 'RAW', observed: 1 }]);
    expect(policyOf(told).rules.transports).toMatchObject([{ transport: 'RAW', observed: 2 }]);
  });

  it('do not admit the start of what ran before it was recorded, and say so', () => {
    const running: Partial<Behaviour> = {
      operation: 'FILE_READ',
      object: '/etc/hosts',
      source: '/usr/sbin/nginx',
    };
    const shell: Partial<Behaviour> = { operation: 'EXEC', object: '/bin/sh', source: '/usr/sbin/nginx' };
    const started: Partial<Behaviour> = { operation: 'EXEC', object: '/usr/sbin/nginx' };
    expect(policyOf([running]).losses).toContain(
      'container nginx: execution of /usr/sbin/nginx: it runs, but its start was not seen, nor what it does when it starts',
    );
    const { rules, losses } = policyOf([running, shell]);
    expect(rules.executables.map(({ path }) => path)).toEqual(['/bin/sh']);
    expect(losses).toContain(
      'container nginx: execution of /usr/sbin/nginx: it runs, but its start was not seen: the next one is denied',
    );
    expect(policyOf([running, started]).losses.join()).not.toContain('start');
  });

  it('of a node are told as the node’s', () => {
    const { losses } = policyOf([], { workloadKind: 'Node', workload: 'n1', namespace: '', container: '' });
    expect(losses).toContain('the node itself: no execution was seen: that is not restricted');
  });
});
