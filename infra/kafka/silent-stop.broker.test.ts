import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { ContractBench, outgoing, until, values } from './contract-bench.ts';
import { FaultyNetwork } from './faulty-network.ts';
import { type KafkaClientOptions, kafkaClient } from './kafkajs-client.ts';
import { internals } from './kafkajs-internals.ts';

const client = (options: Partial<KafkaClientOptions> = {}) =>
  kafkaClient({ bootstrapServers: inject('bootstrapServers'), clientId: 'silent-stop-test', ...options });
/** Kinds of requests, as the protocol numbers them. */
const fetchRequest = 1;
const heartbeatRequest = 12;

describe('a consumer that stops silently', () => {
  let bench: ContractBench;
  let network: FaultyNetwork;
  let restarts: string[];
  /** Runs on the network that the test breaks. */
  let shaky: ContractBench;
  const connect = (options: Partial<KafkaClientOptions> = {}) => {
    const onConsumerRestart = (reason: string) => void restarts.push(reason);
    shaky = new ContractBench(
      () => client({ socketFactory: network.factory, onConsumerRestart, ...options }),
      bench,
    );
  };
  beforeEach(() => {
    bench = new ContractBench(client);
    network = new FaultyNetwork();
    restarts = [];
  });
  afterEach(async () => {
    vi.useRealTimers();
    network.heal();
    await shaky.close();
    await bench.close();
  });

  it('because a broker never answers its fetches is started anew, losing nothing, while its session lives on', async () => {
    connect({ stallMs: 2_000 });
    const topic = await bench.topicOf(1);
    await bench.send(outgoing(topic, ['before']));
    const seen = await shaky.consume();
    await until('the first record', () => seen.records.length === 1);
    await seen.consumer.commit([{ topic, partition: 0, offset: 1 }]);
    network.swallow(fetchRequest);
    await until('started anew', () => restarts.length > 0);
    network.heal();
    await bench.send(outgoing(topic, ['after']));
    await until('the record after', () => seen.records.length === 2);
    expect(restarts[0]).toBe('stalled');
    expect(values(seen.records)).toEqual(['before', 'after']);
    expect(seen.failure).toBeNull();
  });

  it('again and again ends with CONSUMER_STOPPED, and its place in the group is free at once', async () => {
    connect({ stallMs: 1_000 });
    const topic = await bench.topicOf(1);
    const seen = await shaky.consume({ sessionTimeoutMs: 45_000 });
    await bench.send(outgoing(topic, ['x']));
    await until('the record', () => seen.records.length === 1);
    network.swallow(fetchRequest);
    await until('ended', () => seen.failure !== null, 40_000);
    expect(seen.failure).toMatchObject({ code: 'CONSUMER_STOPPED' });
    expect(restarts).toEqual(['stalled', 'stalled', 'stalled']);
    expect(seen.events.slice(-2)).toEqual(['revoked 1', 'failed']);
    const heir = await bench.consume({ sessionTimeoutMs: 45_000 });
    await until('taken over', () => heir.records.length === 1, 10_000);
  });

  it('because its group never answers a heartbeat is started anew, though it fetches on', async () => {
    connect();
    const topic = await bench.topicOf(1);
    const seen = await shaky.consume({ sessionTimeoutMs: 6_000 });
    network.swallow(heartbeatRequest);
    await bench.send(outgoing(topic, ['meanwhile']));
    await until('the record meanwhile', () => seen.records.length === 1);
    await until('started anew', () => restarts.length > 0, 20_000);
    network.heal();
    await seen.consumer.commit([{ topic, partition: 0, offset: 1 }]).catch(() => {});
    await bench.send(outgoing(topic, ['after']));
    await until('the record after', () => values(seen.records).includes('after'), 40_000);
    expect(restarts[0]).toBe('stalled');
    expect(seen.failure).toBeNull();
  });

  it('while it joins for the first time says so to who runs it', async () => {
    connect({ stallMs: 2_000 });
    await bench.topicOf(1);
    const { prototype } = internals.ConsumerGroup;
    const { joinAndSync } = prototype;
    let hung = 0;
    prototype.joinAndSync = () => {
      hung += 1;
      return new Promise(() => {});
    };
    try {
      vi.useFakeTimers({ toFake: ['performance'] });
      const running = shaky.consume();
      running.catch(() => {});
      while (hung === 0) await sleep(20);
      // Beyond what the group may take to let it in.
      vi.advanceTimersByTime(63_000);
      await expect(running).rejects.toMatchObject({ code: 'CONSUMER_STOPPED' });
    } finally {
      prototype.joinAndSync = joinAndSync;
    }
  });

  it('is not one whose handler takes longer than that', async () => {
    connect({ stallMs: 1_000 });
    const topic = await bench.topicOf(1);
    await bench.send(outgoing(topic, ['x']));
    const slow = () => sleep(4_000);
    const seen = await shaky.consume({}, { onBatch: slow, onAssigned: slow });
    await until('handled', () => seen.records.length === 1);
    expect(restarts).toEqual([]);
  });
});
