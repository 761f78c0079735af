import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LoneBroker, startLoneBroker } from '../local/lone-broker.ts';
import { ContractBench, outgoing, values } from './contract-bench.ts';
import { kafkaClient } from './kafkajs-client.ts';

describe('a producer whose broker is killed and started again', () => {
  let broker: LoneBroker;
  beforeAll(async () => {
    broker = await startLoneBroker();
  });
  afterAll(() => broker.release());

  const connect = () =>
    kafkaClient({
      bootstrapServers: broker.bootstrapServers,
      clientId: 'restart-test',
      deliveryTimeoutMs: 120_000,
    });

  it('writes each record once and in order, whatever was under way when the broker died', {
    timeout: 180_000,
  }, async () => {
    const bench = new ContractBench(connect);
    const topic = await bench.topicOf(2);
    const producer = await bench.client().producer();
    const sends: Promise<unknown>[] = [];
    let flowing = true;
    let sent = 0;
    const flow = (async () => {
      while (flowing) {
        const contents = Array.from({ length: 10 }, (_, at) => `${sent + at}`);
        sent += 10;
        sends.push(producer.send([0, 1].flatMap(partition => outgoing(topic, contents, partition))));
        await sleep(5);
      }
    })();
    try {
      await sleep(500);
      broker.kill();
      await sleep(500);
      await broker.start();
      await sleep(500);
      flowing = false;
      await flow;
      await Promise.all(sends);
      const contents = Array.from({ length: sent }, (_, at) => `${at}`);
      for (const partition of [0, 1])
        expect(values(await bench.read(0, undefined, partition))).toEqual(contents);
    } finally {
      flowing = false;
      await bench.close();
    }
  });

  it('commits a transaction that was open when the broker died', { timeout: 120_000 }, async () => {
    const bench = new ContractBench(connect);
    try {
      const topic = await bench.topicOf(2);
      const id = `${topic}-id`;
      const producer = await bench.client().transactionalProducer(id);
      const transaction = await producer.begin();
      await transaction.send(outgoing(topic, ['before'], 0));
      broker.kill();
      await sleep(500);
      const after = transaction.send([...outgoing(topic, ['after'], 0), ...outgoing(topic, ['after'], 1)]);
      await broker.start();
      await after;
      await transaction.sendOffsets(bench.groupId, [{ topic, partition: 0, offset: 7 }]);
      await transaction.commit();
      // Fencing waits for the markers, so that what follows sees the outcome.
      await bench.client().transactionalProducer(id);
      expect(values(await bench.read())).toEqual(['before', 'after']);
      expect(values(await bench.read(0, undefined, 1))).toEqual(['after']);
      expect(await bench.committed()).toEqual([[0, 7]]);
    } finally {
      await bench.close();
    }
  });
});
