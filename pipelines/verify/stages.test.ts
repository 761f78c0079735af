import { describe, expect, it } from 'vitest';
import type { Policy, Stage } from '#schemas';
import { verifyTopology } from './topology.ts';
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
import type { Watch } from './watch.ts';

const learned = profile([{ path: '/a' }, { path: '/b' }]);
/** The same behaviour, still seen so many hours later. */
const stillSeen = (hours: number) =>
  profile([
    { path: '/a', atMs: startMs + hours * hourMs },
    { path: '/b', atMs: startMs + hours * hourMs },
  ]);
const gate = { afterHours: 24, minConfidence: 0.9 };
const at = (stage: Stage) => policyOf(learned, stage);
const stagesOf = (versions: readonly Policy[]) =>
  versions.map(({ generation, stage }) => [generation, stage]);

describe('verify', () => {
  it('looks as its picture', async () => {
    await expect(verifyTopology({ tenant: 'default', serdes }).describe()).toMatchFileSnapshot(
      'golden/topology.txt',
    );
  });

  it.each([
    ['LEARNING', 'CANDIDATE'],
    ['CANDIDATE', 'SHADOW'],
    ['SHADOW', 'AUDIT'],
    ['AUDIT', 'CANARY'],
    ['CANARY', 'ENFORCE'],
  ] as const)('carries a policy from %s to %s when the gate is met, and says why', (from, to) => {
    const verify = new VerifyUnderTest({ promote: { [to.toLowerCase()]: gate } });
    verify.write(at(from)).sees(learned);
    expect(verify.transitions).toEqual([]);
    verify.sees(stillSeen(25));
    const { digest } = at(from);
    expect(verify.transitions).toMatchObject([
      { generation: 2, digest, prevDigest: digest, from, to, by: 'verify', wouldDeny: 0 },
    ]);
    expect(verify.transitions[0]).toMatchObject({
      reason:
        '25 hours watched, 0 would-be denials, 0 alerts, confidence 1.000 (2000 events, 2 replicas, 1 days)',
      evidence: [{ topic: 'default.events.file.v1', partition: 0, fromOffset: 10, toOffset: 11 }],
    });
    expect(stagesOf(verify.versions)).toEqual([
      [1, from],
      [2, to],
    ]);
    expect(verify.standing).toMatchObject({ digest, prevDigest: digest });
  });

  it('goes all the way, one stage after the other', () => {
    const open = { afterHours: 1 };
    const verify = new VerifyUnderTest({
      promote: { candidate: open, shadow: open, audit: open, canary: open, enforce: open },
    });
    verify.write(at('LEARNING')).sees(learned);
    for (let hours = 2; hours < 14; hours += 2) {
      verify.driver.advance(2 * hourMs);
      verify.sees(stillSeen(hours + 2));
    }
    expect(stagesOf(verify.versions)).toEqual([
      [1, 'LEARNING'],
      [2, 'CANDIDATE'],
      [3, 'SHADOW'],
      [4, 'AUDIT'],
      [5, 'CANARY'],
      [6, 'ENFORCE'],
    ]);
    expect(stagesOf(verify.history)).toEqual(stagesOf(verify.versions));
  });

  it('tells who asks what a policy waits for', () => {
    const verify = new VerifyUnderTest({ promote: { shadow: { ...gate, minReplicas: 5, approval: true } } });
    verify.write(at('CANDIDATE')).sees(stillSeen(3));
    expect(verify.driver.store<string, Watch>('policy-watches').get(policyId)?.missing).toEqual([
      'watched for 3 of 24 hours',
      '2 of 5 replicas',
      'nobody approved this digest',
    ]);
  });

  it('looks at evidence now and then, at new behaviour at once', () => {
    const verify = new VerifyUnderTest({ promote: { shadow: gate }, evidenceMs: 60_000 });
    verify.write(at('CANDIDATE')).sees(learned).sees(stillSeen(25));
    expect(verify.versions).toHaveLength(1);
    expect(verify.driver.counters.get('profiles.evidence-later')).toBe(1);
    verify.driver.advance(60_000);
    expect(verify.sees(stillSeen(25)).standing.stage).toBe('SHADOW');
    const other = new VerifyUnderTest({ evidenceMs: 60_000 }).write(at('ENFORCE')).sees(learned);
    expect(other.sees(profile([{ path: '/a' }, { path: '/c' }])).findings).toHaveLength(1);
  });

  it('changes no stage unless it is told to', () => {
    const verify = new VerifyUnderTest().write(at('SHADOW')).sees(stillSeen(1000));
    expect(verify.versions).toHaveLength(1);
  });

  it('does not promote by the clock a workload that stands still', () => {
    const verify = new VerifyUnderTest({ promote: { audit: gate } }).write(at('SHADOW')).sees(learned);
    verify.driver.advance(1000 * hourMs);
    expect(verify.sees(stillSeen(1)).versions).toHaveLength(1);
  });

  it('keeps in shadow what would have denied something since', () => {
    const verify = new VerifyUnderTest({ promote: { audit: gate } }).write(at('SHADOW'));
    const later = startMs + 30 * hourMs;
    verify.sees(
      profile([
        { path: '/a', atMs: later },
        { path: '/b', atMs: later },
        { path: '/c', atMs: later },
      ]),
    );
    expect(verify.versions).toHaveLength(1);
  });

  it('promotes although something else was done before the stage began', () => {
    const verify = new VerifyUnderTest({ promote: { audit: gate } });
    verify.driver.advance(hourMs);
    verify.write(at('SHADOW'));
    const later = startMs + 30 * hourMs;
    verify.sees(
      profile([
        { path: '/a', atMs: later },
        { path: '/b', atMs: later },
        { path: '/c', atMs: startMs },
      ]),
    );
    expect(stagesOf(verify.versions).at(-1)).toEqual([2, 'AUDIT']);
  });

  it('keeps in audit what gave alerts, whatever their verdict, and counts none of an earlier version', () => {
    const audited = policyOf(learned, 'AUDIT', 5);
    const verify = new VerifyUnderTest({ promote: { canary: gate } }).write(audited);
    verify.alerts(alert(policyOf(learned, 'SHADOW', 4), 1, { verdict: 'AUDIT' }));
    expect(verify.driver.counters.get('alerts.earlier-version')).toBe(1);
    verify.alerts(alert(audited, 2, { verdict: 'AUDIT' })).sees(stillSeen(100));
    expect(verify.versions).toHaveLength(1);
    const other = new VerifyUnderTest({ promote: { canary: { ...gate, maxAlerts: 1 } } }).write(audited);
    other.alerts(alert(audited, 2, { verdict: 'AUDIT' })).sees(stillSeen(100));
    expect(other.standing.stage).toBe('CANARY');
  });

  it('begins to count anew when the content changes, and not when only its evidence does', () => {
    const verify = new VerifyUnderTest({ promote: { shadow: gate } }).write(at('CANDIDATE'));
    verify.driver.advance(20 * hourMs);
    verify.write({ ...at('CANDIDATE'), generation: 2, losses: ['told anew'] }).sees(stillSeen(25));
    expect(stagesOf(verify.versions).at(-1)).toEqual([3, 'SHADOW']);
    const other = new VerifyUnderTest({ promote: { shadow: gate } }).write(at('CANDIDATE'));
    other.driver.advance(20 * hourMs);
    const more = policyOf(profile([{ path: '/a' }, { path: '/b' }, { path: '/c' }]), 'CANDIDATE', 2);
    other.write(more).sees(stillSeen(25));
    expect(other.versions).toHaveLength(2);
  });

  it.each([
    ['minEvents', { minEvents: 5000 }],
    ['minReplicas', { minReplicas: 3 }],
    ['minDays', { minDays: 2 }],
    ['minConfidence', { minConfidence: 1 }],
  ] as const)('waits for %s', (_, more) => {
    const verify = new VerifyUnderTest({ promote: { shadow: { ...gate, ...more } } });
    const once = { atMs: startMs + 25 * hourMs, count: 1 };
    verify.write(at('CANDIDATE')).sees(
      profile([
        { path: '/a', atMs: once.atMs },
        { path: '/b', ...once },
      ]),
    );
    expect(verify.versions).toHaveLength(1);
  });

  it('trusts less what was learned while events were lost', () => {
    const verify = new VerifyUnderTest({ promote: { shadow: gate } }).write(at('CANDIDATE'));
    const health = { agent: 'enforcer/n1', cluster: 'east', node: 'n1', at: 0, version: '1', bootId: 'b' };
    verify.driver.pipe('default.agents.health.v1', {
      key: 'enforcer/n1',
      value: {
        ...health,
        ...{ emitted: 100, delivered: 80, spooled: 0, dropped: { ringbuf: 20 }, counters: {} },
      },
    });
    expect(verify.sees(stillSeen(25)).versions).toHaveLength(1);
  });

  describe('with approval', () => {
    const settings = { promote: { enforce: { ...gate, approval: true } } };

    it('waits for somebody to approve exactly this content', () => {
      const verify = new VerifyUnderTest(settings).write(at('CANARY')).sees(stillSeen(25));
      expect(verify.versions).toHaveLength(1);
      verify.approve({ digest: 'sha256:another' });
      expect(verify.versions).toHaveLength(1);
      expect(verify.driver.counters.get('approvals.of-another-content')).toBe(1);
      verify.approve({ digest: at('CANARY').digest, stage: 'AUDIT' });
      expect(verify.versions).toHaveLength(1);
      verify.approve({ digest: at('CANARY').digest });
      expect(verify.standing.stage).toBe('ENFORCE');
      expect(verify.transitions[0]!.reason).toMatch(/approved$/);
    });

    it('takes an approval that came before the version it is of', () => {
      const verify = new VerifyUnderTest(settings).approve({ digest: at('CANARY').digest });
      expect(verify.write(at('CANARY')).sees(stillSeen(25)).standing.stage).toBe('ENFORCE');
    });

    it('does not take an approval over to another content', () => {
      const verify = new VerifyUnderTest(settings)
        .write(at('CANARY'))
        .approve({ digest: at('CANARY').digest });
      const other = profile([{ path: '/a', atMs: startMs + 30 * hourMs }]);
      verify.write(policyOf(other, 'CANARY', 2)).sees(other);
      expect(verify.versions).toHaveLength(2);
    });
  });

  it('forgets a policy that was removed', () => {
    const verify = new VerifyUnderTest({ promote: { shadow: gate } }).write(at('CANDIDATE')).write(null);
    expect(verify.sees(stillSeen(100)).versions).toHaveLength(1);
    expect(verify.driver.store('standing-policies').has(policyId)).toBe(false);
  });
});
