import { describe, expect, it } from 'vitest';
import { alert, hourMs, policyOf, profile, startMs, VerifyUnderTest } from './verify-under-test.ts';

const learned = profile([{ path: '/a' }]);
const enforced = policyOf(learned, 'ENFORCE');
const canary = policyOf(learned, 'CANARY');
const spike = { denials: 5, withinMinutes: 1 };
const denials = (policy: typeof enforced, count: number, from = 1, everySeconds = 1) =>
  Array.from({ length: count }, (_, i) => {
    const sequence = from + i;
    return alert(policy, sequence, { time: (startMs + i * everySeconds * 1000) * 1000 });
  });

describe('a spike of denials', () => {
  it('is found once, with who denied what, and changes nothing unless it is told to', () => {
    const verify = new VerifyUnderTest({ spike }).write(enforced).alerts(...denials(enforced, 8));
    expect(verify.versions).toHaveLength(1);
    expect(verify.findings).toHaveLength(1);
    expect(verify.findings[0]).toMatchObject({
      ...{ policyId: enforced.policyId, generation: 1, digest: enforced.digest, type: 'DENIAL_SPIKE' },
      ...{ ruleId: 'file/default', count: 5, firstSeen: startMs * 1000, lastSeen: (startMs + 4000) * 1000 },
      summary:
        '5 denials within 0.1 minutes by 1 rule on 1 node; most by file/default, for example web: open of /etc/shadow',
    });
    expect(verify.findings[0]!.samples).toMatchObject([
      { topic: 'default.alerts.v1', offset: 2 },
      { offset: 3 },
      { offset: 4, origin: { node: 'n1', sequence: 5 } },
    ]);
  });

  it('is none when the denials are spread, audited, or the same one again and again', () => {
    const verify = new VerifyUnderTest({ spike }).write(enforced);
    verify.alerts(...denials(enforced, 20, 1, 16));
    verify.alerts(...denials(enforced, 10, 100).map(each => ({ ...each, verdict: 'AUDIT' as const })));
    const [first] = denials(enforced, 1, 200);
    verify.alerts(...Array.from({ length: 10 }, () => ({ ...first!, time: (startMs + hourMs) * 1000 })));
    expect(verify.findings).toEqual([]);
  });

  it('counts the hits that an alert stands for', () => {
    const verify = new VerifyUnderTest({ spike }).write(enforced);
    expect(verify.alerts(alert(enforced, 1, { suppressed: 10 })).findings).toMatchObject([{ count: 11 }]);
  });

  it('takes a canary back to audit, naming why and where it was seen', () => {
    const verify = new VerifyUnderTest({ spike }).write(canary);
    verify.alerts(...denials(canary, 6));
    expect(verify.standing).toMatchObject({ generation: 2, stage: 'AUDIT', digest: canary.digest });
    expect(verify.transitions).toMatchObject([
      {
        ...{ from: 'CANARY', to: 'AUDIT', generation: 2, by: 'verify' },
        reason: expect.stringMatching(/^taken back: 5 denials within/),
        evidence: [{ topic: 'default.alerts.v1', partition: 0, fromOffset: 0, toOffset: 4 }],
      },
    ]);
  });

  it('leaves what is enforced as it is, and a canary where that is configured', () => {
    const enforcing = new VerifyUnderTest({ spike }).write(enforced);
    expect(enforcing.alerts(...denials(enforced, 6)).versions).toHaveLength(1);
    const staying = new VerifyUnderTest({ spike, rollback: { canary: false } }).write(canary);
    expect(staying.alerts(...denials(canary, 6)).versions).toHaveLength(1);
  });

  it('does not let what was taken back go on by itself, but by approval', () => {
    const gate = { afterHours: 1, minConfidence: 0.5 };
    const verify = new VerifyUnderTest({ spike, rollback: { canary: true }, promote: { canary: gate } });
    verify.write(canary).alerts(...denials(canary, 6));
    const later = profile([{ path: '/a', atMs: startMs + 50 * hourMs }]);
    expect(verify.sees(later).standing.stage).toBe('AUDIT');
    const before = { digest: canary.digest, at: (startMs - 1) * 1000 };
    expect(verify.approve(before).standing.stage).toBe('AUDIT');
    expect(verify.approve({ ...before, at: (startMs + hourMs) * 1000 }).standing.stage).toBe('CANARY');
  });

  it('goes back to the last content that was enforced without one, where that is configured', () => {
    const verify = new VerifyUnderTest({ spike, rollback: { enforce: true, to: 'previous' } });
    const next = policyOf(profile([{ path: '/a' }, { path: '/b' }]), 'ENFORCE', 2);
    verify
      .write(enforced)
      .write(next)
      .alerts(...denials(next, 6));
    expect(verify.standing).toMatchObject({
      ...{ generation: 3, stage: 'ENFORCE', digest: enforced.digest, prevDigest: next.digest },
      documents: enforced.documents,
    });
    // That one has a spike too, and nothing healthy is left: from here on it is only audited.
    verify.alerts(...denials({ ...enforced, generation: 3 }, 6, 1000));
    expect(verify.standing).toMatchObject({ generation: 4, stage: 'AUDIT', digest: enforced.digest });
  });

  it('is found again when the next one comes', () => {
    const verify = new VerifyUnderTest({ spike }).write(enforced).alerts(...denials(enforced, 6));
    const later = denials(enforced, 6, 100).map(each => ({ ...each, time: each.time + hourMs * 1000 }));
    expect(verify.alerts(...later).findings).toHaveLength(2);
  });

  it('of a policy that nobody knows is dropped and counted', () => {
    const verify = new VerifyUnderTest({ spike }).alerts(...denials(enforced, 6));
    expect(verify.findings).toEqual([]);
    expect(verify.driver.counters.get('records.dropped.no-such-policy')).toBe(6);
  });
});
