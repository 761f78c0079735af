/**
 * The applications of #streams that a cluster knows: their groups, how far behind they are, and what their processes say of
 * themselves where they answer.
 */

import type { GroupDescription, LogAdmin, LogClient, MemberDescription, PartitionRange } from '#kafka';
import { type AskProcess, type ProcessFigures, processFigures } from './process-figures.ts';

export interface TopicLag {
  readonly topic: string;
  /** Between what is committed and the end, over all partitions; the marks of transactions are counted with them. */
  readonly records: number;
}

export interface MemberStatus {
  readonly memberId: string;
  readonly clientId: string;
  readonly host: string;
  readonly endpoint: string | null;
  readonly partitions: readonly number[];
  readonly standbys: readonly number[];
  /** What its process says; null where it has no endpoint, or does not answer there. */
  readonly process: ProcessFigures | null;
  /** Why its process says nothing. */
  readonly silence: string | null;
}

export interface ApplicationStatus {
  readonly application: string;
  /** Of the group, in words of Kafka. */
  readonly state: string;
  readonly members: readonly MemberStatus[];
  readonly lag: readonly TopicLag[];
}

/** By name. A process that does not answer is told as such. Errors: those of the broker. */
export async function applications(
  client: LogClient,
  ask: AskProcess,
): Promise<readonly ApplicationStatus[]> {
  const admin = await client.admin();
  try {
    const topics = (await admin.listTopics()).filter(topic => !topic.startsWith('__'));
    const groups = await Promise.all((await admin.groups()).map(id => admin.group(id)));
    const ours = groups.filter(group => group !== null && isOurs(group, topics)) as GroupDescription[];
    return await Promise.all(
      ours.map(async (group): Promise<ApplicationStatus> => {
        const [lag, ...members] = await Promise.all([
          lagOf(admin, group, topics),
          ...group.members.map(member => memberStatus(member, ask)),
        ]);
        return { application: group.groupId, state: group.state, members, lag };
      }),
    );
  } finally {
    await admin.close();
  }
}

/** Some other consumer's group has neither members that answer questions nor topics of its own. */
function isOurs({ groupId, members }: GroupDescription, topics: readonly string[]): boolean {
  return (
    members.some(({ endpoint }) => endpoint !== null) ||
    topics.some(
      topic => topic.startsWith(`${groupId}-`) && /-(checkpoints|changelog|repartition)$/.test(topic),
    )
  );
}

async function memberStatus(member: MemberDescription, ask: AskProcess): Promise<MemberStatus> {
  const { memberId, clientId, host, endpoint, partitions, standbys } = member;
  const about = { memberId, clientId, host, endpoint, partitions, standbys };
  if (endpoint === null) return { ...about, process: null, silence: 'it tells no endpoint' };
  try {
    return { ...about, process: processFigures(await ask(endpoint)), silence: null };
  } catch (error) {
    return { ...about, process: null, silence: (error as Error).message };
  }
}

async function lagOf(
  admin: LogAdmin,
  { groupId, members }: GroupDescription,
  topics: readonly string[],
): Promise<readonly TopicLag[]> {
  const committed = await admin.committed(groupId, topics);
  const positions = new Map(
    committed.map(({ topic, partition, offset }) => [`${topic}/${partition}`, offset]),
  );
  const held = members.flatMap(({ holds }) => holds);
  const concerned = new Set(held.map(({ topic, partition }) => `${topic}/${partition}`));
  for (const place of positions.keys()) concerned.add(place);
  const names = new Set([...committed, ...held].map(({ topic }) => topic));
  const lag = await Promise.all(
    [...names].sort().map(async topic => {
      const ranges = await admin.offsets(topic);
      const records = ranges
        .filter(({ partition }) => concerned.has(`${topic}/${partition}`))
        .reduce((sum, range) => sum + behind(range, positions), 0);
      return { topic, records };
    }),
  );
  return lag;
}

/** Nothing committed is nothing read: applications begin at the start. */
function behind(
  { topic, partition, earliest, latest }: PartitionRange,
  positions: ReadonlyMap<string, number>,
): number {
  return Math.max(0, latest - Math.max(earliest, positions.get(`${topic}/${partition}`) ?? earliest));
}
