import { expect, it } from 'vitest';
import { type Bench, type Observed, until } from './contract-bench.ts';
import { numbersOf } from './group-members.ts';
import type { ConsumerOptions } from './port.ts';

const held = (seen: Observed) => [...numbersOf(seen.held)];
const sorted = (numbers: readonly number[]) => [...numbers].sort((a, b) => a - b);

/** What members of a group tell each other, and what comes of it. */
export function membershipContract(bench: Bench): void {
  const join = (options: Partial<ConsumerOptions>) => bench().consume(options);
  const settled = (what: string, members: readonly Observed[], partitions: number) =>
    until(what, () => {
      const groups = members.map(member => member.group?.members.length);
      const all = members.flatMap(held);
      return groups.every(size => size === members.length) && all.length === partitions;
    });

  it('tells each member who holds, copies and answers for what', async () => {
    await bench().topicOf(4);
    const one = await join({ standbys: 1, member: () => ({ endpoint: 'one:1', warm: [] }) });
    const two = await join({ standbys: 1, member: () => ({ endpoint: 'two:2', warm: [] }) });
    const three = await join({});
    await settled('three members', [one, two, three], 4);
    for (const seen of [one, two, three]) {
      expect(seen.group!.members).toEqual(one.group!.members);
      expect(seen.group!.members).toContainEqual(seen.group!.me);
      expect(seen.group!.me.partitions).toEqual(held(seen));
    }
    expect([one, two, three].map(seen => seen.group!.me.endpoint)).toEqual(['one:1', 'two:2', null]);
    const ids = one.group!.members.map(member => member.memberId);
    expect(ids).toEqual([...ids].sort());
  });

  it('has each partition copied by another member, of those that keep copies', async () => {
    await bench().topicOf(4);
    const one = await join({ standbys: 1 });
    expect(one.group!.me).toMatchObject({ partitions: [0, 1, 2, 3], standbys: [] });
    const two = await join({ standbys: 1 });
    await settled('two members', [one, two], 4);
    expect(one.group!.me.standbys).toEqual(held(two));
    expect(two.group!.me.standbys).toEqual(held(one));
    const none = await join({});
    await settled('three members', [one, two, none], 4);
    expect(none.group!.me.standbys).toEqual([]);
    const copied = none.group!.members.flatMap(member => member.standbys);
    expect(sorted(copied)).toEqual([0, 1, 2, 3]);
  });

  it('leaves partitions where they are when members come and go', async () => {
    await bench().topicOf(6);
    const one = await join({});
    const two = await join({});
    await settled('two members', [one, two], 6);
    const before = [one, two].map(held);
    const three = await join({});
    await settled('three members', [one, two, three], 6);
    for (const [at, seen] of [one, two].entries()) {
      expect(before[at]).toEqual(expect.arrayContaining(held(seen)));
    }
    const between = [one, two].map(held);
    await three.consumer.close();
    await settled('two again', [one, two], 6);
    for (const [at, seen] of [one, two].entries()) {
      expect(held(seen)).toEqual(expect.arrayContaining(between[at]!));
    }
  });

  it('gives partitions to the members where they are warm, asked at each join after onRevoked', async () => {
    await bench().topicOf(4);
    const first = await join({});
    const log: string[] = [];
    const warm = (...numbers: number[]) => ({ member: () => ({ warm: numbers }) });
    const second = await bench().consume(
      {
        member: () => {
          log.push('asked');
          return { warm: [0, 3] };
        },
      },
      { onRevoked: async () => void log.push('revoked') },
    );
    await settled('two members', [first, second], 4);
    expect([held(first), held(second)]).toEqual([
      [1, 2],
      [0, 3],
    ]);
    const third = await join(warm(1, 2));
    await settled('three members', [first, second, third], 4);
    expect(log).toEqual(['asked', 'revoked', 'asked']);
    await first.consumer.close();
    await settled('two again', [second, third], 4);
    expect([held(second), held(third)]).toEqual([
      [0, 3],
      [1, 2],
    ]);
  });

  it('tells onAssigned when it is not worth going on, and the next member waits for it', async () => {
    await bench().topicOf(2);
    const log: string[] = [];
    const first = bench().consume(
      {},
      {
        async onAssigned(_partitions, _group, context) {
          if (log.length > 0) return;
          log.push('restoring');
          await until('stale', () => context.isStale());
          log.push('left off');
        },
        onRevoked: async () => void log.push('revoked'),
      },
    );
    await until('restoring', () => log.length === 1);
    const second = bench().consume({}, { onAssigned: async () => void log.push('second took over') });
    const members = await Promise.all([first, second]);
    await settled('one each', members, 2);
    expect(log.slice(0, 4)).toEqual(['restoring', 'left off', 'revoked', 'second took over']);
  });
}
