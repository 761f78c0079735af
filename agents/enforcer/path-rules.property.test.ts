import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { flattenPaths, type PathEntry, type PathRule } from './path-rules.ts';
import { posture, type Ruling, ruling, strictest } from './ruling.ts';

const part = fc.constantFrom('a', 'b', 'ab');
const path = fc.array(part, { minLength: 1, maxLength: 4 }).map(parts => `/${parts.join('/')}`);
const directory = fc
  .array(part, { maxLength: 3 })
  .map(parts => (parts.length > 0 ? `/${parts.join('/')}/` : '/'));

const rulingOf = fc
  .record({
    action: fc.constantFrom('Allow' as const, 'Audit' as const, 'Block' as const),
    force: fc.constantFrom('enforce' as const, 'audit' as const),
    readOnly: fc.boolean(),
    id: fc.nat(20),
  })
  .map(({ id, ...rest }) =>
    ruling({ ...rest, name: { policyId: 'p', ruleId: `file/${id}`, generation: 1, severity: 1 } }),
  );

const rule: fc.Arbitrary<PathRule> = fc.oneof(
  fc.record({ path, recursive: fc.constant(false), ruling: rulingOf }),
  fc.record({ path: directory, recursive: fc.boolean(), ruling: rulingOf }),
);

const defaultRuling = posture(
  { policyId: 'p', ruleId: 'file/default', generation: 1, severity: 1 },
  'enforce',
);

/** What the kernel does: the longest entry that is a prefix, then one question about the rest. */
function lookUp(
  entries: readonly PathEntry[],
  asked: string,
  otherwise: Ruling | undefined,
): Ruling | undefined {
  let best: PathEntry | undefined;
  for (const entry of entries) {
    const matches = entry.path.endsWith('/') ? asked.startsWith(entry.path) : asked === entry.path;
    if (matches && (!best || entry.path.length > best.path.length)) best = entry;
  }
  if (!best) return otherwise;
  return asked.slice(best.path.length).includes('/') ? best.deep : best.direct;
}

/** What the rules say: of those that match, the most specific place, and there the strictest. */
function evaluate(
  rules: readonly PathRule[],
  asked: string,
  otherwise: Ruling | undefined,
): Ruling | undefined {
  const parent = asked.slice(0, asked.lastIndexOf('/') + 1);
  const matching = rules.filter(({ path: at, recursive }) => {
    if (!at.endsWith('/')) return at === asked;
    return recursive ? asked.startsWith(at) : at === parent;
  });
  if (matching.length === 0) return otherwise;
  const longest = Math.max(...matching.map(({ path: at }) => at.length));
  return strictest(matching.filter(({ path: at }) => at.length === longest).map(each => each.ruling));
}

describe('flattened path rules', () => {
  it('decide by one look-up what the rules say', () => {
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 12 }), path, fc.boolean(), (rules, asked, allowList) => {
        const otherwise = allowList ? defaultRuling : undefined;
        const entries = flattenPaths(rules, otherwise);
        expect(lookUp(entries, asked, otherwise)).toEqual(evaluate(rules, asked, otherwise));
      }),
      { numRuns: 2000 },
    );
  });

  it('do not depend on the order of the rules', () => {
    const shuffled = fc
      .array(rule, { maxLength: 10 })
      .chain(rules => fc.tuple(fc.constant(rules), fc.shuffledSubarray(rules, { minLength: rules.length })));
    fc.assert(
      fc.property(shuffled, ([rules, others]) => {
        expect(flattenPaths(others, defaultRuling)).toEqual(flattenPaths(rules, defaultRuling));
      }),
    );
  });
});

describe('equally specific rules', () => {
  const name = (ruleId: string) => ({ policyId: 'p', ruleId, generation: 1, severity: 1 });
  const made = (action: 'Allow' | 'Audit' | 'Block', readOnly = false) =>
    ruling({ name: name(`file/${action}${readOnly}`), action, force: 'enforce', readOnly });

  it.each([
    ['Block over Audit', [made('Audit'), made('Block')], made('Block')],
    ['Audit over Allow', [made('Allow'), made('Audit')], made('Audit')],
    ['read-only over Allow', [made('Allow'), made('Allow', true)], made('Allow', true)],
    ['Block over read-only', [made('Allow', true), made('Block')], made('Block')],
  ])('follow %s', (_, rulings, expected) => {
    expect(strictest(rulings)).toEqual(expected);
    expect(strictest([...rulings].reverse())).toEqual(expected);
  });

  it('of a policy in audit deny nothing', () => {
    expect(ruling({ name: name('x'), action: 'Block', force: 'audit' })).toMatchObject({
      read: 'AUDIT',
      write: 'AUDIT',
    });
    expect(ruling({ name: name('x'), action: 'Allow', force: 'audit', readOnly: true })).toMatchObject({
      read: 'ALLOW',
      write: 'AUDIT',
    });
  });
});
