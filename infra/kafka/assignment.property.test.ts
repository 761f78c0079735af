import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assign, type Share } from './assignment.ts';
import { noClaims, type Subscription } from './claims.ts';
import { numbersOf } from './group-members.ts';

const numbers = fc.uniqueArray(fc.integer({ min: 0, max: 11 }));
const claims = fc.record({
  endpoint: fc.constant(null),
  owned: numbers,
  generation: fc.integer({ min: -1, max: 3 }),
  warm: numbers,
  standbys: fc.constantFrom(0, 0, 1, 2, 9),
});
const memberIds = fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 6 });
const partitions = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 0, max: 12 }), {
  noNullPrototype: true,
});

/** Members that claim whatever they like, all with the same topics. */
const group = fc
  .record({ memberIds, partitions })
  .chain(({ memberIds: ids, partitions: counts }) =>
    fc
      .tuple(...ids.map(memberId => claims.map(each => ({ memberId, topics: Object.keys(counts), ...each }))))
      .map(members => ({ members: members as Subscription[], counts: new Map(Object.entries(counts)) })),
  );

const held = (share: Share | undefined) => numbersOf(share!.partitions);
const sizes = (shares: Iterable<{ length: number }>) => [...shares].map(share => share.length);
const spread = (loads: readonly number[]) => Math.max(...loads) - Math.min(...loads);
const upTo = (count: number) => Array.from({ length: count }, (_, at) => at);
const plain = (memberId: string, more: Partial<Subscription> = {}): Subscription => ({
  ...noClaims,
  memberId,
  topics: ['t'],
  ...more,
});
const ofOne = (count: number) => new Map([['t', count]]);
const holdings = (shares: ReadonlyMap<string, Share>) =>
  Object.fromEntries([...shares].map(([memberId, share]) => [memberId, held(share)]));

/** The members as they would join again after what they were given. */
function rejoined(members: readonly Subscription[], shares: ReadonlyMap<string, Share>): Subscription[] {
  return members.map(member => {
    const share = shares.get(member.memberId);
    const owned = share ? held(share) : [];
    return { ...member, owned, generation: 7, warm: [...owned, ...(share?.standbys ?? [])] };
  });
}

describe('the assignment', () => {
  it('gives every partition to one member, the same numbers of each topic to the same one, evenly', () => {
    fc.assert(
      fc.property(group, ({ members, counts }) => {
        const shares = assign(members, counts);
        const given = [...shares].flatMap(([memberId, share]) =>
          share.partitions.map(at => ({ memberId, ...at })),
        );
        for (const [topic, count] of counts) {
          const ofTopic = given.filter(at => at.topic === topic);
          expect(ofTopic.map(at => at.partition).sort((a, b) => a - b)).toEqual(upTo(count));
          const loads = members.map(({ memberId }) => ofTopic.filter(at => at.memberId === memberId).length);
          expect(spread(loads)).toBeLessThanOrEqual(1);
        }
        expect(spread(sizes([...shares.values()].map(held)))).toBeLessThanOrEqual(1);
        const holders = Map.groupBy(given, at => at.partition);
        for (const each of holders.values()) expect(new Set(each.map(at => at.memberId)).size).toBe(1);
      }),
    );
  });

  it('does not depend on the order in which members are listed', () => {
    fc.assert(
      fc.property(group, fc.infiniteStream(fc.nat()), ({ members, counts }, ranks) => {
        const shuffled = members
          .map(member => ({ member, rank: ranks.next().value as number }))
          .sort((a, b) => a.rank - b.rank)
          .map(({ member }) => member);
        expect([...assign(shuffled, counts)]).toEqual([...assign(members, counts)]);
      }),
    );
  });

  it('changes nothing when the same members join again', () => {
    fc.assert(
      fc.property(group, ({ members, counts }) => {
        const first = assign(members, counts);
        expect(assign(rejoined(members, first), counts)).toEqual(first);
      }),
    );
  });

  it('moves no more than it must when a member comes, and only to it', () => {
    fc.assert(
      fc.property(group, ({ members, counts: several }) => {
        const counts = ofOne(Math.max(0, ...several.values()));
        const [newcomer, ...rest] = members.map(member => ({
          ...member,
          topics: ['t'],
          owned: [],
          warm: [],
        }));
        if (rest.length === 0) return;
        const first = assign(rest, counts);
        const second = assign([newcomer!, ...rejoined(rest, first)], counts);
        for (const [memberId, share] of first) {
          expect(held(share)).toEqual(expect.arrayContaining([...held(second.get(memberId))]));
        }
      }),
    );
  });

  it('leaves what the others hold alone when a member goes', () => {
    fc.assert(
      fc.property(group, ({ members, counts }) => {
        fc.pre(members.length > 1);
        const ofT = ofOne(Math.max(0, ...counts.values()));
        const withT = members.map(member => ({ ...member, topics: ['t'] }));
        const first = assign(withT, ofT);
        const [, ...rest] = rejoined(withT, first);
        const second = assign(rest, ofT);
        for (const { memberId } of rest) {
          expect(held(second.get(memberId))).toEqual(expect.arrayContaining([...held(first.get(memberId))]));
        }
      }),
    );
  });

  it('gives a partition whose holder is gone to the member where it is warm', () => {
    const members = [plain('a', { warm: [3] }), plain('b', { warm: [0, 1] }), plain('c', { warm: [2] })];
    expect(holdings(assign(members, ofOne(4)))).toEqual({ a: [3], b: [0, 1], c: [2] });
  });

  it('gives one that is warm at several members to the one that is not needed for another', () => {
    const members = [plain('a', { warm: [0, 1] }), plain('b', { warm: [0] })];
    expect(holdings(assign(members, ofOne(2)))).toEqual({ a: [1], b: [0] });
  });

  it('parts first with what is warm elsewhere', () => {
    const members = [
      plain('a', { owned: [0, 1, 2, 3], generation: 1, warm: [0, 1, 2, 3] }),
      plain('b', { warm: [0, 2] }),
    ];
    expect(holdings(assign(members, ofOne(4)))).toEqual({ a: [1, 3], b: [0, 2] });
  });

  it('believes the newer of two members that claim the same', () => {
    const members = [
      plain('a', { owned: [0, 1], generation: 1 }),
      plain('b', { owned: [0, 1], generation: 2 }),
      plain('c', { owned: [2, 3], generation: 2 }),
    ];
    expect(holdings(assign(members, ofOne(4)))).toMatchObject({ b: [0, 1] });
  });

  it('counts members too old to claim anything like the others', () => {
    const members = [plain('new', { owned: [0, 1, 2], generation: 3 }), plain('old-1'), plain('old-2')];
    expect(holdings(assign(members, ofOne(3)))).toEqual({ new: [0], 'old-1': [1], 'old-2': [2] });
  });

  it('gives a topic only to members that subscribe to it', () => {
    const members = [plain('1', { topics: ['a'] }), plain('2', { topics: ['a', 'b'] })];
    const shares = assign(
      members,
      new Map([...ofOne(2)].flatMap(([, n]) => ['a', 'b'].map(t => [t, n] as const))),
    );
    expect(shares.get('1')!.partitions).toEqual([{ topic: 'a', partition: 0 }]);
    expect(shares.get('2')!.partitions).toHaveLength(3);
  });
});

describe('standbys', () => {
  it('are as many as asked for or as members can keep, never with the holder', () => {
    fc.assert(
      fc.property(group, ({ members, counts }) => {
        const shares = assign(members, counts);
        const wanted = Math.max(...members.map(member => member.standbys));
        const hosts = members.filter(member => member.standbys > 0).map(member => member.memberId);
        for (const number of upTo(Math.max(0, ...counts.values()))) {
          const keeping = [...shares]
            .filter(([, share]) => share.standbys.includes(number))
            .map(([id]) => id);
          const holder = [...shares].find(([, share]) => held(share).includes(number))![0];
          const others = hosts.filter(id => id !== holder);
          expect(others).toEqual(expect.arrayContaining(keeping));
          expect(keeping).toHaveLength(Math.min(wanted, others.length));
        }
      }),
    );
  });

  it('are even, give or take one, where every member keeps some', () => {
    fc.assert(
      fc.property(group, fc.integer({ min: 1, max: 3 }), ({ members, counts }, standbys) => {
        const shares = assign(
          members.map(member => ({ ...member, standbys })),
          counts,
        );
        expect(spread(sizes([...shares.values()].map(share => share.standbys)))).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('stay where they are warm', () => {
    const member = (memberId: string, owned: number[], warm: number[]) =>
      plain(memberId, { owned, generation: 1, warm, standbys: 1 });
    const members = [member('a', [0, 1], [2, 3]), member('b', [2, 3], [4, 5]), member('c', [4, 5], [0, 1])];
    const copies = [...assign(members, ofOne(6)).values()].map(share => share.standbys);
    expect(copies).toEqual([
      [2, 3],
      [4, 5],
      [0, 1],
    ]);
  });

  it('of one holder are at different members, so that its load is shared when it fails', () => {
    const members = ['a', 'b', 'c', 'd'].map(memberId => plain(memberId, { standbys: 1 }));
    const first = assign(members, ofOne(12));
    for (const { memberId } of members) {
      const numbersOfOne = held(first.get(memberId));
      const copied = [...first.values()].map(
        share => share.standbys.filter(number => numbersOfOne.includes(number)).length,
      );
      expect(copied.sort()).toEqual([0, 1, 1, 1]);
      const rest = rejoined(members, first).filter(member => member.memberId !== memberId);
      const second = assign(rest, ofOne(12));
      for (const each of rest) {
        expect(each.warm).toEqual(expect.arrayContaining([...held(second.get(each.memberId))]));
      }
    }
  });
});
