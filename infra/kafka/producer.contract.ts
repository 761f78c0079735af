import { expect, it } from 'vitest';
import { type Bench, count, outgoing, text, until, values } from './contract-bench.ts';
import { partitionOf } from './murmur2.ts';

/** What a producer is held to. */
export function producerContract(bench: Bench): void {
  it('delivers key, value, headers and timestamp byte for byte (P1)', async () => {
    const topic = await bench().topicOf(1);
    const every = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    const headers = { 'content-type': Buffer.from('application/avro'), empty: Buffer.alloc(0), every };
    const sent = [
      { topic, key: every, value: every, headers, timestampMs: 1_700_000_000_123 },
      { topic, key: Buffer.alloc(0), value: Buffer.alloc(0), timestampMs: 1_600_000_000_000 },
      { topic, key: Buffer.from('gone'), value: null, timestampMs: 1_700_000_000_124 },
      { topic, key: null, value: Buffer.from('keyless'), timestampMs: 1_700_000_000_125 },
    ];
    await bench().send(sent);
    const { records } = await bench().consume();
    await until('all four', () => records.length === 4);
    const expected = sent.map((record, offset) => ({ headers: {}, ...record, partition: 0, offset }));
    expect(records.map(record => ({ ...record, headers: { ...record.headers } }))).toEqual(expected);
    expect(await bench().read()).toEqual(records);
  });

  it('resolves with where each partition ends after its records, which lie there in the order given (P2)', async () => {
    const topic = await bench().topicOf(2);
    await bench().send(outgoing(topic, ['before'], 1));
    const mixed = [1, 0, 1, 0, 0].map((partition, at) => outgoing(topic, [`${at}`], partition)[0]!);
    const written = await bench().send(mixed);
    expect(written.toSorted((a, b) => a.partition - b.partition)).toEqual([
      { topic, partition: 0, end: 3 },
      { topic, partition: 1, end: 3 },
    ]);
    expect(values(await bench().read(0, undefined, 0))).toEqual(['1', '3', '4']);
    expect(values(await bench().read(0, undefined, 1))).toEqual(['before', '0', '2']);
    expect(await bench().send([])).toEqual([]);
  });

  it('leads a key to the partition the Java client would choose, and keyless records to all in turn', async () => {
    const topic = await bench().topicOf(3);
    const keys = count(20).map(at => Buffer.from(`cluster/namespace/workload-${at}`));
    await bench().send(keys.map(key => ({ topic, key, value: key })));
    for (const partition of [0, 1, 2]) {
      const there = keys.filter(key => partitionOf(key, 3) === partition);
      expect(values(await bench().read(0, undefined, partition))).toEqual(there.map(String));
    }
    const keyless = await bench().send(count(6).map(() => ({ topic, key: null, value: Buffer.from('x') })));
    expect(keyless.map(({ partition }) => partition).toSorted()).toEqual([0, 1, 2]);
  });

  it('leads a record by its partition key where it has one', async () => {
    const topic = await bench().topicOf(3);
    const partitionKey = Buffer.from('cluster/namespace/workload-1');
    const records = count(10).map(at => ({
      topic,
      key: Buffer.from(`${at}`),
      partitionKey,
      value: Buffer.from('x'),
    }));
    const ends = await bench().send(records);
    expect(ends.map(({ partition, end }) => [partition, end])).toEqual([[partitionOf(partitionKey, 3), 10]]);
  });

  it('stamps a record without a time with now', async () => {
    const topic = await bench().topicOf(1);
    const before = Date.now();
    await bench().send(outgoing(topic, ['x']));
    const [record] = await bench().read();
    expect(record!.timestampMs).toBeGreaterThanOrEqual(before);
    expect(record!.timestampMs).toBeLessThanOrEqual(Date.now());
  });

  it('writes concurrent sends in the order of the calls', async () => {
    const topic = await bench().topicOf(1);
    const producer = await bench().client().producer();
    const contents = count(200);
    const written = await Promise.all(contents.map(value => producer.send(outgoing(topic, [value]))));
    expect(written.flat().map(({ end }) => `${end - 1}`)).toEqual(contents);
    expect(values(await bench().read())).toEqual(contents);
  });

  it('takes a send larger than a broker takes in one request', async () => {
    const topic = await bench().topicOf(1);
    const body = 'x'.repeat(300_000);
    const written = await bench().send(
      outgoing(
        topic,
        count(10).map(at => at + body),
      ),
    );
    expect(written).toEqual([{ topic, partition: 0, end: 10 }]);
    const records = await bench().read();
    expect(records.map(record => text(record.value)!.length)).toEqual(count(10).map(() => 300_001));
  });

  it('rejects a topic that is not there with TOPIC_UNKNOWN, writing nothing, and goes on', async () => {
    const topic = await bench().topicOf(1);
    const producer = await bench().client().producer();
    const mixed = [...outgoing(topic, ['x']), ...outgoing(`${topic}-missing`, ['y'])];
    await expect(producer.send(mixed)).rejects.toMatchObject({ code: 'TOPIC_UNKNOWN' });
    expect(await producer.send(outgoing(topic, ['z']))).toMatchObject([{ end: 1 }]);
  });

  it('rejects a record over the limit with VALUE_INVALID, writing nothing, and goes on', async () => {
    const topic = await bench().topicOf(1);
    const producer = await bench().client().producer();
    const mixed = outgoing(topic, ['small', 'x'.repeat(1_200_000)]);
    await expect(producer.send(mixed)).rejects.toMatchObject({ code: 'VALUE_INVALID' });
    expect(await producer.send(outgoing(topic, ['z']))).toMatchObject([{ end: 1 }]);
  });
}
