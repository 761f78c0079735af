import { expect, it } from 'vitest';
import { aWhile, type Bench, count, eventually, outgoing, until, values } from './contract-bench.ts';
import type { LogBatch } from './port.ts';

/** What reading without a group is held to. */
export function readerContract(bench: Bench): void {
  it('reads a range and resolves with the next to read', async () => {
    const topic = await bench().topicOf(2);
    await bench().send([...outgoing(topic, count(10), 1), ...outgoing(topic, ['other'], 0)]);
    const seen: (string | null)[] = [];
    const range = { topic, partition: 1, from: 3, to: 6 };
    const client = bench().client();
    const stopped = await client.read({
      ...range,
      onBatch: batch => void seen.push(...values(batch.records)),
    });
    expect(seen).toEqual(['3', '4', '5']);
    expect(stopped).toBe(6);
    expect(values(await bench().read(8, undefined, 1))).toEqual(['8', '9']);
    expect(values(await bench().read(-5, 2, 1))).toEqual(['0', '1']);
  });

  it('reads many records in order, one batch at a time', async () => {
    const topic = await bench().topicOf(1);
    const producer = await bench().client().producer();
    const contents = count(5000);
    for (let at = 0; at < 5000; at += 1000)
      await producer.send(outgoing(topic, contents.slice(at, at + 1000)));
    let running = 0;
    let most = 0;
    const seen: (string | null)[] = [];
    const onBatch = async (batch: LogBatch) => {
      running += 1;
      most = Math.max(most, running);
      expect(batch.records.length).toBeGreaterThan(0);
      await new Promise(resolve => setImmediate(resolve));
      seen.push(...values(batch.records));
      running -= 1;
    };
    expect(await bench().client().read({ topic, partition: 0, from: 0, onBatch })).toBe(5000);
    expect(seen).toEqual(contents);
    expect(most).toBe(1);
  });

  it('resolves at once where there is nothing to read', async () => {
    const topic = await bench().topicOf(1);
    const fail = () => {
      throw new Error('no batch was expected');
    };
    const client = bench().client();
    expect(await client.read({ topic, partition: 0, from: 0, onBatch: fail })).toBe(0);
    await bench().send(outgoing(topic, ['a']));
    expect(await client.read({ topic, partition: 0, from: 1, onBatch: fail })).toBe(1);
  });

  it('stops at the readable end when a transaction is open, and past the end of those that are not', async () => {
    const topic = await bench().topicOf(1);
    const producer = await bench().client().transactionalProducer(`${topic}-id`);
    const kept = await producer.begin();
    await kept.send(outgoing(topic, ['a']));
    await kept.commit();
    const client = bench().client();
    const seen: (string | null)[] = [];
    const onBatch = (batch: LogBatch) => void seen.push(...values(batch.records));
    await eventually(() => client.read({ topic, partition: 0, from: 0, onBatch: () => {} }), 2);
    await (await producer.begin()).send(outgoing(topic, ['open']));
    expect(await client.read({ topic, partition: 0, from: 0, onBatch })).toBe(2);
    expect(seen).toEqual(['a']);
  });

  it('waits for records up to the end it was given', async () => {
    const topic = await bench().topicOf(1);
    await bench().send(outgoing(topic, ['a']));
    const reading = bench().read(0, 3);
    await aWhile();
    await bench().send(outgoing(topic, ['b', 'c', 'd']));
    expect(values(await reading)).toEqual(['a', 'b', 'c']);
  });

  it('ends when the signal says so, with the next to read', async () => {
    const topic = await bench().topicOf(1);
    await bench().send(outgoing(topic, ['a']));
    const stop = new AbortController();
    const range = { topic, partition: 0, from: 0, to: Number.MAX_SAFE_INTEGER };
    const reading = bench()
      .client()
      .read({ ...range, signal: stop.signal, onBatch: () => {} });
    await aWhile();
    stop.abort();
    expect(await reading).toBe(1);
  });

  it('ends with what its handler rejects with', async () => {
    const topic = await bench().topicOf(1);
    await bench().send(outgoing(topic, ['a']));
    const mistake = new TypeError('a mistake');
    const onBatch = () => Promise.reject(mistake);
    await expect(bench().client().read({ topic, partition: 0, from: 0, onBatch })).rejects.toBe(mistake);
  });

  it('rejects a topic or partition that is not there with TOPIC_UNKNOWN', async () => {
    await expect(bench().read()).rejects.toMatchObject({ code: 'TOPIC_UNKNOWN' });
    await bench().topicOf(1);
    await expect(bench().read(0, 1, 5)).rejects.toMatchObject({ code: 'TOPIC_UNKNOWN' });
  });

  it('does not touch any group', async () => {
    const topic = await bench().topicOf(1);
    await bench().send(outgoing(topic, count(3)));
    const { records, events } = await bench().consume();
    await until('all', () => records.length === 3);
    await bench().read();
    await aWhile();
    expect(events).toEqual(['assigned 1']);
    expect(await bench().committed()).toEqual([]);
  });
}
