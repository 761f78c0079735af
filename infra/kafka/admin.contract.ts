import { expect, it } from 'vitest';
import { SluiceError } from '#errors';
import { type Bench, count, eventually, outgoing } from './contract-bench.ts';

/** What an admin and a client are held to. */
export function adminContract(bench: Bench): void {
  it('creates what is missing and names it', async () => {
    const admin = await bench().client().admin();
    const [one, two] = [`${bench().topic}-one`, `${bench().topic}-two`];
    expect(await admin.createTopics([{ topic: one, partitions: 2 }])).toEqual([one]);
    const both = [one, two].map(topic => ({ topic, partitions: 3, config: { 'cleanup.policy': 'compact' } }));
    expect(await admin.createTopics(both)).toEqual([two]);
    expect(await admin.createTopics(both)).toEqual([]);
    expect(await admin.offsets(one)).toHaveLength(2);
    expect(await admin.listTopics()).toEqual(expect.arrayContaining([one, two]));
    await admin.deleteTopics([one, `${one}-never-was`]);
    expect(await admin.listTopics()).not.toContain(one);
    await admin.deleteTopics([two]);
  });

  it('tells the range of each partition', async () => {
    const topic = await bench().topicOf(2);
    await bench().send(outgoing(topic, count(3), 1));
    const admin = await bench().client().admin();
    expect(await admin.offsets(topic)).toEqual([
      { topic, partition: 0, earliest: 0, latest: 0 },
      { topic, partition: 1, earliest: 0, latest: 3 },
    ]);
    await expect(admin.offsets(`${topic}-missing`)).rejects.toMatchObject({ code: 'TOPIC_UNKNOWN' });
  });

  it('finds the first offset at or after a time, the end where there is none', async () => {
    const topic = await bench().topicOf(2);
    const at = (timestampMs: number) => ({ ...outgoing(topic, ['x'])[0]!, timestampMs });
    await bench().send([at(1_000_000), at(2_000_000), at(3_000_000)]);
    const admin = await bench().client().admin();
    const offsets = async (timestampMs: number) =>
      (await admin.offsetsForTime(topic, timestampMs)).map(({ partition, offset }) => [partition, offset]);
    expect(await offsets(0)).toEqual([
      [0, 0],
      [1, 0],
    ]);
    expect(await offsets(2_000_000)).toEqual([
      [0, 1],
      [1, 0],
    ]);
    expect(await offsets(2_000_001)).toEqual([
      [0, 2],
      [1, 0],
    ]);
    expect(await offsets(3_000_001)).toEqual([
      [0, 3],
      [1, 0],
    ]);
  });

  it('tells the committed offsets of a group, leaving out partitions without one', async () => {
    const topic = await bench().topicOf(3);
    const producer = await bench().client().transactionalProducer(`${topic}-id`);
    const transaction = await producer.begin();
    await transaction.sendOffsets(bench().groupId, [{ topic, partition: 2, offset: 5 }]);
    await transaction.commit();
    await eventually(() => bench().committed(), [[2, 5]]);
    expect(await bench().committed(`${topic}-never-was`)).toEqual([]);
  });

  it('closes all it handed out, twice without harm', async () => {
    const topic = await bench().topicOf(1);
    const client = bench().client();
    const producer = await client.producer();
    const consumer = client.consumer({ groupId: bench().groupId, topics: [topic], startFrom: 'earliest' });
    const events: string[] = [];
    await consumer.run({ onBatch: async () => {}, onRevoked: async () => void events.push('revoked') });
    await client.close();
    await client.close();
    expect(events).toEqual(['revoked']);
    await expect(producer.send(outgoing(topic, ['late']))).rejects.toBeInstanceOf(SluiceError);
  });
}
