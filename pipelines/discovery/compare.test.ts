import { describe, expect, it } from 'vitest';
import { parseAnyPolicy } from '#policy';
import { type BehaviourProfile, type Evidence, withDefaults } from '#schemas';
import type { Access } from './access.ts';
import { comparePolicies, compareRules } from './compare.ts';
import { confidenceOf } from './confidence.ts';
import { explainRule } from './explain-rule.ts';
import { makePolicy } from './make-policy.ts';

const policy = (action: string, paths: readonly string[], message = '') =>
  parseAnyPolicy(
    {
      ...{
        apiVersion: 'security.kubearmor.com/v1',
        kind: 'KubeArmorPolicy',
        metadata: { name: 'k', namespace: 'shop' },
      },
      spec: { selector: {}, action, message, file: { matchPaths: paths.map(path => ({ path })) } },
    },
    'test',
  );
const actor = { namespace: 'shop', labels: {}, container: 'x' };
const read = (object: string): Access => ({
  ...{ operation: 'FILE_READ', object, transport: 'OTHER', port: 0, peer: null, actor },
});
const accesses = ['/a', '/b', '/c', '/a'].map(read);
const objects = (changes: readonly { readonly access: Access }[]) =>
  changes.map(({ access }) => access.object);

const evidence = (count: number, day = 0): Evidence => ({
  ...{
    count,
    firstSeen: day * 86_400_000_000,
    lastSeen: day * 86_400_000_000,
    replicas: [`r${day}`],
    days: [day],
  },
  sketch: Array.from({ length: count }, (_, i) => i + 1),
  samples: [],
});
const profile = (evidences: readonly Evidence[]): BehaviourProfile => ({
  ...{
    cluster: 'c',
    namespace: 'shop',
    workloadKind: 'Deployment',
    workload: 'web',
    container: 'x',
    images: [],
    alerts: [],
  },
  selector: { app: 'web' },
  behaviours: evidences.map((evidence, i) =>
    withDefaults('Behaviour', { operation: 'EXEC', object: `/bin/${i}`, evidence }),
  ),
});

describe('two sets of policies', () => {
  it('differ in what opens and what closes, each once', () => {
    const { opens, closes, audits } = comparePolicies(
      [policy('Allow', ['/a', '/b'])],
      [policy('Allow', ['/a', '/c'])],
      accesses,
    );
    expect([objects(opens), objects(closes), objects(audits)]).toEqual([['/c'], ['/b'], []]);
    expect(closes[0]!.after.rule!.ruleId).toBe('file/default');
  });

  it('differ in what is audited', () => {
    const { opens, closes, audits } = comparePolicies([], [policy('Audit', ['/a'])], accesses);
    expect([objects(opens), objects(closes), objects(audits)]).toEqual([[], [], ['/a']]);
  });

  it('do not differ by wording or order', () => {
    const [one, other] = [policy('Allow', ['/a', '/b'], 'so'), policy('Allow', ['/b', '/a'], 'or so')];
    expect(comparePolicies([one], [other], accesses)).toEqual({ opens: [], closes: [], audits: [] });
    expect(compareRules([one], [other])).toEqual({ added: [], removed: [] });
  });

  it('are listed rule by rule', () => {
    const { added, removed } = compareRules([policy('Allow', ['/a'])], [policy('Allow', ['/b'])]);
    expect([added.length, removed.length]).toEqual([1, 1]);
    expect(added[0]).toMatch(/^KubeArmorPolicy\/shop\/k file\/[0-9a-f]{12}$/);
  });
});

describe('a rule', () => {
  const made = makePolicy([profile([evidence(3, 1)])], ['kubearmor'])!;
  const explained = (wanted: string) =>
    explainRule(made.rules.find(({ summary, ruleId }) => summary === wanted || ruleId === wanted)!);

  it('is explained by what it says, what it admits unseen, how much was seen, and when', () => {
    const text = explained('executes /bin/0');
    expect(text).toContain('1 distinct object, 3 events on 1 day by 1 replica');
    expect(text).toContain('from 1970-01-02T00:00:00.000Z');
    expect(text).toContain('admits nothing that was not seen');
    expect(explained('process/default')).toContain('no evidence');
    const wide = { ...made.rules[0]!, admits: 'names with digits', unseen: -1 };
    expect(explainRule(wide)).toContain(
      'admits things nobody can count that were not seen: names with digits',
    );
  });
});

describe('confidence in a workload', () => {
  it('is the share of events that are not the only one of their kind', () => {
    expect(confidenceOf([profile([evidence(1), evidence(9, 1)])])).toEqual({
      ...{ behaviours: 2, events: 10, lostEvents: 0, unseenMass: 0.1, replicas: 2, days: 2, confidence: 0.9 },
    });
  });

  it('is lowered by loss', () => {
    expect(confidenceOf([profile([evidence(10)])], 10).confidence).toBe(0.5);
    expect(() => confidenceOf([], -1)).toThrow(RangeError);
  });

  it('is none where nothing was seen', () => {
    expect(confidenceOf([])).toMatchObject({ unseenMass: 1, confidence: 0 });
  });
});
