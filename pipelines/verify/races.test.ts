import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextVersion, StandingPolicies } from '#policy';
import { type Policy, withDefaults } from '#schemas';
import { crashPoints, manualClock, testDriver } from '#streams';
import { discoveryTopology } from '../discovery/index.ts';
import {
  alert,
  hourMs,
  policyId,
  policyOf,
  profile,
  serdes,
  startMs,
  VerifyUnderTest,
} from './verify-under-test.ts';

const learned = profile([{ path: '/a' }, { path: '/b' }]);
const later = profile([{ path: '/a', atMs: startMs + 50 * hourMs }, { path: '/b' }]);
const gate = { afterHours: 24, minConfidence: 0.5 };
const promote = { audit: gate };
const shadow = policyOf(learned, 'SHADOW');

/** What all readers agree on: of each generation the first record. */
function standing(records: readonly Policy[]): Policy {
  const view = new StandingPolicies();
  for (const value of records) view.apply({ key: policyId, value });
  expect(view.unsettled().size).toBe(0);
  return view.get(policyId)!;
}

describe('a process that dies', () => {
  it.each(crashPoints)('%s: leaves one reason and one version, whichever part was written', point => {
    fc.assert(
      fc.property(
        fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }),
        fc.nat(3),
        (survives, checkpoint) => {
          const verify = new VerifyUnderTest({ promote, orphanMs: 1000 }).write(shadow).sees(learned);
          const { driver } = verify;
          // The profile, the transition, the version and what follows are checkpoints of their own.
          driver.autoCommit = false;
          driver.append('default.behaviours.v1', { key: `${policyId}/web`, value: later });
          driver.run();
          for (let i = 0; i < 15 && !driver.crashed; i++) {
            if (i === checkpoint) driver.crashAt(point, (_, index) => survives[index % 8]!);
            driver.commit();
            if (!driver.crashed) driver.advance(200);
          }
          driver.autoCommit = true;
          if (!driver.crashed) driver.crash();
          driver.recover();
          verify.settle().sees(later);
          expect(standing(verify.versions)).toMatchObject({
            generation: 2,
            stage: 'AUDIT',
            digest: shadow.digest,
          });
          // No version without its reason, and the reason is the same however often it was written.
          const reasons = verify.transitions.map(({ generation, from, to }) => `${generation} ${from} ${to}`);
          expect(new Set(reasons)).toEqual(new Set(['2 SHADOW AUDIT']));
          expect(new Set(verify.versions.map(({ generation }) => generation))).toEqual(new Set([1, 2]));
        },
      ),
      { numRuns: 20 },
    );
  });

  it('between transition and version: whoever comes next writes the version', () => {
    const verify = new VerifyUnderTest({ promote }).write(shadow).sees(learned);
    const transition = withDefaults('PolicyTransition', {
      ...{ policyId, generation: 2, digest: shadow.digest, prevDigest: shadow.digest },
      ...{ from: 'SHADOW', to: 'ENFORCE', at: 0, by: 'ann', reason: 'proven' },
    });
    verify.transition(transition).settle();
    expect(verify.versions).toHaveLength(1);
    verify.driver.advance(10_000);
    expect(verify.settle().versions).toMatchObject([{ generation: 1 }, { generation: 2, stage: 'ENFORCE' }]);
    expect(verify.driver.counters.get('transitions.adopted')).toBe(1);
  });

  it('does not write a version that its writer came to write after all', () => {
    const verify = new VerifyUnderTest().write(shadow);
    const transition = withDefaults('PolicyTransition', {
      ...{ policyId, generation: 2, digest: shadow.digest, from: 'SHADOW', to: 'ENFORCE', at: 0, by: 'ann' },
    });
    verify.transition(transition).write(nextVersion(shadow, { stage: 'ENFORCE' }));
    verify.driver.advance(60_000);
    expect(verify.settle().versions).toHaveLength(2);
  });

  it('writes nothing for a transition whose content it never saw', () => {
    const verify = new VerifyUnderTest().write(shadow);
    const unknown = { generation: 2, digest: 'sha256:other', from: 'SHADOW', to: 'ENFORCE' } as const;
    verify.transition(withDefaults('PolicyTransition', { policyId, at: 0, by: 'ann', ...unknown }));
    verify.driver.advance(60_000);
    expect(verify.settle().versions).toHaveLength(1);
    expect(verify.driver.counters.get('transitions.content-unknown')).toBe(1);
  });
});

describe('writers that race', () => {
  const other = policyOf(profile([{ path: '/x' }]), 'CANDIDATE', 2);
  const enforced = nextVersion(shadow, { stage: 'ENFORCE' });

  it.each([
    ['the operator', enforced, other],
    ['discovery', other, enforced],
  ] as const)(
    'settle on %s when that wrote first, and compaction may keep the last record',
    (_, first, second) => {
      const verify = new VerifyUnderTest().write(shadow).write(first).write(second).settle();
      expect(verify.standing).toMatchObject({
        ...{ generation: 3, stage: first.stage, digest: first.digest, prevDigest: first.digest },
      });
      expect(verify.transitions).toMatchObject([
        {
          generation: 3,
          from: first.stage,
          to: first.stage,
          reason: expect.stringMatching(/more than once/),
        },
      ]);
      expect(verify.history.map(({ generation, digest }) => [generation, digest])).toEqual([
        [1, shadow.digest],
        [2, first.digest],
        [3, first.digest],
      ]);
    },
  );

  it('settle when discovery settles too: the same record twice', () => {
    const verify = new VerifyUnderTest().write(shadow).write(enforced).write(other).settle();
    const settled = verify.standing;
    verify.write(settled).settle();
    expect(verify.standing).toEqual(settled);
    expect(verify.versions).toHaveLength(5);
    expect(verify.transitions).toHaveLength(1);
  });

  it('let a rollback that came second be decided anew', () => {
    const spike = { denials: 3, withinMinutes: 1 };
    const verify = new VerifyUnderTest({ spike, rollback: { enforce: true } }).write(
      policyOf(learned, 'ENFORCE'),
    );
    const denials = (generation: number, from: number) =>
      [0, 1, 2].map(i => alert({ ...shadow, generation }, from + i));
    // The operator's next generation is in the log before verify's own is.
    verify.driver.append('default.policies.v1', {
      key: policyId,
      value: nextVersion(policyOf(learned, 'ENFORCE'), { losses: ['told anew'] }),
    });
    verify.alerts(...denials(1, 1));
    expect(standing(verify.versions)).toMatchObject({ generation: 3, stage: 'AUDIT' });
  });
});

describe('discovery beside verify', () => {
  it('settles a record that came second, without verify too', () => {
    const driver = testDriver(discoveryTopology({ tenant: 'default', serdes }), {
      clock: manualClock(startMs),
    });
    driver.pipe('default.behaviours.v1', { key: `${policyId}/web`, value: learned });
    driver.advance(1000);
    const [first] = driver.read<string, Policy>('default.policies.v1');
    const enforced = nextVersion(first!.value, { stage: 'ENFORCE' });
    const late = nextVersion(first!.value, { digest: 'sha256:late' });
    for (const value of [enforced, late]) driver.pipe('default.policies.v1', { key: policyId, value });
    for (let i = 0; i < 5; i++) driver.advance(500);
    const written = driver.read<string, Policy>('default.policies.v1').map(({ value }) => value);
    expect(standing([first!.value, ...written])).toMatchObject({ generation: 3, stage: 'ENFORCE' });
    expect(written).toHaveLength(3);
  });

  it('that lost the race plans anew upon what stands', () => {
    const driver = testDriver(discoveryTopology({ tenant: 'default', serdes }), {
      clock: manualClock(startMs),
    });
    const more = profile([{ path: '/a' }, { path: '/b' }, { path: '/c' }]);
    driver.pipe('default.behaviours.v1', { key: `${policyId}/web`, value: learned });
    driver.advance(1000);
    const [first] = driver.read<string, Policy>('default.policies.v1');
    driver.pipe('default.behaviours.v1', { key: `${policyId}/web`, value: more });
    driver.autoCommit = false;
    driver.advance(1000);
    // Discovery has decided on generation 2, and the operator's is in the log before it is written.
    driver.append('default.policies.v1', {
      key: policyId,
      value: nextVersion(first!.value, { stage: 'SHADOW' }),
    });
    driver.autoCommit = true;
    driver.commit();
    for (let i = 0; i < 8; i++) driver.advance(500);
    const written = driver.read<string, Policy>('default.policies.v1').map(({ value }) => value);
    expect(written.slice(0, 2).map(({ generation, stage }) => [generation, stage])).toEqual([
      [2, 'SHADOW'],
      [2, 'CANDIDATE'],
    ]);
    const last = standing([first!.value, ...written]);
    expect(last).toMatchObject({ stage: 'CANDIDATE' });
    expect(JSON.stringify(last.documents)).toContain('/c');
  });

  it('says in a transition that what waited in shadow is learned anew', () => {
    const driver = testDriver(discoveryTopology({ tenant: 'default', serdes }), {
      clock: manualClock(startMs),
    });
    const sees = (value: ReturnType<typeof profile>) => {
      driver.pipe('default.behaviours.v1', { key: `${policyId}/web`, value });
      for (let i = 0; i < 4; i++) driver.advance(500);
    };
    sees(learned);
    const [first] = driver.read<string, Policy>('default.policies.v1');
    driver.pipe('default.policies.v1', {
      key: policyId,
      value: nextVersion(first!.value, { stage: 'SHADOW' }),
    });
    sees(profile([{ path: '/a' }, { path: '/b' }, { path: '/c' }]));
    const stages = driver.read<string, Policy>('default.policies.v1').map(({ value }) => value.stage);
    expect(stages).toEqual(['SHADOW', 'CANDIDATE']);
    const reasons = driver
      .read<string, { from: string; to: string; generation: number }>('default.policy-transitions.v1')
      .map(({ value: { generation, from, to } }) => [generation, from, to]);
    expect(reasons).toEqual([
      [1, 'LEARNING', 'CANDIDATE'],
      [3, 'SHADOW', 'CANDIDATE'],
    ]);
  });
});
