/**
 * Has a question answered for partitions, wherever they are.
 *
 * Owns: who is asked: this process, the holder, where stale answers do a holder of a copy.
 * Does not own: what is asked.
 *
 * Invariants:
 * Q1 A question that came from another member is answered here or refused: it never goes further.
 * Q2 An answer covers every partition that was asked for; otherwise it is refused, never cut short.
 */

import type { GroupMember, GroupView } from '#kafka';
import type { AskPeer } from './peers.ts';
import type { QuerySource } from './query-source.ts';
import { notNow, Refusal } from './refusal.ts';

export interface Part {
  readonly partition: number;
  readonly role: 'active' | 'standby';
  readonly store: unknown;
}

export interface Question<T> {
  readonly store: string;
  readonly partitions: readonly number[];
  /** Answered by what is here, and by nothing else. */
  readonly isLocal: boolean;
  /** A copy's answer will do. */
  readonly isStaleOk: boolean;
  /** Answers for the partitions of this process. */
  here(parts: readonly Part[]): T;
  /** The same question for another member. */
  pathFor(partitions: readonly number[]): string;
  /** Its answer. */
  read(status: number, body: unknown): T;
}

export interface Gathering {
  readonly source: QuerySource;
  readonly ask: AskPeer;
}

/** One answer per member that was asked. Errors: 421, 502, 503. */
export async function gather<T>({ source, ask }: Gathering, question: Question<T>): Promise<readonly T[]> {
  const group = source.group();
  if (!group) throw notNow(`${source.applicationId} has not joined its group yet`);
  const parts = question.partitions.flatMap(partition => partHere(source, question, partition) ?? []);
  const elsewhere = question.partitions.filter(
    partition => !parts.some(part => part.partition === partition),
  );
  if (elsewhere.length === 0) return [question.here(parts)];
  if (question.isLocal) throw misdirected(group, elsewhere);
  const answers = await askAll({ ask, group, question }, elsewhere);
  return parts.length > 0 ? [question.here(parts), ...answers] : answers;
}

function partHere<T>(
  source: QuerySource,
  { store: name, isStaleOk }: Question<T>,
  partition: number,
): Part | null {
  const role = source.roleOf(name, partition);
  if (role === null || (role === 'standby' && !isStaleOk)) return null;
  return { partition, role, store: source.store(name, partition) };
}

interface Asking<T> {
  readonly ask: AskPeer;
  readonly group: GroupView;
  readonly question: Question<T>;
}

async function askAll<T>(asking: Asking<T>, partitions: readonly number[]): Promise<readonly T[]> {
  const { group, question } = asking;
  const owners = await askEach(asking, byMember(group, partitions, 'partitions'));
  const open = partitions.filter(partition => !owners.done.has(partition));
  if (open.length === 0) return owners.answers;
  if (!question.isStaleOk) throw unanswered(group, open, owners.failures);
  const copies = await askEach(asking, byMember(group, open, 'standbys'));
  const left = open.filter(partition => !copies.done.has(partition));
  if (left.length > 0) throw unanswered(group, left, [...owners.failures, ...copies.failures]);
  return [...owners.answers, ...copies.answers];
}

interface Asked<T> {
  readonly answers: readonly T[];
  readonly done: ReadonlySet<number>;
  readonly failures: readonly string[];
}

async function askEach<T>(
  { ask, question }: Asking<T>,
  shares: ReadonlyMap<GroupMember, readonly number[]>,
): Promise<Asked<T>> {
  const done = new Set<number>();
  const failures: string[] = [];
  const asked = [...shares].map(async ([{ endpoint }, partitions]) => {
    try {
      const { status, body } = await ask(endpoint!, question.pathFor(partitions));
      if (status === 421 || status >= 500 || status === 401) {
        failures.push(`${endpoint} answered ${status}: ${(body as { readonly error?: string }).error}`);
        return [];
      }
      for (const partition of partitions) done.add(partition);
      return [question.read(status, body)];
    } catch (error) {
      failures.push((error as Error).message);
      return [];
    }
  });
  return { answers: (await Promise.all(asked)).flat(), done, failures };
}

/** Who is asked for which, among the others that can be asked. */
function byMember(
  { me, members }: GroupView,
  partitions: readonly number[],
  role: 'partitions' | 'standbys',
): ReadonlyMap<GroupMember, readonly number[]> {
  const shares = new Map<GroupMember, number[]>();
  for (const partition of partitions) {
    const member = members.find(
      each => each.memberId !== me.memberId && each.endpoint !== null && each[role].includes(partition),
    );
    if (member) shares.set(member, [...(shares.get(member) ?? []), partition]);
  }
  return shares;
}

const holderOf = ({ members }: GroupView, partition: number) =>
  members.find(({ partitions }) => partitions.includes(partition)) ?? null;

/** To whoever asked only here: where it is. */
function misdirected(group: GroupView, partitions: readonly number[]): Refusal {
  const [first] = partitions;
  const holder = holderOf(group, first!);
  if (holder?.memberId === group.me.memberId)
    return notNow(`partition ${first} is not ready here: a rebalance is under way`);
  return new Refusal(421, `partition ${first} is not here`, {
    fields: { partition: first, endpoint: holder?.endpoint ?? null },
  });
}

function unanswered(group: GroupView, partitions: readonly number[], failures: readonly string[]): Refusal {
  if (failures.length > 0) return notNow(failures.join('; '));
  const [first] = partitions;
  const holder = holderOf(group, first!);
  if (holder === null) return notNow(`partition ${first} is held by nobody: a rebalance is under way`);
  if (holder.memberId === group.me.memberId)
    return notNow(`partition ${first} is not ready here: a rebalance is under way`);
  return new Refusal(
    502,
    `partition ${first} is held by ${holder.memberId}, which says no address to ask it at`,
  );
}
