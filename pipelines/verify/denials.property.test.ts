import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { AlertSight } from './alert-sight.ts';
import { eventsOf, type RecentDenials, spikeOf, withDenial } from './denials.ts';

const limits = { denials: 5, withinMinutes: 1 };
const denial = (id: number, atS: number, count = 1): AlertSight => ({
  ...{ id, policyId: 'p', generation: 1, ruleId: `file/${id % 3}`, verdict: 'DENY', atUs: atS * 1e6, count },
  what: 'something',
  sample: {
    origin: { cluster: 'c', node: 'n', agent: 'a', bootId: 'b', sequence: id },
    ...{ topic: 't', partition: 0, offset: id },
  },
});
const denials = fc
  .uniqueArray(fc.integer({ min: 0, max: 400 }), { maxLength: 30 })
  .map(times => times.map((atS, id) => denial(id, atS)));
const after = (list: readonly AlertSight[]) =>
  list.reduce<RecentDenials>((recent, each) => withDenial(recent, each, limits), []);

it('a spike is found exactly when so many denials lie within the window, whoever comes twice', () => {
  fc.assert(
    fc.property(denials, fc.array(fc.nat(29), { maxLength: 10 }), (list, again) => {
      const sorted = list.toSorted((a, b) => a.atUs - b.atUs);
      let recent: RecentDenials = [];
      let found = false;
      for (const [i, each] of sorted.entries()) {
        recent = withDenial(recent, each, limits);
        const repeated = sorted[again[i % Math.max(1, again.length)] ?? 0];
        if (repeated && repeated.atUs <= each.atUs && recent.some(({ id }) => id === repeated.id))
          recent = withDenial(recent, repeated, limits);
        found ||= spikeOf(recent, limits) !== null;
      }
      const expected = sorted.some((each, i) => {
        const fifth = sorted[i + limits.denials - 1];
        return fifth !== undefined && fifth.atUs - each.atUs < 60e6;
      });
      expect(found).toBe(expected);
    }),
  );
});

it('what is kept does not grow, and lies within the window', () => {
  fc.assert(
    fc.property(denials, list => {
      const recent = after(list);
      expect(recent.length).toBeLessThanOrEqual(limits.denials);
      if (recent.length > 0) expect(recent.at(-1)!.atUs - recent[0]!.atUs).toBeLessThan(60e6);
    }),
  );
});

it('an alert that stands for many counts for as many', () => {
  const recent = after([denial(1, 0, 3), denial(2, 1, 2)]);
  expect(eventsOf(recent)).toBe(5);
  expect(spikeOf(recent, limits)).toMatchObject({ events: 5, ruleId: 'file/1' });
});
