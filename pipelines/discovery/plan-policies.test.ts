import { describe, expect, it } from 'vitest';
import { localSerdes, type Policy, withDefaults } from '#schemas';
import { manualClock, testDriver } from '#streams';
import { HeldProfile } from './held-profile.ts';
import { discoveryDefaults, discoveryTopology } from './topology.ts';

const serdes = localSerdes();
const records = serdes.of('behaviours.v1');

function profileOf(workload: string, paths: readonly string[], lastSeen = 1) {
  const owner = { cluster: 'c', namespace: 'n', workloadKind: 'Deployment', workload };
  const evidence = withDefaults('Evidence', { count: 1, firstSeen: 1, lastSeen, sketch: [1], days: [0] });
  return withDefaults('BehaviourProfile', {
    ...{ ...owner, container: 'main', selector: { app: workload } },
    behaviours: paths.map(object => withDefaults('Behaviour', { operation: 'EXEC', object, evidence })),
  });
}

/** Every look at it takes as long. */
function slowClock(lookMs: number) {
  const clock = manualClock(1_000_000);
  let isSlow = false;
  return {
    ...clock,
    now: () => {
      if (isSlow) clock.advance(lookMs);
      return clock.now();
    },
    slowly: (work: () => void) => {
      isSlow = true;
      work();
      isSlow = false;
    },
  };
}

describe('planning policies', () => {
  it('lets records be read when there is much to plan, and gets to all of it', () => {
    const clock = slowClock(60);
    const driver = testDriver(discoveryTopology({ tenant: 'default', serdes }), { clock });
    const workloads = Array.from({ length: 20 }, (_, i) => `w${i}`);
    driver.pipe(
      'default.behaviours.v1',
      workloads.map(name => ({ key: `c/n/Deployment/${name}/main`, value: profileOf(name, ['/bin/x']) })),
    );
    const planned: string[] = [];
    const turn = () =>
      clock.slowly(() => {
        driver.advance(discoveryDefaults.quietMs);
        const policies = driver.read<string, Policy>('default.policies.v1');
        planned.push(...policies.map(({ value }) => value.policyId));
      });
    turn();
    expect(planned.length).toBeGreaterThan(0);
    expect(planned.length).toBeLessThan(workloads.length);
    for (let i = 0; i < 20; i++) turn();
    expect(planned.toSorted()).toEqual(workloads.map(name => `c/n/Deployment/${name}`).sort());
  });
});

describe('a held profile', () => {
  it('is the record it was made of, and means the same whatever its evidence', () => {
    const profile = profileOf('w', ['/bin/x', '/bin/y']);
    const held = new HeldProfile(profile, records);
    expect(records.deserialize(held.bytes)).toEqual(profile);
    expect(new HeldProfile(profileOf('w', ['/bin/x', '/bin/y'], 9), records).meaning).toBe(held.meaning);
    expect(new HeldProfile(profileOf('w', ['/bin/x']), records).meaning).not.toBe(held.meaning);
  });
});
