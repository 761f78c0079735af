import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { aWhile, ContractBench, count, outgoing, until, values } from './contract-bench.ts';
import { FaultyNetwork } from './faulty-network.ts';
import { type KafkaClientOptions, kafkaClient } from './kafkajs-client.ts';
import { internals } from './kafkajs-internals.ts';

const bootstrapServers = inject('bootstrapServers');
const client = (options: Partial<KafkaClientOptions> = {}) =>
  kafkaClient({ bootstrapServers, clientId: 'consumer-test', ...options });

describe('the consumer on a real broker', () => {
  let bench: ContractBench;
  let network: FaultyNetwork;
  let restarts: string[];
  /** Runs on the network that the test breaks. */
  let shaky: ContractBench;
  beforeEach(() => {
    bench = new ContractBench(client);
    network = new FaultyNetwork();
    restarts = [];
    const onConsumerRestart = (reason: string) => void restarts.push(reason);
    shaky = new ContractBench(
      () => client({ socketFactory: network.factory, stallMs: 2_000, onConsumerRestart }),
      bench,
    );
  });
  afterEach(async () => {
    network.heal();
    await shaky.close();
    await bench.close();
  });

  it('stays a member while a handler, and while onAssigned, takes longer than the session', async () => {
    const topic = await bench.topicOf(1);
    await bench.send(outgoing(topic, ['x']));
    const sessionTimeoutMs = 6_000;
    const slow = () => sleep(8_000);
    const [handler, assigned] = await Promise.all([
      bench.consume({ groupId: `${topic}-a`, sessionTimeoutMs }, { onBatch: slow }),
      bench.consume({ groupId: `${topic}-b`, sessionTimeoutMs }, { onAssigned: slow }),
    ]);
    await until('both handled', () => handler.records.length === 1 && assigned.records.length === 1);
    await handler.consumer.commit([{ topic, partition: 0, offset: 1 }]);
    await assigned.consumer.commit([{ topic, partition: 0, offset: 1 }]);
    expect([handler.events, assigned.events]).toEqual([['assigned 1'], ['assigned 1']]);
  });

  it('is one member, not two, when its first join fails', async () => {
    const topic = await bench.topicOf(2);
    const { prototype } = internals.ConsumerGroup;
    const { joinAndSync } = prototype;
    prototype.joinAndSync = async () => {
      prototype.joinAndSync = joinAndSync;
      throw new kafkajs.KafkaJSConnectionError('the first join fails', { broker: 'x' });
    };
    const seen = await bench.consume();
    expect(seen.events).toEqual(['assigned 2']);
    await bench.send(
      [0, 1].flatMap(partition => outgoing(topic, ['x']).map(record => ({ ...record, partition }))),
    );
    await until('both partitions', () => seen.records.length === 2);
  });

  it('starts again when kafkajs stops without a word, losing nothing', async () => {
    const topic = await bench.topicOf(1);
    const seen = await shaky.consume();
    await bench.send(outgoing(topic, ['before']));
    await until('the first record', () => seen.records.length === 1);
    await seen.consumer.commit([{ topic, partition: 0, offset: 1 }]);
    const { prototype } = internals.ConsumerGroup;
    const { fetch } = prototype;
    let hung = 0;
    prototype.fetch = () => {
      hung += 1;
      return new Promise(() => {});
    };
    await until('hung', () => hung > 0);
    prototype.fetch = fetch;
    await bench.send(outgoing(topic, ['after']));
    await until('the record after', () => seen.records.length === 2);
    expect(restarts).toEqual(['stalled']);
    expect(values(seen.records)).toEqual(['before', 'after']);
    expect(seen.events).toEqual(['assigned 1', 'revoked 1', 'assigned 1']);
  });

  it('starts again when the network swallows everything', async () => {
    const topic = await bench.topicOf(1);
    const seen = await shaky.consume();
    await bench.send(outgoing(topic, ['before']));
    await until('the first record', () => seen.records.length === 1);
    network.silence();
    await until('noticed', () => restarts.length > 0);
    network.heal();
    await bench.send(outgoing(topic, ['after']));
    await until('the record after', () => values(seen.records).includes('after'), 40_000);
    expect(restarts[0]).toBe('stalled');
    expect(seen.failure).toBeNull();
  });

  it('outlives a broker that is gone for a while', async () => {
    const topic = await bench.topicOf(2);
    const seen = await shaky.consume({ failureLimit: 2 });
    await bench.send(outgoing(topic, ['before']));
    await until('the first record', () => seen.records.length === 1);
    await seen.consumer.commit([{ topic, partition: 0, offset: 1 }]);
    network.cut();
    await sleep(8_000);
    network.heal();
    await bench.send(outgoing(topic, ['after'], 1));
    await until('the record after', () => seen.records.length === 2, 40_000);
    expect(values(seen.records)).toEqual(['before', 'after']);
    expect(seen.failure).toBeNull();
  });

  it('gives up its partitions when its session ran out, with a commit that says so', async () => {
    const topic = await bench.topicOf(1);
    const commits: unknown[] = [];
    const seen = await shaky.consume(
      { sessionTimeoutMs: 6_000 },
      {
        async onRevoked() {
          const commit = seen.consumer.commit([{ topic, partition: 0, offset: 1 }]);
          commits.push(await commit.catch(error => error.code));
        },
      },
    );
    await bench.send(outgoing(topic, ['x']));
    await until('the record', () => seen.records.length === 1);
    network.silence();
    const heir = await bench.consume({ sessionTimeoutMs: 6_000 });
    network.heal();
    await until('taken over', () => heir.records.length === 1);
    await until('given up', () => commits.length > 0, 40_000);
    expect(commits[0]).not.toBeUndefined();
    await aWhile();
    expect(await bench.committed()).toEqual([]);
  });

  it('goes on at the earliest record when retention took its position, committing nothing', async () => {
    const topic = await bench.topicOf(1);
    await bench.send(outgoing(topic, count(10)));
    const first = await bench.consume();
    await first.consumer.commit([{ topic, partition: 0, offset: 2 }]);
    await first.consumer.close();
    const admin = new kafkajs.Kafka({
      brokers: [bootstrapServers].flat(),
      logLevel: kafkajs.logLevel.NOTHING,
    }).admin();
    await admin.connect();
    await admin.fetchTopicOffsets(topic);
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '6' }] });
    await admin.disconnect();
    const second = await bench.consume();
    await until('the rest', () => second.records.length >= 4);
    expect(values(second.records)).toEqual(['6', '7', '8', '9']);
    expect(await bench.committed()).toEqual([[0, 2]]);
    expect(values(await bench.read(0))).toEqual(['6', '7', '8', '9']);
  });

  it('ends with TOPIC_UNKNOWN when its topic is deleted', async () => {
    const topic = await bench.topicOf(1);
    const seen = await bench.consume();
    await (await bench.client().admin()).deleteTopics([topic]);
    await until('ended', () => seen.failure !== null, 40_000);
    expect(seen.failure).toMatchObject({ code: 'TOPIC_UNKNOWN' });
  });
});
