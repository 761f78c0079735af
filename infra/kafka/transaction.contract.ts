import { expect, it } from 'vitest';
import { aWhile, type Bench, count, eventually, outgoing, until, values } from './contract-bench.ts';

/** What transactions are held to. */
export function transactionContract(bench: Bench): void {
  it('hands out a committed transaction whole, and nothing of an open or aborted one (P6)', async () => {
    const topic = await bench().topicOf(2);
    const producer = await bench().client().transactionalProducer(`${topic}-id`);
    const { records } = await bench().consume();
    const kept = await producer.begin();
    await kept.send([...outgoing(topic, ['a'], 0), ...outgoing(topic, ['b'], 1)]);
    await kept.send(outgoing(topic, ['c'], 0));
    await aWhile();
    expect(records).toEqual([]);
    await kept.commit();
    await until('committed records', () => records.length === 3);
    const dropped = await producer.begin();
    await dropped.send(outgoing(topic, ['dropped', 'dropped too'], 0));
    await dropped.abort();
    await bench().send(outgoing(topic, ['plain'], 0));
    await until('what comes after', () => records.length === 4);
    expect(values(records).sort()).toEqual(['a', 'b', 'c', 'plain']);
    await eventually(() => bench().readValues(), ['a', 'c', 'plain']);
  });

  it('tells where its records end, before it is committed', async () => {
    const topic = await bench().topicOf(1);
    await bench().send(outgoing(topic, ['before']));
    const producer = await bench().client().transactionalProducer(`${topic}-id`);
    const transaction = await producer.begin();
    expect(await transaction.send(outgoing(topic, ['a', 'b']))).toEqual([{ topic, partition: 0, end: 3 }]);
    expect(await transaction.send(outgoing(topic, ['c']))).toEqual([{ topic, partition: 0, end: 4 }]);
    await transaction.commit();
  });

  it('holds back what follows an open transaction until it ends (P6)', async () => {
    const topic = await bench().topicOf(1);
    const producer = await bench().client().transactionalProducer(`${topic}-id`);
    const transaction = await producer.begin();
    await transaction.send(outgoing(topic, ['dropped']));
    await bench().send(outgoing(topic, ['waits']));
    const { records } = await bench().consume();
    await aWhile();
    expect(records).toEqual([]);
    await transaction.abort();
    await until('the one that waited', () => records.length === 1);
    expect(values(records)).toEqual(['waits']);
  });

  it('tells interleaved aborted transactions apart from any position, whatever their keys (P6)', async () => {
    const topic = await bench().topicOf(1);
    const [one, two, three] = await Promise.all(
      ['one', 'two', 'three'].map(id => bench().client().transactionalProducer(`${topic}-${id}`)),
    );
    const [first, second, kept] = [await one!.begin(), await two!.begin(), await three!.begin()];
    // Four zero bytes are also what the record that ends an aborted transaction has for a key.
    const marked = (value: string) => ({ topic, key: Buffer.alloc(4), value: Buffer.from(value) });
    await first.send([marked('x0')]);
    await second.send([marked('x1')]);
    await kept.send([marked('kept')]);
    await first.send([marked('x3')]);
    await second.send([marked('x4')]);
    await second.abort();
    await first.send([marked('x6')]);
    await kept.commit();
    await first.abort();
    await bench().send([marked('end')]);
    for (const from of [0, 1, 2]) await eventually(() => bench().readValues(from), ['kept', 'end']);
    for (const from of [3, 4, 5, 6, 7, 8, 9]) expect(values(await bench().read(from))).toEqual(['end']);
    const { records } = await bench().consume();
    await until('both', () => records.length === 2);
    expect(values(records)).toEqual(['kept', 'end']);
  });

  it('moves past aborted records to the end of a partition, however many', async () => {
    const topic = await bench().topicOf(1);
    const producer = await bench().client().transactionalProducer(`${topic}-id`);
    const dropped = await producer.begin();
    const body = 'x'.repeat(100_000);
    for (let at = 0; at < 15; at += 1) await dropped.send(outgoing(topic, [`${at}${body}`, body]));
    await dropped.abort();
    const { records } = await bench().consume({ maxBytesPerPartition: 300_000 });
    await bench().send(outgoing(topic, ['end']));
    await until('the end', () => records.length === 1);
    expect(values(records)).toEqual(['end']);
  });

  it('takes one offset for the end of a transaction', async () => {
    const topic = await bench().topicOf(1);
    const producer = await bench().client().transactionalProducer(`${topic}-id`);
    const transaction = await producer.begin();
    await transaction.send(outgoing(topic, ['a', 'b']));
    await transaction.commit();
    await eventually(
      () =>
        bench()
          .client()
          .read({ topic, partition: 0, from: 0, onBatch: () => {} }),
      3,
    );
    expect(await bench().send(outgoing(topic, ['c']))).toMatchObject([{ end: 4 }]);
  });

  it('commits offsets with the transaction, or not at all', async () => {
    const topic = await bench().topicOf(1);
    const { groupId } = bench();
    const producer = await bench().client().transactionalProducer(`${topic}-id`);
    const kept = await producer.begin();
    await kept.send(outgoing(topic, ['a']));
    await kept.sendOffsets(groupId, [{ topic, partition: 0, offset: 7 }]);
    expect(await bench().committed()).toEqual([]);
    await kept.commit();
    await eventually(() => bench().committed(), [[0, 7]]);
    const dropped = await producer.begin();
    await dropped.sendOffsets(groupId, [{ topic, partition: 0, offset: 9 }]);
    await dropped.abort();
    await aWhile();
    expect(await bench().committed()).toEqual([[0, 7]]);
  });

  it('runs many transactions of one producer in a row', async () => {
    const topic = await bench().topicOf(2);
    const producer = await bench().client().transactionalProducer(`${topic}-id`);
    for (const value of count(20)) {
      const transaction = await producer.begin();
      await transaction.send(outgoing(topic, [value], Number(value) % 2));
      await transaction.sendOffsets(bench().groupId, [{ topic, partition: 0, offset: Number(value) }]);
      await transaction.commit();
    }
    await eventually(() => bench().committed(), [[0, 19]]);
    await bench().client().transactionalProducer(`${topic}-id`);
    expect(await bench().read(0, undefined, 0)).toHaveLength(10);
    expect(await bench().read(0, undefined, 1)).toHaveLength(10);
  });

  it('fences the earlier producer of an id and ends its transaction, before it is returned (P7)', async () => {
    const topic = await bench().topicOf(1);
    const { groupId } = bench();
    const old = await bench().client().transactionalProducer(`${topic}-id`);
    const left = await old.begin();
    await left.send(outgoing(topic, ['left open']));
    await left.sendOffsets(groupId, [{ topic, partition: 0, offset: 1 }]);
    const newer = await bench().client().transactionalProducer(`${topic}-id`);
    expect(await bench().committed()).toEqual([]);
    await bench().send(outgoing(topic, ['plain']));
    expect(values(await bench().read())).toEqual(['plain']);
    await expect(left.send(outgoing(topic, ['zombie']))).rejects.toMatchObject({ code: 'PRODUCER_FENCED' });
    await expect(left.commit()).rejects.toMatchObject({ code: 'PRODUCER_FENCED' });
    const transaction = await newer.begin();
    await transaction.send(outgoing(topic, ['mine']));
    await transaction.commit();
    await eventually(() => bench().readValues(), ['plain', 'mine']);
  });

  it('refuses the commit of a fenced producer', async () => {
    const topic = await bench().topicOf(1);
    const old = await bench().client().transactionalProducer(`${topic}-id`);
    const left = await old.begin();
    await left.send(outgoing(topic, ['left open']));
    await bench().client().transactionalProducer(`${topic}-id`);
    await expect(left.commit()).rejects.toMatchObject({ code: 'PRODUCER_FENCED' });
    await expect(old.begin()).rejects.toMatchObject({ code: 'PRODUCER_FENCED' });
    expect(await bench().read()).toEqual([]);
  });

  it('allows one open transaction, and nothing on one that has ended', async () => {
    const topic = await bench().topicOf(1);
    const producer = await bench().client().transactionalProducer(`${topic}-id`);
    const transaction = await producer.begin();
    await expect(producer.begin()).rejects.toMatchObject({ code: 'BUG' });
    await transaction.commit();
    await expect(transaction.send(outgoing(topic, ['late']))).rejects.toMatchObject({ code: 'BUG' });
    await (await producer.begin()).abort();
    expect(await bench().read()).toEqual([]);
  });

  it('aborts at close what is open', async () => {
    const topic = await bench().topicOf(1);
    const producer = await bench().client().transactionalProducer(`${topic}-id`);
    await (await producer.begin()).send(outgoing(topic, ['dropped']));
    await producer.close();
    await producer.close();
    await bench().send(outgoing(topic, ['plain']));
    await eventually(() => bench().readValues(), ['plain']);
  });

  it('refuses a record over the limit with VALUE_INVALID and lets the transaction go on', async () => {
    const topic = await bench().topicOf(1);
    const producer = await bench().client().transactionalProducer(`${topic}-id`);
    const transaction = await producer.begin();
    const large = outgoing(topic, ['x'.repeat(1_200_000)]);
    await expect(transaction.send(large)).rejects.toMatchObject({ code: 'VALUE_INVALID' });
    await transaction.send(outgoing(topic, ['small']));
    await transaction.commit();
    await eventually(() => bench().readValues(), ['small']);
  });
}
