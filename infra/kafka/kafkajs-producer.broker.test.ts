import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { ContractBench, count, outgoing, values } from './contract-bench.ts';
import { FaultyNetwork } from './faulty-network.ts';
import { type KafkaClientOptions, kafkaClient } from './kafkajs-client.ts';

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
