import { assign, keyOf, type Share } from './assignment.ts';
import type { Claims } from './claims.ts';
import { groupMembers } from './group-members.ts';
import type { GroupMember, MemberDescription, TopicPartition, TopicPartitionOffset } from './port.ts';

/** What a group asks of its members during a rebalance. */
export interface MemoryMember {
  readonly memberId: string;
  readonly clientId: string;
  readonly topics: readonly string[];
  /** Stops handing out, waits for handlers, calls `onRevoked`. Never rejects. */
  revoke(): Promise<void>;
  /** What it brings to the next assignment; asked when it has given up all. */
  claims(): Omit<Claims, 'owned' | 'generation'>;
  /** Takes the partitions over; must not wait for handlers. */
  assigned(partitions: readonly TopicPartition[], members: readonly GroupMember[]): void;
}

interface Place {
  readonly generation: number;
  readonly share: Share;
  readonly told: GroupMember;
}

/**
 * One consumer group: its members and committed offsets.
 *
 * Invariants: rebalances run one after another and are eager (every member gives up all before any gets something);
 * a partition has at most one holder.
 */
export class MemoryGroup {
  /** With what each was given last; null before its first assignment. */
  readonly #members = new Map<MemoryMember, Place | null>();
  readonly #committed = new Map<string, number>();
  readonly #partitionsOf: (topic: string) => number;
  #rebalance: Promise<void> = Promise.resolve();
  #generation = 0;
  #rebalancing = 0;

  constructor(partitionsOf: (topic: string) => number) {
    this.#partitionsOf = partitionsOf;
  }

  join(member: MemoryMember): Promise<void> {
    if (!this.#members.has(member)) this.#members.set(member, null);
    return this.#rebalanced();
  }

  /** A member that leaves is revoked like the others, once, and gets nothing. */
  leave(member: MemoryMember): Promise<void> {
    return this.#rebalanced(member);
  }

  /** Takes a member out as if its process had died: nothing of it is called. */
  remove(member: MemoryMember): void {
    if (this.#members.delete(member)) void this.#rebalanced();
  }

  commit(offsets: readonly TopicPartitionOffset[]): void {
    for (const position of offsets) this.#committed.set(keyOf(position), position.offset);
  }

  committed(partition: TopicPartition): number | undefined {
    return this.#committed.get(keyOf(partition));
  }

  forget(topic: string): void {
    for (const key of this.#committed.keys()) if (key.startsWith(`${topic}/`)) this.#committed.delete(key);
  }

  get isKnown(): boolean {
    return this.#members.size > 0 || this.#committed.size > 0;
  }

  get state(): string {
    if (this.#rebalancing > 0) return 'PreparingRebalance';
    return this.#members.size > 0 ? 'Stable' : 'Empty';
  }

  describe(): readonly MemberDescription[] {
    const described = [...this.#members].map(([{ memberId, clientId }, place]) => {
      const told = place?.told ?? { memberId, endpoint: null, partitions: [], standbys: [] };
      return { ...told, clientId, host: 'this process', holds: place?.share.partitions ?? [] };
    });
    return described.sort((a, b) => (a.memberId < b.memberId ? -1 : 1));
  }

  #rebalanced(leaving?: MemoryMember): Promise<void> {
    this.#rebalancing += 1;
    this.#rebalance = this.#rebalance.then(async () => {
      await Promise.all([...this.#members.keys()].map(member => member.revoke()));
      if (leaving) this.#members.delete(leaving);
      this.#rebalancing -= 1;
      this.#assign();
    });
    return this.#rebalance;
  }

  #assign(): void {
    const members = [...this.#members].map(([member, place]) => ({
      ...member.claims(),
      memberId: member.memberId,
      topics: member.topics,
      owned: place?.told.partitions ?? [],
      generation: place?.generation ?? -1,
    }));
    const topics = new Set(members.flatMap(member => member.topics));
    const shares = assign(members, new Map([...topics].map(topic => [topic, this.#partitionsOf(topic)])));
    const view = groupMembers(members, shares);
    this.#generation += 1;
    for (const member of [...this.#members.keys()]) {
      const share = shares.get(member.memberId)!;
      const told = view.find(each => each.memberId === member.memberId)!;
      this.#members.set(member, { generation: this.#generation, share, told });
      member.assigned(share.partitions, view);
    }
  }
}
