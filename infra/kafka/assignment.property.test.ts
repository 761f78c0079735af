import fc from 'fast-check';
import { expect, it } from 'vitest';
import { assign } from './assignment.ts';

const group = fc.record({
  memberIds: fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 6 }),
  partitions: fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 0, max: 9 }), {
    noNullPrototype: true,
  }),
});

it('gives every partition to one member, the same numbers of each topic to the same one, evenly', () => {
  fc.assert(
    fc.property(group, ({ memberIds, partitions }) => {
      const counts = new Map(Object.entries(partitions));
      const topics = [...counts.keys()];
      const assignment = assign(
        memberIds.map(memberId => ({ memberId, topics })),
        counts,
      );
      const given = [...assignment].flatMap(([memberId, held]) => held.map(at => ({ memberId, ...at })));
      for (const [topic, count] of counts) {
        const numbers = given.filter(at => at.topic === topic).map(at => at.partition);
        expect(numbers.sort()).toEqual(Array.from({ length: count }, (_, at) => at).sort());
        const shares = memberIds.map(
          id => given.filter(at => at.topic === topic && at.memberId === id).length,
        );
        expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1);
      }
      const holders = Map.groupBy(given, at => at.partition);
      for (const each of holders.values()) expect(new Set(each.map(at => at.memberId)).size).toBe(1);
    }),
  );
});

it('does not depend on the order in which members are listed', () => {
  const members = ['b', 'c', 'a'].map(memberId => ({ memberId, topics: ['t'] }));
  const counts = new Map([['t', 7]]);
  const sorted = (assignment: ReturnType<typeof assign>) => [...assignment].sort();
  expect(sorted(assign(members, counts))).toEqual(sorted(assign([...members].reverse(), counts)));
});

it('gives a topic only to members that subscribe to it', () => {
  const members = [
    { memberId: '1', topics: ['a'] },
    { memberId: '2', topics: ['a', 'b'] },
  ];
  const assignment = assign(
    members,
    new Map([
      ['a', 2],
      ['b', 2],
    ]),
  );
  expect(assignment.get('1')).toEqual([{ topic: 'a', partition: 0 }]);
  expect(assignment.get('2')).toHaveLength(3);
});
