import { Shares } from './assignment-shares.ts';
import { placeStandbys } from './assignment-standbys.ts';
import type { Subscription } from './claims.ts';
import type { TopicPartition } from './port.ts';

export interface Share {
  readonly partitions: readonly TopicPartition[];
  /** Numbers, ascending; none of a partition in `partitions`. */
  readonly standbys: readonly number[];
}

/**
 * Shares the partitions of a group out. Invariants, whatever the members claim:
 *
 * A1 Every partition of a topic goes to exactly one member that subscribes to it.
 * A2 Members with the same topics hold the same partition numbers of each.
 * A3 Of each topic, and in all, members with the same topics hold as many as each other, give or take one.
 * A4 Within A3 a partition stays with the member that held it; one that must move goes, where there is room, to a member
 *    where it is warm; and those that are warm elsewhere are the first to be moved.
 * A5 Each partition has as many standbys as the most that a member asks for, or as there are other members that keep any.
 * A6 The result depends on the members and topics alone, not on their order.
 */
export function assign(
  members: readonly Subscription[],
  partitionsOf: ReadonlyMap<string, number>,
): Map<string, Share> {
  const sorted = [...members].sort((a, b) => (a.memberId < b.memberId ? -1 : 1));
  const held = new Map(sorted.map(({ memberId }) => [memberId, [] as TopicPartition[]]));
  const standbys = new Map(sorted.map(({ memberId }) => [memberId, new Set<number>()]));
  const holders = lastHolders(sorted);
  for (const { topics, subscribers } of byAudience(sorted, partitionsOf)) {
    const counts = topics.map(topic => partitionsOf.get(topic) ?? 0);
    const owners = ownersOf(counts, subscribers, holders);
    for (const [at, topic] of topics.entries()) {
      for (let partition = 0; partition < counts[at]!; partition += 1) {
        held.get(owners[partition]!.memberId)!.push({ topic, partition });
      }
    }
    for (const [host, numbers] of placeStandbys(owners, subscribers)) {
      for (const number of numbers) standbys.get(host.memberId)!.add(number);
    }
    // Topics with another audience meet these ones, where their audience allows.
    for (const [number, owner] of owners.entries()) holders.set(number, owner);
  }
  return new Map(
    sorted.map(({ memberId }) => {
      const partitions = held.get(memberId)!;
      const own = new Set(partitions.map(at => at.partition));
      const copies = [...standbys.get(memberId)!].filter(number => !own.has(number));
      return [memberId, { partitions, standbys: copies.sort((a, b) => a - b) }];
    }),
  );
}

/** A partition as a map key; topic names never hold a slash. */
export function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}

/** Who held each number last; a member that was away and does not know better has the older generation. */
function lastHolders(members: readonly Subscription[]): Map<number, Subscription> {
  const holders = new Map<number, Subscription>();
  for (const member of members) {
    for (const number of member.owned) {
      const other = holders.get(number);
      if (!other || other.generation < member.generation) holders.set(number, member);
    }
  }
  return holders;
}

interface Audience {
  readonly topics: readonly string[];
  readonly subscribers: readonly Subscription[];
}

/** Topics with the same subscribers, together: one audience, save while members with other topics join or leave. */
function byAudience(
  members: readonly Subscription[],
  partitionsOf: ReadonlyMap<string, number>,
): readonly Audience[] {
  const topics = [...new Set(members.flatMap(member => member.topics))]
    .filter(topic => (partitionsOf.get(topic) ?? 0) > 0)
    .sort();
  const subscribersOf = (topic: string) => members.filter(member => member.topics.includes(topic));
  const audiences = Map.groupBy(topics, topic =>
    JSON.stringify(subscribersOf(topic).map(member => member.memberId)),
  );
  return [...audiences.values()].map(each => ({ topics: each, subscribers: subscribersOf(each[0]!) }));
}

/** The owner of each number; numbers that fewer topics have are shared out after those that more have (A3). */
function ownersOf(
  counts: readonly number[],
  subscribers: readonly Subscription[],
  holders: ReadonlyMap<number, Subscription>,
): readonly Subscription[] {
  const shares = new Shares(subscribers);
  const warmAt = (number: number) => subscribers.filter(member => member.warm.includes(number));
  const owners: Subscription[] = [];
  for (const end of [...new Set(counts)].sort((a, b) => a - b)) {
    const start = owners.length;
    const numbers = Array.from({ length: end - start }, (_, at) => start + at);
    shares.open(end);
    const give = (number: number, to: Subscription | undefined) => {
      if (!to) return;
      shares.take(to);
      owners[number] = to;
    };
    const elsewhere = (number: number) => warmAt(number).some(member => member !== holders.get(number));
    for (const number of sortedBy(numbers, at => (elsewhere(at) ? 1 : 0))) {
      give(number, shares.emptiest(subscribers.filter(member => member === holders.get(number))));
    }
    for (const number of sortedBy(numbers, at => warmAt(at).length)) {
      if (!owners[number]) give(number, shares.emptiest(warmAt(number)));
    }
    for (const number of numbers) if (!owners[number]) give(number, shares.emptiest(subscribers));
  }
  return owners;
}

/** Stable. */
function sortedBy(numbers: readonly number[], rank: (number: number) => number): readonly number[] {
  return [...numbers].sort((a, b) => rank(a) - rank(b));
}
