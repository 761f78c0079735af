import { describe, expect, it } from 'vitest';
import { outgoing, until, values } from './contract-bench.ts';
import { memoryLog } from './memory-log.ts';
import { logContract } from './port.contract.ts';

const log = memoryLog();
logContract('memoryLog', () => log.client());

describe('memoryLog', () => {
  it('stamps records with the time it is given', async () => {
    const fixed = memoryLog({ now: () => 42 });
    const client = fixed.client();
    await (await client.admin()).createTopics([{ topic: 'clocked', partitions: 1 }]);
    await (await client.producer()).send(outgoing('clocked', ['x']));
    expect(fixed.records('clocked')).toMatchObject([{ timestampMs: 42 }]);
  });

  it('is idle only when every consumer downstream has caught up', async () => {
    const chained = memoryLog();
    const client = chained.client();
    await (await client.admin()).createTopics(['a', 'b', 'c'].map(topic => ({ topic, partitions: 1 })));
    const producer = await client.producer();
    const copy = (from: string, to: string) =>
      client.consumer({ groupId: from, topics: [from], startFrom: 'earliest' }).run({
        async onBatch(batch) {
          await new Promise(resolve => setTimeout(resolve, 5));
          await producer.send(outgoing(to, values(batch.records) as string[]));
        },
      });
    await copy('a', 'b');
    await copy('b', 'c');
    await producer.send(outgoing('a', ['x', 'y']));
    await chained.idle();
    expect(values(chained.records('c'))).toEqual(['x', 'y']);
  });

  it('keeps what was sent although the sender reuses its buffer', async () => {
    const reused = memoryLog();
    const client = reused.client();
    await (await client.admin()).createTopics([{ topic: 'a', partitions: 1 }]);
    const buffer = Buffer.from('first');
    await (await client.producer()).send([{ topic: 'a', key: null, value: buffer }]);
    buffer.write('SECOND');
    expect(values(reused.records('a'))).toEqual(['first']);
  });

  it('leaves at kill what a killed process leaves: no callback, partitions to others, transactions open', async () => {
    const survived = memoryLog();
    const [killed, stays] = [survived.client(), survived.client()];
    await (await stays.admin()).createTopics([{ topic: 'a', partitions: 2 }]);
    const events: string[] = [];
    const consume = (client: typeof killed, name: string) =>
      client.consumer({ groupId: 'g', topics: ['a'], startFrom: 'earliest' }).run({
        onBatch: async () => {},
        onAssigned: async held => void events.push(`${name} has ${held.length}`),
        onRevoked: async () => void events.push(`${name} revoked`),
      });
    await consume(killed, 'killed');
    const open = await (await killed.transactionalProducer('id')).begin();
    await open.send(outgoing('a', ['open']));
    killed.kill();
    await expect(open.commit()).rejects.toThrow('closed');
    await consume(stays, 'other');
    await until('taken over', () => events.includes('other has 2'));
    expect(events).toEqual(['killed has 2', 'other has 2']);
    await (await stays.producer()).send(outgoing('a', ['after']));
    expect(survived.records('a')).toEqual([]);
    await stays.transactionalProducer('id');
    expect(values(survived.records('a'))).toEqual(['after']);
  });
});
