import { expect, it } from 'vitest';
import { SluiceError } from '#errors';
import { aWhile, type Bench, count, outgoing, until, values } from './contract-bench.ts';

/** What one consumer is held to. */
export function consumerContract(bench: Bench): void {
  it('never runs a handler concurrently for one partition, nor fetches on before it resolves (P3)', async () => {
    const topic = await bench().topicOf(3);
    const running = new Map<number, number>();
    let most = 0;
    let together = 0;
    const { records } = await bench().consume(
      { partitionsAtOnce: 3, maxBytesPerPartition: 100 },
      {
        async onBatch({ partition }) {
          running.set(partition, (running.get(partition) ?? 0) + 1);
          most = Math.max(most, running.get(partition)!);
          together = Math.max(together, [...running.values()].filter(at => at > 0).length);
          // Unequal, so that one ends while the other runs.
          await new Promise(resolve => setTimeout(resolve, partition === 0 ? 40 : 15));
          running.set(partition, running.get(partition)! - 1);
        },
      },
    );
    const producer = await bench().client().producer();
    for (const value of count(10)) {
      await producer.send([...outgoing(topic, [value], 0), ...outgoing(topic, [value], 1)]);
    }
    await until('all records', () => records.length === 20);
    expect(most).toBe(1);
    expect(together).toBe(2);
    for (const partition of [0, 1]) {
      expect(values(records.filter(record => record.partition === partition))).toEqual(count(10));
    }
  });

  it('runs one handler at a time unless told otherwise', async () => {
    const topic = await bench().topicOf(3);
    await bench().send([0, 1, 2].flatMap(partition => outgoing(topic, ['a', 'b'], partition)));
    let running = 0;
    let most = 0;
    const { records } = await bench().consume(
      {},
      {
        async onBatch() {
          running += 1;
          most = Math.max(most, running);
          await new Promise(resolve => setTimeout(resolve, 10));
          running -= 1;
        },
      },
    );
    await until('all records', () => records.length === 6);
    expect(most).toBe(1);
  });

  it('commits nothing by itself, and what commit says is the next to read (P4)', async () => {
    const topic = await bench().topicOf(1);
    await bench().send(outgoing(topic, count(5)));
    const first = await bench().consume();
    await until('five', () => first.records.length === 5);
    expect(await bench().committed()).toEqual([]);
    await first.consumer.commit([{ topic, partition: 0, offset: 3 }]);
    expect(await bench().committed()).toEqual([[0, 3]]);
    await first.consumer.close();
    expect(await bench().committed()).toEqual([[0, 3]]);
    const second = await bench().consume();
    await until('two', () => second.records.length === 2);
    expect(values(second.records)).toEqual(['3', '4']);
  });

  it('starts a new group at the earliest or the latest record, as told', async () => {
    const topic = await bench().topicOf(1);
    await bench().send(outgoing(topic, ['old']));
    const latest = await bench().consume({ startFrom: 'latest', groupId: `${topic}-latest` });
    const earliest = await bench().consume({ startFrom: 'earliest', groupId: `${topic}-earliest` });
    await until('the old record', () => earliest.records.length === 1);
    await aWhile();
    await bench().send(outgoing(topic, ['new']));
    await until('the new record', () => latest.records.length === 1 && earliest.records.length === 2);
    expect(values(latest.records)).toEqual(['new']);
  });

  it('tells the end of the partition with each batch', async () => {
    const topic = await bench().topicOf(1);
    await bench().send(outgoing(topic, count(7)));
    const ends: number[] = [];
    const { records } = await bench().consume(
      {},
      { onBatch: async batch => void ends.push(batch.highWatermark) },
    );
    await until('all', () => records.length === 7);
    expect(ends.at(-1)).toBe(7);
  });

  it('reads again from where seek moved it, without touching the committed offset', async () => {
    const topic = await bench().topicOf(1);
    await bench().send(outgoing(topic, count(4)));
    const { consumer, records } = await bench().consume();
    await until('all', () => records.length === 4);
    consumer.seek({ topic, partition: 0, offset: 2 });
    await until('two again', () => records.length === 6);
    expect(values(records).slice(4)).toEqual(['2', '3']);
    expect(await bench().committed()).toEqual([]);
  });

  it('takes the position seek gives in onAssigned', async () => {
    const topic = await bench().topicOf(1);
    await bench().send(outgoing(topic, count(4)));
    const consumer = bench()
      .client()
      .consumer({ groupId: bench().groupId, topics: [topic], startFrom: 'earliest', maxWaitMs: 100 });
    const seen: (string | null)[] = [];
    await consumer.run({
      onAssigned: async () => consumer.seek({ topic, partition: 0, offset: 3 }),
      onBatch: async batch => void seen.push(...values(batch.records)),
    });
    await until('the last record', () => seen.length > 0);
    await aWhile();
    expect(seen).toEqual(['3']);
  });

  it('hands out the position of a seek made inside the handler, whose context is stale from then on', async () => {
    const topic = await bench().topicOf(1);
    await bench().send(outgoing(topic, count(3)));
    const stale: boolean[] = [];
    const seen = await bench().consume(
      {},
      {
        async onBatch(_batch, context) {
          if (stale.length === 0) seenConsumer().seek({ topic, partition: 0, offset: 1 });
          stale.push(context.isStale());
        },
      },
    );
    function seenConsumer() {
      return seen.consumer;
    }
    await until('two batches', () => seen.records.length === 5);
    expect(values(seen.records)).toEqual(['0', '1', '2', '1', '2']);
    expect(stale).toEqual([true, false]);
  });

  it('hands out nothing of a paused partition until it is resumed', async () => {
    const topic = await bench().topicOf(2);
    const { consumer, records, events } = await bench().consume();
    await until('assigned', () => events.length > 0);
    consumer.pause([{ topic, partition: 0 }]);
    await bench().send([...outgoing(topic, ['held'], 0), ...outgoing(topic, ['flows'], 1)]);
    await until('the other partition', () => records.length === 1);
    await aWhile();
    expect(values(records)).toEqual(['flows']);
    consumer.resume([{ topic, partition: 0 }]);
    await until('the resumed one', () => records.length === 2);
    expect(values(records)).toEqual(['flows', 'held']);
  });

  it('rejects run on a topic that is not there with TOPIC_UNKNOWN', async () => {
    await expect(bench().consume()).rejects.toMatchObject({ code: 'TOPIC_UNKNOWN' });
  });

  it('closes twice without harm, revoking once', async () => {
    await bench().topicOf(1);
    const { consumer, events } = await bench().consume();
    await until('assigned', () => events.length === 1);
    await Promise.all([consumer.close(), consumer.close()]);
    await consumer.close();
    expect(events).toEqual(['assigned 1', 'revoked 1']);
  });

  it('waits at close for the running handler, whose context says to stop', async () => {
    const topic = await bench().topicOf(1);
    await bench().send(outgoing(topic, ['x']));
    let done = false;
    const { consumer, events } = await bench().consume(
      {},
      {
        async onBatch(_batch, context) {
          await until('told to stop', () => context.isStale());
          done = true;
        },
      },
    );
    await aWhile();
    await consumer.close();
    expect(done).toBe(true);
    expect(events).toEqual(['assigned 1', 'revoked 1']);
  });

  it('still commits in the onRevoked that close brings', async () => {
    const topic = await bench().topicOf(1);
    await bench().send(outgoing(topic, count(3)));
    const seen = await bench().consume(
      {},
      { onRevoked: () => seen.consumer.commit([{ topic, partition: 0, offset: 3 }]) },
    );
    await until('all', () => seen.records.length === 3);
    await seen.consumer.close();
    expect(await bench().committed()).toEqual([[0, 3]]);
    await expect(seen.consumer.commit([{ topic, partition: 0, offset: 1 }])).rejects.toBeInstanceOf(
      SluiceError,
    );
  });
}
