import { expect, it } from 'vitest';
import { SluiceError } from '#errors';
import { type Bench, count, eventually, outgoing, until, values } from './contract-bench.ts';
import { numbersOf } from './group-members.ts';

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

  it('deletes the records before an offset for good, and nothing where it is told an offset past the end', async () => {
    const topic = await bench().topicOf(2);
    await bench().send([...outgoing(topic, count(5), 0), ...outgoing(topic, count(4), 1)]);
    const admin = await bench().client().admin();
    await admin.deleteRecords([
      { topic, partition: 0, offset: 3 },
      { topic, partition: 1, offset: 4 },
    ]);
    const range = { topic, partition: 0, earliest: 3, latest: 5 };
    const ranges = [range, { ...range, partition: 1, earliest: 4, latest: 4 }];
    expect(await admin.offsets(topic)).toEqual(ranges);
    expect(await bench().readValues()).toEqual(['3', '4']);
    await admin.deleteRecords([{ topic, partition: 0, offset: 1 }]);
    await expect(admin.deleteRecords([{ topic, partition: 0, offset: 6 }])).rejects.toMatchObject({
      code: 'BROKER_REFUSED',
    });
    const missing = [{ topic: `${topic}-missing`, partition: 0, offset: 0 }];
    await expect(admin.deleteRecords(missing)).rejects.toMatchObject({ code: 'TOPIC_UNKNOWN' });
    expect(await admin.offsets(topic)).toEqual(ranges);
    const { records } = await bench().consume();
    await until('what is left', () => records.length === 2);
    expect(values(records)).toEqual(['3', '4']);
  });

  it('describes a group with what its members hold, copy and where they answer', async () => {
    await bench().topicOf(3);
    const { groupId } = bench();
    const admin = await bench().client().admin();
    expect(await admin.group(groupId)).toBeNull();
    expect(await admin.groups()).not.toContain(groupId);
    const member = () => ({ endpoint: 'here:1', warm: [] });
    const one = await bench().consume({ standbys: 1, member });
    const two = await bench().consume({ standbys: 1 });
    await until('both', () => one.held.length + two.held.length === 3 && two.held.length > 0);
    const group = (await admin.group(groupId))!;
    expect(await admin.groups()).toContain(groupId);
    expect(group).toMatchObject({ groupId, state: 'Stable' });
    const told = group.members.map(({ clientId: _, host, holds, ...rest }) => {
      expect(host).not.toBe('');
      expect(numbersOf(holds)).toEqual(rest.partitions);
      return rest;
    });
    expect(told).toEqual(one.group!.members);
    await one.consumer.commit([{ ...one.held[0]!, offset: 0 }]);
    await Promise.all([one.consumer.close(), two.consumer.close()]);
    expect(await admin.group(groupId)).toEqual({ groupId, state: 'Empty', members: [] });
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
