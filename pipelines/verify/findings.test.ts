import { describe, expect, it } from 'vitest';
import { hourMs, policyOf, profile, startMs, VerifyUnderTest } from './verify-under-test.ts';

const learned = profile([{ path: '/a' }, { path: '/b' }]);
const dayMs = 24 * hourMs;

describe('drift', () => {
  const drifted = profile([{ path: '/a' }, { path: '/b' }, { path: '/c', count: 3, atMs: startMs + 5 }]);

  it.each(['AUDIT', 'CANARY', 'ENFORCE'] as const)(
    'is what the workload does and a policy at %s does not admit: a finding with its evidence, and no new policy',
    stage => {
      const policy = policyOf(learned, stage);
      const verify = new VerifyUnderTest().write(policy).sees(drifted);
      expect(verify.versions).toHaveLength(1);
      expect(verify.findings).toMatchObject([
        {
          ...{ type: 'DRIFT', policyId: policy.policyId, generation: 1, digest: policy.digest, ruleId: '' },
          ...{ summary: 'not admitted: reads /c, by /usr/bin/web', count: 3, lastSeen: (startMs + 5) * 1000 },
          samples: [{ topic: 'default.events.file.v1', partition: 0, offset: 12 }],
        },
      ]);
    },
  );

  it.each(['LEARNING', 'CANDIDATE', 'SHADOW'] as const)('is none at %s: discovery makes it anew', stage => {
    expect(new VerifyUnderTest().write(policyOf(learned, stage)).sees(drifted).findings).toEqual([]);
  });

  it('is told when what was known before begins to act', () => {
    const verify = new VerifyUnderTest().write(policyOf(learned, 'SHADOW')).sees(drifted);
    expect(verify.findings).toEqual([]);
    verify.write(policyOf(learned, 'AUDIT', 2)).settle();
    expect(verify.findings).toMatchObject([{ type: 'DRIFT', generation: 2 }]);
  });

  it('is told once, over restarts too, and again of another content', () => {
    const verify = new VerifyUnderTest().write(policyOf(learned, 'ENFORCE')).sees(drifted);
    verify.sees(profile([{ path: '/a' }, { path: '/b' }, { path: '/c', count: 900 }]));
    verify.driver.crash();
    verify.driver.recover();
    expect(verify.settle().findings).toHaveLength(1);
    verify.write(policyOf(profile([{ path: '/a' }]), 'ENFORCE', 2)).settle();
    expect(verify.findings.slice(1).map(({ summary }) => summary)).toEqual([
      'not admitted: reads /b, by /usr/bin/web',
      'not admitted: reads /c, by /usr/bin/web',
    ]);
  });

  it('waits until a profile is quiet, so that what discovery answers is not told', () => {
    const verify = new VerifyUnderTest({ quietMs: 60_000 }).write(policyOf(learned, 'ENFORCE')).sees(drifted);
    expect(verify.findings).toEqual([]);
    verify.write(policyOf(drifted, 'ENFORCE', 2));
    verify.driver.advance(70_000);
    expect(verify.findings).toEqual([]);
  });
});

describe('a stale rule', () => {
  const at = (a: number, b: number) =>
    profile([
      { path: '/a', atMs: startMs + a * dayMs },
      { path: '/b', atMs: startMs + b * dayMs },
    ]);

  it('is one that the workload went on without for long, and stays in the policy', () => {
    const verify = new VerifyUnderTest({ staleDays: 30 }).write(policyOf(learned, 'ENFORCE')).sees(at(29, 0));
    expect(verify.findings).toEqual([]);
    verify.driver.advance(2 * hourMs);
    verify.sees(at(31, 0));
    expect(verify.versions).toHaveLength(1);
    expect(verify.findings).toMatchObject([
      {
        ...{ type: 'STALE', ruleId: expect.stringMatching(/^file\//), lastSeen: startMs * 1000 },
        summary: expect.stringMatching(/^reads \/b \(.*\): not seen for 31 days$/),
      },
    ]);
    verify.driver.advance(2 * hourMs);
    expect(verify.sees(at(40, 0)).findings).toHaveLength(1);
  });

  it('is none of a workload that stands still, however long', () => {
    const verify = new VerifyUnderTest({ staleDays: 30 }).write(policyOf(learned, 'ENFORCE')).sees(at(1, 0));
    verify.driver.advance(100 * dayMs);
    expect(verify.settle().findings).toEqual([]);
  });
});
