import type { Share } from './assignment.ts';
import type { GroupMember, TopicPartition } from './port.ts';

/** An assignment as members tell each other of it, by memberId. */
export function groupMembers(
  members: readonly { readonly memberId: string; readonly endpoint: string | null }[],
  shares: ReadonlyMap<string, Share>,
): readonly GroupMember[] {
  const told = members.map(({ memberId, endpoint }) => {
    const { partitions, standbys } = shares.get(memberId)!;
    return { memberId, endpoint, partitions: numbersOf(partitions), standbys };
  });
  return told.sort((a, b) => (a.memberId < b.memberId ? -1 : 1));
}

/** Each number once, ascending. */
export function numbersOf(partitions: readonly TopicPartition[]): readonly number[] {
  return [...new Set(partitions.map(at => at.partition))].sort((a, b) => a - b);
}
