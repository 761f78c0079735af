import { describe, expect, it } from 'vitest';
import type { GroupMember } from '#kafka';
import { gather, type Question } from './gather.ts';
import type { AskPeer } from './peers.ts';
import type { QuerySource } from './query-source.ts';

const member = (memberId: string, partitions: number[], standbys: number[] = []): GroupMember => ({
  ...{ memberId, partitions, standbys, endpoint: `${memberId}:1` },
});
const me = member('me', [0], [1]);

interface Setting {
  readonly members?: readonly GroupMember[];
  /** What this process has, by partition. */
  readonly here?: Readonly<Record<number, 'active' | 'standby'>>;
  /** What others answer, by endpoint; one that is not there does not answer. */
  readonly answers?: Readonly<Record<string, number>>;
  readonly question?: Partial<Question<string>>;
}

/** What is answered for all the question's partitions, and who was asked for what. */
async function ask({ members = [me, member('two', [1]), member('three', [2], [1])], ...setting }: Setting) {
  const { here = { 0: 'active', 1: 'standby' }, answers = { 'two:1': 200, 'three:1': 200 } } = setting;
  const asked: string[] = [];
  const source = {
    applicationId: 'app',
    group: () => ({ me, members }),
    roleOf: (_: string, partition: number) => here[partition] ?? null,
    store: (_: string, partition: number) => `store ${partition}`,
  } as unknown as QuerySource;
  const peers: AskPeer = async (endpoint, path) => {
    asked.push(`${endpoint} ${path}`);
    const status = answers[endpoint];
    if (status === undefined) throw new Error(`${endpoint} does not answer`);
    return { status, body: status === 200 ? `${endpoint}` : { error: 'not here' } };
  };
  const found = await gather(
    { source, ask: peers },
    {
      ...{ store: 'counts', partitions: [0, 1, 2], isLocal: false, isStaleOk: false },
      here: parts => `here ${parts.map(({ partition, role }) => `${partition} ${role}`).join(' ')}`,
      pathFor: partitions => `/${partitions}`,
      read: (_, body) => body as string,
      ...setting.question,
    },
  );
  return { found, asked };
}

describe('a question for partitions', () => {
  it('is answered here for what is here, and by each of the others for what it holds', async () => {
    expect(await ask({})).toEqual({
      found: ['here 0 active', 'two:1', 'three:1'],
      asked: ['two:1 /1', 'three:1 /2'],
    });
  });

  it('is answered by a copy here when that will do, without asking the holder', async () => {
    expect(await ask({ question: { isStaleOk: true } })).toEqual({
      ...{ found: ['here 0 active 1 standby', 'three:1'], asked: ['three:1 /2'] },
    });
  });

  it('is answered by a copy elsewhere when that will do and the holder does not answer', async () => {
    const setting = { here: { 0: 'active' as const }, answers: { 'three:1': 200 } };
    const { found, asked } = await ask({ ...setting, question: { isStaleOk: true } });
    expect(found).toEqual(['here 0 active', 'three:1', 'three:1']);
    expect(asked).toEqual(['two:1 /1', 'three:1 /2', 'three:1 /1']);
    await expect(ask(setting)).rejects.toMatchObject({
      ...{ status: 503, headers: { 'retry-after': '1' }, message: 'two:1 does not answer' },
    });
  });

  it.each([421, 500, 503, 401])('is not answered by a holder that says %i', async status => {
    await expect(ask({ answers: { 'two:1': status, 'three:1': 200 } })).rejects.toMatchObject({
      ...{ status: 503, message: `two:1 answered ${status}: not here` },
    });
  });

  it('waits for a rebalance where nobody holds a partition, or this process does not process it yet', async () => {
    await expect(ask({ members: [me, member('two', [1])] })).rejects.toMatchObject({
      ...{ status: 503, message: expect.stringContaining('partition 2 is held by nobody') },
    });
    const states: readonly NonNullable<Setting['here']>[] = [{}, { 0: 'standby' }];
    for (const here of states)
      await expect(ask({ here, question: { partitions: [0] } })).rejects.toMatchObject({
        ...{ status: 503, message: expect.stringContaining('partition 0 is not ready here') },
      });
  });

  it('cannot be asked of a holder that says no address', async () => {
    const silent = { ...member('two', [1]), endpoint: null };
    await expect(ask({ members: [me, silent], question: { partitions: [1] } })).rejects.toMatchObject({
      ...{ status: 502, message: expect.stringContaining('two') },
    });
  });

  it('that is to be answered here is refused with where it is', async () => {
    await expect(ask({ question: { isLocal: true } })).rejects.toMatchObject({
      ...{ status: 421, fields: { partition: 1, endpoint: 'two:1' } },
    });
    const here = { isLocal: true, partitions: [0] };
    expect(await ask({ question: here })).toEqual({ found: ['here 0 active'], asked: [] });
  });
});
