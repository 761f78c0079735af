import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { kafkaClient, partitionOf } from '#kafka';

const bootstrapServers = inject('bootstrapServers');
const program = fileURLToPath(new URL('./counting-member.ts', import.meta.url));
const partitions = 4;
const keys = Array.from({ length: 40 }, (_, i) => `key-${String(i).padStart(2, '0')}`);
const headers = { authorization: 'Bearer of the test' };

interface Member {
  readonly child: ChildProcess;
  readonly endpoint: string;
}

interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: what is in it is what is tested
  readonly body: any;
}

describe('members on a real broker', () => {
  const ending: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const end of ending.splice(0).reverse()) await end();
  });

  const setUp = async (standbys: number) => {
    const name = `asked-${crypto.randomUUID()}`;
    const client = kafkaClient({ bootstrapServers, clientId: `${name}-test` });
    ending.push(() => client.close());
    const admin = await client.admin();
    await admin.createTopics(['words', 'dead'].map(topic => ({ topic: `${name}-${topic}`, partitions })));
    const producer = await client.producer();
    const send = () =>
      producer.send(
        keys.map(key => ({
          ...{ topic: `${name}-words`, key: Buffer.from(key), value: Buffer.from('x') },
          timestampMs: 1_700_000_000_000,
        })),
      );
    const start = async (): Promise<Member> => {
      const child = spawn(process.execPath, [program, bootstrapServers, name, String(standbys)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      ending.push(async () => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        child.kill('SIGKILL');
        await once(child, 'exit');
      });
      const [line] = (await once(child.stdout!, 'data')) as [Buffer];
      return { child, endpoint: line.toString().trim() };
    };
    return { send, start };
  };

  const ask = async ({ endpoint }: Member, path: string): Promise<Answer> => {
    const response = await fetch(`http://${endpoint}${path}`, { headers });
    return { status: response.status, body: await response.json() };
  };
  const groupOf = async (members: readonly Member[]) => {
    const seen = async (member: Member) => {
      const { body } = await ask(member, '/group');
      const held = body.group?.members.flatMap((each: { partitions: number[] }) => each.partitions) ?? [];
      return { state: body.state, members: body.group?.members.length, held: held.toSorted() };
    };
    await expect
      .poll(() => Promise.all(members.map(seen)), { timeout: 40_000 })
      .toEqual(members.map(() => ({ state: 'running', members: members.length, held: [0, 1, 2, 3] })));
  };
  /** The count of each key through a member, or the status of what was not answered. */
  const countsOf = async (member: Member, path = '/stores/counts/keys/') => {
    const answers = await Promise.all(keys.map(key => ask(member, `${path}${key}`)));
    return answers.map(({ status, body }) =>
      status === 200 ? (body.value ?? body.entries[0].value) : status,
    );
  };
  const all = (value: number) => keys.map(() => value);

  it('answer for every key, wherever it is, and again after one was killed', async () => {
    const { send, start } = await setUp(0);
    const [one, two] = [await start(), await start()];
    await groupOf([one, two]);
    for (let i = 0; i < 3; i += 1) await send();
    for (const member of [one, two]) {
      await expect.poll(() => countsOf(member)).toEqual(all(3));
      await expect.poll(() => countsOf(member, '/stores/windows/windows/')).toEqual(all(3));
      const whole = await ask(member, '/stores/counts?limit=1000');
      expect(whole.body.entries.map(({ key }: { key: string }) => key)).toEqual(keys);
    }
    two.child.kill('SIGKILL');
    await once(two.child, 'exit');
    // Until the group has noticed, what the other held is answered with 503, never with a wrong value.
    expect(new Set(await countsOf(one))).toEqual(new Set([3, 503]));
    await expect.poll(() => countsOf(one), { timeout: 40_000 }).toEqual(all(3));
    await send();
    await expect.poll(() => countsOf(one)).toEqual(all(4));
  }, 120_000);

  it('answer from a copy where a stale answer will do', async () => {
    const { send, start } = await setUp(1);
    const [one, two] = [await start(), await start()];
    await groupOf([one, two]);
    await send();
    await expect.poll(() => countsOf(one)).toEqual(all(1));
    const { body } = await ask(one, '/group');
    const key = keys.find(
      each => !body.group.me.partitions.includes(partitionOf(Buffer.from(each), partitions)),
    )!;
    const path = `/stores/counts/keys/${key}`;
    await expect
      .poll(async () => (await ask(one, `${path}?stale=ok&local`)).body)
      .toMatchObject({ value: 1, role: 'standby', lagRecords: null });
    expect(await ask(one, `${path}?local`)).toMatchObject({ status: 421, body: { endpoint: two.endpoint } });
    two.child.kill('SIGKILL');
    await once(two.child, 'exit');
    const counts = await Promise.all(keys.map(each => ask(one, `/stores/counts/keys/${each}?stale=ok`)));
    expect(counts.map(each => each.body.value)).toEqual(all(1));
  }, 120_000);
});
