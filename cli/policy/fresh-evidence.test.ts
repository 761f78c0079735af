import { expect, it } from 'vitest';
import { type BehaviourProfile, withDefaults } from '#schemas';
import { firstPolicy, policyDefaults } from '../../pipelines/discovery/index.ts';
import { withFreshEvidence } from './fresh-evidence.ts';

const profile = (count: number, ...paths: readonly string[]): BehaviourProfile =>
  withDefaults('BehaviourProfile', {
    ...{ cluster: 'c', namespace: 'shop', workloadKind: 'Deployment', workload: 'web', container: 'web' },
    selector: { app: 'web' },
    behaviours: paths.map((object, at) =>
      withDefaults('Behaviour', {
        ...{ operation: 'FILE_READ', object },
        evidence: withDefaults('Evidence', {
          ...{ count, firstSeen: 1, lastSeen: count * 1000, replicas: ['a'], days: [count] },
          sketch: Array.from({ length: count }, (_, i) => at * 100 + i),
        }),
      }),
    ),
  });
const policyOf = (learned: BehaviourProfile) =>
  firstPolicy([learned], { emit: ['kubearmor'], stage: 'ENFORCE', policy: policyDefaults })!;

it('an explanation is by what was seen until now, and by no more rules than the policy has', () => {
  const policy = policyOf(profile(1, '/a', '/b'));
  const { rules, confidence, digest } = withFreshEvidence(policy, [profile(9, '/a', '/c')], policyDefaults);
  const told = (path: string) => rules.find(({ summary }) => summary === `reads ${path}`)?.evidence;
  expect(told('/a')).toMatchObject({ count: 9, lastSeen: 9000 });
  // Of a rule that would not be made any more there is what there was.
  expect(told('/b')).toMatchObject({ count: 1 });
  expect(rules.map(({ ruleId }) => ruleId)).toEqual(policy.rules.map(({ ruleId }) => ruleId));
  expect(confidence).toMatchObject({ events: 18 });
  expect(digest).toBe(policy.digest);
});

it('without profiles an explanation is by the record', () => {
  const policy = policyOf(profile(1, '/a'));
  expect(withFreshEvidence(policy, [], policyDefaults)).toBe(policy);
});
