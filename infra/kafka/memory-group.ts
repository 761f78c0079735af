import { assign, keyOf } from './assignment.ts';
import type { TopicPartition, TopicPartitionOffset } from './port.ts';

/** What a group asks of its members during a rebalance. */
export interface GroupMember {
  readonly memberId: string;
  readonly topics: readonly string[];
  /** Stops handing out, waits for handlers, calls `onRevoked`. Never rejects. */
  revoke(): Promise<void>;
  /** Takes the partitions over; must not wait for handlers. */
  assigned(partitions: readonly TopicPartition[]): void;
}

/**
 * One consumer group: its members and committed offsets.
 *
 * Invariants: rebalances run one after another and are eager (every member gives up all before any gets something);
 * a partition has at most one holder.
 */
export class MemoryGroup {
  readonly #members = new Set<GroupMember>();
  readonly #committed = new Map<string, number>();
  readonly #partitionsOf: (topic: string) => number;
  #rebalance: Promise<void> = Promise.resolve();

  constructor(partitionsOf: (topic: string) => number) {
    this.#partitionsOf = partitionsOf;
  }

  join(member: GroupMember): Promise<void> {
    this.#members.add(member);
    return this.#rebalanced();
  }

  /** A member that leaves is revoked like the others, once, and gets nothing. */
  leave(member: GroupMember): Promise<void> {
    return this.#rebalanced(member);
  }

  /** Takes a member out as if its process had died: nothing of it is called. */
  remove(member: GroupMember): void {
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

  #rebalanced(leaving?: GroupMember): Promise<void> {
    this.#rebalance = this.#rebalance.then(async () => {
      await Promise.all([...this.#members].map(member => member.revoke()));
      if (leaving) this.#members.delete(leaving);
      const members = [...this.#members];
      const topics = new Set(members.flatMap(member => member.topics));
      const counts = new Map([...topics].map(topic => [topic, this.#partitionsOf(topic)]));
      const assignment = assign(members, counts);
      for (const member of members) member.assigned(assignment.get(member.memberId)!);
    });
    return this.#rebalance;
  }
}
