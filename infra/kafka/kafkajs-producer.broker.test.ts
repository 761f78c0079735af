import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { BufferPool } from './buffer-pool.ts';
import { ContractBench, count, outgoing, values } from './contract-bench.ts';
import { FaultyNetwork } from './faulty-network.ts';
import { type KafkaClientOptions, kafkaClient } from './kafkajs-client.ts';
import { KafkajsLink } from './kafkajs-link.ts';
import { KafkajsProducer } from './kafkajs-producer.ts';

const client = (options: Partial<KafkaClientOptions> = {}) =>
  kafkaClient({ bootstrapServers: inject('bootstrapServers'), clientId: 'producer-test', ...options });

describe('the producer on a real broker', () => {
  let bench: ContractBench;
  let network: FaultyNetwork;
  beforeEach(() => {
    bench = new ContractBench(client);
    network = new FaultyNetwork();
  });
  afterEach(() => bench.close());

  const tighten = async (topic: string, name: string, value: string) => {
    const admin = new kafkajs.Kafka({ brokers: [inject('bootstrapServers')] }).admin();
    await admin.connect();
    const resources = [{ type: 2, name: topic, configEntries: [{ name, value }] }];
    await admin.alterConfigs({ validateOnly: false, resources });
    await admin.disconnect();
  };
  const shaky = (deliveryTimeoutMs: number) => client({ socketFactory: network.factory, deliveryTimeoutMs });

  it('writes each record once although connections break under it', async () => {
    const topic = await bench.topicOf(2);
    const own = shaky(30_000);
    const producer = await own.producer();
    const sends: Promise<unknown>[] = [];
    for (let at = 0; at < 60; at += 1) {
      sends.push(producer.send([...outgoing(topic, [`${at}`], 0), ...outgoing(topic, [`${at}`], 1)]));
      if (at % 20 === 10) {
        // While a request is under way: its answer is lost, whether or not the broker wrote the records.
        await sleep(2);
        network.cut();
        await sleep(50);
        network.heal();
      }
      await sleep(5);
    }
    await Promise.all(sends);
    await own.close();
    for (const partition of [0, 1])
      expect(values(await bench.read(0, undefined, partition))).toEqual(count(60));
  });

  it('rejects when the broker is gone for longer than it may take, and sends again once it is back', async () => {
    const topic = await bench.topicOf(1);
    const own = shaky(1_000);
    const producer = await own.producer();
    await producer.send(outgoing(topic, ['before']));
    network.cut();
    await expect(producer.send(outgoing(topic, ['lost']))).rejects.toMatchObject({
      code: 'BROKER_UNREACHABLE',
    });
    network.heal();
    expect(await producer.send(outgoing(topic, ['after']))).toMatchObject([{ end: 2 }]);
    expect(values(await bench.read())).toEqual(['before', 'after']);
    await own.close();
  });

  it('leaves neither duplicate nor gap when connections break under requests of a large send', async () => {
    const topic = await bench.topicOf(3);
    const own = shaky(30_000);
    const producer = await own.producer();
    await producer.send(outgoing(topic, ['before'], 0));
    const contents = count(60_000);
    const records = contents.map((value, at) => ({
      topic,
      partition: at % 3,
      key: null,
      value: Buffer.from(value),
    }));
    for (let part = 0; part < 3; part += 1) {
      const sent = producer.send(records.slice(part * 20_000, (part + 1) * 20_000));
      await sleep(1 + 2 * part);
      network.cut();
      await sleep(30);
      network.heal();
      await sent;
    }
    await own.close();
    const seen = await Promise.all([0, 1, 2].map(partition => bench.read(0, undefined, partition)));
    expect(values(seen[0]!).slice(1)).toEqual(contents.filter((_, at) => at % 3 === 0));
    expect(values(seen[1]!)).toEqual(contents.filter((_, at) => at % 3 === 1));
    expect(values(seen[2]!)).toEqual(contents.filter((_, at) => at % 3 === 2));
  });

  it('settles a send in time although the broker is silent, and sends again once it can be reached', async () => {
    const topic = await bench.topicOf(1);
    const own = shaky(1_500);
    const producer = await own.producer();
    await producer.send(outgoing(topic, ['before']));
    network.silence();
    const started = performance.now();
    await expect(producer.send(outgoing(topic, ['lost']))).rejects.toMatchObject({
      code: 'BROKER_UNREACHABLE',
      message: expect.stringContaining('not acknowledged within 1500 ms'),
    });
    expect(performance.now() - started).toBeLessThan(3_000);
    network.heal();
    expect(await producer.send(outgoing(topic, ['after']))).toMatchObject([{ end: 2 }]);
    expect(values(await bench.read())).toEqual(['before', 'after']);
    await own.close();
  });

  it.each(['plain', 'transactional'])(
    "rejects a record over its topic's limit before anything is written (%s), and cuts batches to it",
    async kind => {
      const { topic } = bench;
      const admin = await bench.client().admin();
      await admin.createTopics([{ topic, partitions: 2, config: { 'max.message.bytes': '10000' } }]);
      const own = bench.client();
      const transaction =
        kind === 'transactional' ? await (await own.transactionalProducer(`${topic}-id`)).begin() : null;
      const producer = transaction ?? (await own.producer());
      const mixed = [...outgoing(topic, ['small'], 0), ...outgoing(topic, ['x'.repeat(20_000)], 1)];
      await expect(producer.send(mixed)).rejects.toMatchObject({
        code: 'VALUE_INVALID',
        message: expect.stringContaining('max.message.bytes'),
      });
      const contents = count(3_000);
      await producer.send(outgoing(topic, contents));
      await producer.send(outgoing(topic, ['y'.repeat(9_800)], 1));
      await transaction?.commit();
      await expect.poll(async () => (await bench.read()).length).toBe(3_000);
      expect(values(await bench.read())).toEqual(contents);
      expect(await bench.read(0, undefined, 1)).toHaveLength(1);
    },
  );

  it('sends what a topic with a larger limit takes', async () => {
    const { topic } = bench;
    const admin = await bench.client().admin();
    await admin.createTopics([{ topic, partitions: 1, config: { 'max.message.bytes': '4000000' } }]);
    expect(await bench.send(outgoing(topic, ['x'.repeat(3_900_000), 'y']))).toMatchObject([{ end: 2 }]);
  });

  it('rejects a time or a missing key that the topic does not take before anything is written', async () => {
    const { topic } = bench;
    const admin = await bench.client().admin();
    const config = {
      'cleanup.policy': 'compact',
      'message.timestamp.before.max.ms': '3600000',
      'message.timestamp.after.max.ms': '3600000',
    };
    await admin.createTopics([{ topic, partitions: 2, config }]);
    const producer = await bench.client().producer();
    const good = { topic, partition: 0, key: Buffer.from('k'), value: Buffer.from('v') };
    const hourMs = 3_600_000;
    const bad = [
      { ...good, partition: 1, timestampMs: Date.now() + 2 * hourMs },
      { ...good, partition: 1, timestampMs: Date.now() - 2 * hourMs },
      { ...good, partition: 1, timestampMs: Number.NaN },
      { ...good, partition: 1, key: null },
    ];
    for (const record of bad) {
      await expect(producer.send([good, record])).rejects.toMatchObject({ code: 'VALUE_INVALID' });
    }
    expect(await producer.send([good])).toEqual([{ topic, partition: 0, end: 1 }]);
  });

  it("goes on when a topic's rules were tightened since they were looked up", async () => {
    const topic = await bench.topicOf(2);
    const producer = await bench.client().producer();
    await producer.send(outgoing(topic, ['first']));
    await tighten(topic, 'max.message.bytes', '1000');
    const large = outgoing(topic, ['x'.repeat(5_000)]);
    await expect(producer.send(large)).rejects.toMatchObject({ code: 'VALUE_INVALID' });
    // Known by now: refused here, and before the small one is written.
    await expect(producer.send([...outgoing(topic, ['small'], 1), ...large])).rejects.toMatchObject({
      code: 'VALUE_INVALID',
    });
    expect(await producer.send(outgoing(topic, ['second']))).toMatchObject([{ end: 2 }]);
    expect(await bench.read(0, undefined, 1)).toEqual([]);
  });

  it('goes on past the last of the numbers that records of a producer can have', async () => {
    const topic = await bench.topicOf(1);
    const own = bench.client();
    const link = new KafkajsLink(new kafkajs.Kafka({ brokers: [inject('bootstrapServers')] }), 10_000);
    const producer = await new KafkajsProducer({
      link,
      deliveryTimeoutMs: 10_000,
      gzip: false,
      buffers: new BufferPool(),
      firstSequence: 0x7fff_ffff - 150,
      onClosed() {},
    }).open();
    const contents = count(400);
    for (let at = 0; at < 400; at += 40) await producer.send(outgoing(topic, contents.slice(at, at + 40)));
    expect(values(await bench.read())).toEqual(contents);
    await producer.close();
    await own.close();
  });

  it('says what to look at when no broker answers', async () => {
    network.cut();
    const own = shaky(500);
    await expect(own.producer()).rejects.toMatchObject({ code: 'BROKER_UNREACHABLE' });
    await expect(own.admin().then(admin => admin.listTopics())).rejects.toThrow('check that the broker runs');
    await own.close();
  });

  it('spends a transactional producer that lost its broker, and leaves the id to the next', async () => {
    const topic = await bench.topicOf(1);
    const own = shaky(1_000);
    const producer = await own.transactionalProducer(`${topic}-id`);
    const transaction = await producer.begin();
    await transaction.send(outgoing(topic, ['dropped']));
    network.cut();
    await expect(transaction.send(outgoing(topic, ['lost']))).rejects.toMatchObject({
      code: 'BROKER_UNREACHABLE',
    });
    network.heal();
    await transaction.abort().catch(() => {});
    await expect(producer.begin()).rejects.toMatchObject({ code: 'PRODUCER_FENCED' });
    await producer.close();
    const next = await own.transactionalProducer(`${topic}-id`);
    const kept = await next.begin();
    await kept.send(outgoing(topic, ['kept']));
    await kept.commit();
    await own.transactionalProducer(`${topic}-id`);
    expect(values(await bench.read())).toEqual(['kept']);
    await own.close();
  });

  it.each(['gzip', 'zstd', 'uncompressed'])(
    'reads records that the broker keeps as %s',
    async compression => {
      const { topic } = bench;
      const admin = await bench.client().admin();
      await admin.createTopics([{ topic, partitions: 1, config: { 'compression.type': compression } }]);
      const own = client({ compression: 'gzip' });
      const contents = count(500).map(at => at.repeat(50));
      await (await own.producer()).send(outgoing(topic, contents));
      expect(values(await bench.read())).toEqual(contents);
      await own.close();
    },
  );

  it.each(['lz4', 'snappy'])(
    'says that records kept as %s are not read, and what to do',
    async compression => {
      const { topic } = bench;
      const admin = await bench.client().admin();
      await admin.createTopics([{ topic, partitions: 1, config: { 'compression.type': compression } }]);
      await bench.send(outgoing(topic, ['x'.repeat(1000)]));
      const refused = { code: 'BROKER_REFUSED', message: expect.stringContaining('compression.type') };
      await expect(bench.read()).rejects.toMatchObject(refused);
      const seen = await bench.consume();
      await expect.poll(() => seen.failure, { timeout: 20_000 }).toMatchObject(refused);
    },
  );
});
