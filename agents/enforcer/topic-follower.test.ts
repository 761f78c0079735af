import { describe, expect, it } from 'vitest';
import { type LogClient, memoryLog } from '#kafka';
import { type EntityChange, localSerdes, withDefaults } from '#schemas';
import { TopicFollower } from './topic-follower.ts';

const topic = 'default.entities.v1';
const serdes = localSerdes();

const change = (name: string): EntityChange =>
  withDefaults('EntityChange', { cluster: 'c', kind: 'Pod', name, uid: name, op: 'ADDED', observedAt: 1 });

async function logWith(names: readonly (string | null)[]) {
  const log = memoryLog();
  const client = log.client();
  await (await client.admin()).createTopics([{ topic, partitions: 2 }]);
  const producer = await client.producer();
  const write = (values: readonly (string | null)[]) =>
    producer.send(
      values.map(name => ({
        topic,
        key: Buffer.from(`k-${name}`),
        value: name === null ? null : serdes.of('entities.v1').serialize(change(name)),
      })),
    );
  await write(names);
  return { client, producer, write };
}

function follow(client: LogClient) {
  const seen = { records: [] as string[], bad: [] as string[], caughtUpAfter: -1, retries: [] as string[] };
  const follower = new TopicFollower({
    client,
    serdes,
    name: 'entities.v1',
    topic,
    onRecord: (_, value) => seen.records.push(value?.name ?? 'tombstone'),
    onBatchEnd: () => {},
    onCaughtUp: () => {
      seen.caughtUpAfter = seen.records.length;
    },
    onBadRecord: ({ partition, offset }, error) => seen.bad.push(`${partition}/${offset} ${error.code}`),
    onRetry: error => seen.retries.push(error.code),
  });
  follower.start();
  return { follower, seen };
}

async function until(done: () => boolean): Promise<void> {
  for (let i = 0; i < 300 && !done(); i++) await new Promise(resolve => setTimeout(resolve, 10));
}

describe('following a compacted topic', () => {
  it('hands over what is there, says that it caught up, then hands over what comes', async () => {
    const { client, write } = await logWith(['a', 'b', 'c', null]);
    const { follower, seen } = follow(client);
    await until(() => seen.caughtUpAfter >= 0);
    expect(seen.caughtUpAfter).toBe(4);
    expect([...seen.records].sort()).toEqual(['a', 'b', 'c', 'tombstone']);
    await write(['d']);
    await until(() => seen.records.length === 5);
    expect(seen.records.at(-1)).toBe('d');
    await follower.close();
  });

  it('puts a corrupt record aside and goes on', async () => {
    const { client, producer, write } = await logWith(['a']);
    await producer.send([
      { topic, partition: 0, key: null, value: Buffer.from('garbage') },
      {
        topic,
        partition: 0,
        key: null,
        value: serdes.of('entities.v1').serialize(change('x')).subarray(0, 9),
      },
    ]);
    await write(['b']);
    const { follower, seen } = follow(client);
    await until(() => seen.caughtUpAfter >= 0);
    expect([...seen.records].sort()).toEqual(['a', 'b']);
    expect(seen.bad).toHaveLength(2);
    expect(seen.bad.join()).toMatch(/^0\/\d RECORD_\w+,0\/\d RECORD_\w+$/);
    await follower.close();
  });

  it('waits for a topic that is not there yet', async () => {
    const log = memoryLog();
    const client = log.client();
    const { follower, seen } = follow(client);
    await until(() => seen.retries.length > 0);
    expect(seen.retries[0]).toBe('TOPIC_UNKNOWN');
    await (await client.admin()).createTopics([{ topic, partitions: 1 }]);
    await until(() => seen.caughtUpAfter >= 0);
    expect(seen.caughtUpAfter).toBe(0);
    await follower.close();
  });

  it('reads on from where it stood when a read fails', async () => {
    const { client, write } = await logWith(['a', 'b']);
    let failures = 2;
    const shaky: LogClient = {
      ...client,
      async read(options) {
        const stopped = await client.read(options);
        if (options.to !== Number.MAX_SAFE_INTEGER && failures-- > 0) throw new Error('cut off');
        return stopped;
      },
    };
    const { follower, seen } = follow(shaky);
    await until(() => seen.caughtUpAfter >= 0);
    await write(['c']);
    await until(() => seen.records.length === 3);
    expect([...seen.records].sort()).toEqual(['a', 'b', 'c']);
    await follower.close();
  });
});
