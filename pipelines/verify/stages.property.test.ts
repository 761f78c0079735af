import fc from 'fast-check';
import { expect, it } from 'vitest';
import { nextVersion, type PackedPolicy, StandingPolicies, successionOf } from '#policy';
import { type Policy, type PolicyTransition, type Stage, withDefaults } from '#schemas';
import { crashPoints } from '#streams';
import { alert, hourMs, policyId, policyOf, profile, startMs, VerifyUnderTest } from './verify-under-test.ts';

const contents = [['/a'], ['/a', '/b'], ['/c']].map(paths => paths.map(path => ({ path })));
const stages = ['CANDIDATE', 'SHADOW', 'AUDIT', 'CANARY', 'ENFORCE', 'RETIRED'] as const;

/** What others do meanwhile. `behind`: how many records of the topic a writer has not seen. */
const steps = fc.oneof(
  fc.record({ do: fc.constant('learn' as const), content: fc.nat(2), hours: fc.nat(60) }),
  fc.record({
    do: fc.constant('write' as const),
    content: fc.option(fc.nat(2), { nil: undefined }),
    stage: fc.constantFrom<Stage>(...stages),
    behind: fc.nat(2),
    dies: fc.boolean(),
  }),
  fc.record({ do: fc.constant('deny' as const), count: fc.nat(6) }),
  fc.record({
    do: fc.constant('crash' as const),
    at: fc.constantFrom(...crashPoints),
    survives: fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
  }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 100, max: 3000 }) }),
);
type Step = typeof steps extends fc.Arbitrary<infer S> ? S : never;

const gate = { afterHours: 1, minConfidence: 0, minEvents: 0 };
const settings = {
  promote: { shadow: gate, audit: gate, canary: gate, enforce: gate },
  spike: { denials: 3, withinMinutes: 5 },
  rollback: { canary: true, enforce: true, to: 'previous' },
  orphanMs: 1000,
} as const;

class Meanwhile {
  readonly verify = new VerifyUnderTest(settings);
  #sequence = 1;

  run(step: Step): void {
    const { driver } = this.verify;
    switch (step.do) {
      case 'learn': {
        const atMs = startMs + step.hours * hourMs;
        const value = profile(contents[step.content]!.map(each => ({ ...each, atMs })));
        driver.append('default.behaviours.v1', { key: `${policyId}/web`, value });
        break;
      }
      case 'write':
        this.#write(step);
        break;
      case 'deny': {
        const { generation } = standingOf(this.verify.versions);
        for (let i = 0; i < step.count; i++)
          driver.append('default.alerts.v1', {
            key: 'east/shop/web',
            value: alert({ ...policyOf(profile(contents[0]!), 'ENFORCE'), generation }, this.#sequence++),
          });
        break;
      }
      case 'crash':
        driver.crashAt(step.at, (_, index) => step.survives[index % 5]!);
        break;
      case 'wait':
        driver.advance(step.ms);
    }
    if (!driver.crashed) driver.run();
    if (driver.crashed) driver.recover();
  }

  /** As the commands and discovery do: the transition first, and then, unless it dies, the version. */
  #write({ content, stage, behind, dies }: Extract<Step, { do: 'write' }>): void {
    const { versions, driver } = this.verify;
    const before = standingOf(versions.slice(0, Math.max(1, versions.length - behind)));
    const made = content === undefined ? before : policyOf(profile(contents[content]!), stage);
    const { target, documents, rules, digest } = made;
    const next = nextVersion(before, { target, documents, rules, digest, stage });
    const { generation, prevDigest } = next;
    const transition = withDefaults('PolicyTransition', {
      ...{ policyId, generation, digest, prevDigest, from: before.stage, to: stage, at: 0, by: 'ann' },
    });
    driver.append('default.policy-transitions.v1', { key: policyId, value: transition });
    if (!dies) driver.append('default.policies.v1', { key: policyId, value: next });
  }
}

function standingOf(records: readonly Policy[]): Policy {
  const view = new StandingPolicies();
  for (const value of records) view.apply({ key: policyId, value });
  return view.get(policyId)!;
}

/** The records that are versions. */
function versionsAmong(records: readonly Policy[]): Policy[] {
  const versions: Policy[] = [];
  for (const record of records) if (successionOf(versions.at(-1), record) === 'next') versions.push(record);
  return versions;
}

const named = ({ generation, digest, stage }: Pick<Policy, 'generation' | 'digest' | 'stage'>) =>
  `${generation} ${stage} ${digest}`;
const reasonOf = ({ generation, digest, to }: PolicyTransition) => `${generation} ${to} ${digest}`;

it('whatever others write, and whenever it dies: one version stands, each has its reason, and the history is whole', () => {
  fc.assert(
    fc.property(fc.array(steps, { minLength: 3, maxLength: 14 }), list => {
      const meanwhile = new Meanwhile();
      const { verify } = meanwhile;
      verify.write(policyOf(profile(contents[0]!), 'CANDIDATE'));
      for (const step of list) meanwhile.run(step);
      // A crash that is still armed may strike while things come to rest.
      for (let i = 0; i < 40; i++) meanwhile.run({ do: 'wait', ms: 500 });

      const view = new StandingPolicies();
      for (const value of verify.versions) view.apply({ key: policyId, value });
      expect(view.unsettled().size).toBe(0);

      const versions = versionsAmong(verify.versions);
      const reasons = new Set(verify.transitions.map(reasonOf));
      for (const [i, version] of versions.entries())
        if (i > 0 && version.stage !== versions[i - 1]!.stage) expect(reasons).toContain(named(version));

      expect(versionsAmong(verify.history).map(named)).toEqual(versions.map(named));
      const known = verify.driver.store<string, PackedPolicy>('standing-policies').get(policyId)!;
      expect(named(known)).toBe(named(versions.at(-1)!));
    }),
    { numRuns: 150 },
  );
});
