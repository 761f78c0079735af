import { expect, it } from 'vitest';
import { aWhile, type Bench, count, outgoing, until, values } from './contract-bench.ts';
import type { LogBatch, TopicPartition } from './port.ts';

const after = (batch: LogBatch) => ({ ...batch.records[0]!, offset: batch.records.at(-1)!.offset + 1 });

/** What consumers of one group are held to among each other. */
export function groupContract(bench: Bench): void {
  it('gives each partition to one member, the same number of each topic to the same one', async () => {
    const topic = await bench().topicOf(4);
    const other = await bench().topicOf(4, `${topic}-other`);
    const topics = [topic, other];
    const first = await bench().consume({ topics });
    const second = await bench().consume({ topics });
    await until('four each', () => first.held.length === 4 && second.held.length === 4);
    const numbers = (held: readonly TopicPartition[], of: string) =>
      held.filter(at => at.topic === of).map(at => at.partition);
    for (const { held } of [first, second]) expect(numbers(held, topic)).toEqual(numbers(held, other));
    const all = [...numbers(first.held, topic), ...numbers(second.held, topic)];
    expect(all.sort()).toEqual([0, 1, 2, 3]);
  });

  it('lets a member commit before its partitions go to another, so that nothing is handled twice (P5)', async () => {
    const topic = await bench().topicOf(4);
    const producer = await bench().client().producer();
    const keys = count(40).map(at => ({ topic, key: Buffer.from(at), value: Buffer.from(at) }));
    await producer.send(keys);
    const log: string[] = [];
    const next = new Map<number, number>();
    const first = await bench().consume(
      {},
      {
        onBatch: async batch => void next.set(batch.partition, after(batch).offset),
        async onRevoked() {
          await new Promise(resolve => setTimeout(resolve, 100));
          const offsets = [...next].map(([partition, offset]) => ({ topic, partition, offset }));
          await first.consumer.commit(offsets);
          next.clear();
          log.push('first gave up');
        },
      },
    );
    await until('all by the first', () => first.records.length === 40);
    const second = await bench().consume({}, { onAssigned: async () => void log.push('second took over') });
    await until('both hold two', () => first.held.length === 2 && second.held.length === 2);
    expect(log).toEqual(['first gave up', 'second took over']);
    await producer.send(keys);
    await until('the rest', () => first.records.length + second.records.length >= 80);
    await aWhile();
    expect(first.records.length + second.records.length).toBe(80);
    expect(second.records.length).toBeGreaterThan(0);
  });

  it('waits for a running handler before it revokes, and tells it that it is stale', async () => {
    const topic = await bench().topicOf(2);
    await bench().send(outgoing(topic, ['x']));
    const log: string[] = [];
    const first = await bench().consume(
      {},
      {
        async onBatch(_batch, context) {
          log.push('handling');
          await until('stale', () => context.isStale());
          await new Promise(resolve => setTimeout(resolve, 50));
          log.push('handled');
        },
        onRevoked: async () => void log.push('revoked'),
      },
    );
    await until('handling', () => log.length === 1);
    const second = await bench().consume();
    await until('one each', () => first.held.length === 1 && second.held.length === 1);
    expect(log.slice(0, 3)).toEqual(['handling', 'handled', 'revoked']);
  });

  it('gives the partitions of a member that closes to those that stay', async () => {
    const topic = await bench().topicOf(2);
    const first = await bench().consume();
    const second = await bench().consume();
    await until('one each', () => first.held.length === 1 && second.held.length === 1);
    await first.consumer.close();
    await until('both', () => second.held.length === 2);
    await bench().send([...outgoing(topic, ['a'], 0), ...outgoing(topic, ['b'], 1)]);
    await until('both records', () => second.records.length === 2);
    expect(first.records).toEqual([]);
  });

  it('assigns nothing to a member too many, and says so', async () => {
    await bench().topicOf(1);
    const first = await bench().consume();
    const second = await bench().consume();
    await until('both assigned', () => first.events.length >= 3 && second.events.length >= 1);
    expect([first.held.length, second.held.length].sort()).toEqual([0, 1]);
  });

  it('rejects a commit for a partition that is not held with REBALANCED', async () => {
    const topic = await bench().topicOf(2);
    const first = await bench().consume();
    const second = await bench().consume();
    await until('one each', () => first.held.length === 1 && second.held.length === 1);
    const [foreign] = second.held;
    await expect(first.consumer.commit([{ ...foreign!, offset: 1 }])).rejects.toMatchObject({
      code: 'REBALANCED',
    });
    expect(await bench().committed()).toEqual([]);
    await second.consumer.commit([{ ...foreign!, offset: 1 }]);
    expect(await bench().committed()).toEqual([[foreign!.partition, 1]]);
    void topic;
  });

  it('looks up the committed offsets only after onAssigned', async () => {
    const topic = await bench().topicOf(1);
    await bench().send(outgoing(topic, count(4)));
    const { records } = await bench().consume(
      {},
      {
        async onAssigned() {
          const producer = await bench().client().transactionalProducer(`${topic}-id`);
          const transaction = await producer.begin();
          await transaction.sendOffsets(bench().groupId, [{ topic, partition: 0, offset: 2 }]);
          await transaction.commit();
          await bench().client().transactionalProducer(`${topic}-id`);
        },
      },
    );
    await until('the rest', () => records.length >= 2);
    expect(values(records)).toEqual(['2', '3']);
  });

  it('keeps two groups apart', async () => {
    const topic = await bench().topicOf(1);
    await bench().send(outgoing(topic, count(3)));
    const one = await bench().consume({ groupId: `${topic}-one` });
    const two = await bench().consume({ groupId: `${topic}-two` });
    await until('both have all', () => one.records.length === 3 && two.records.length === 3);
    await one.consumer.commit([{ topic, partition: 0, offset: 3 }]);
    expect(await bench().committed(`${topic}-two`)).toEqual([]);
  });
}
