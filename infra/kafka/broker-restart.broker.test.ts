import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LoneBroker, startLoneBroker } from '../local/lone-broker.ts';
import { ContractBench, eventually, outgoing, until, values } from './contract-bench.ts';
import { kafkaClient } from './kafkajs-client.ts';

describe('a group whose broker is killed and started again', () => {
  let broker: LoneBroker;
  beforeAll(async () => {
    broker = await startLoneBroker();
  });
  afterAll(() => broker.release());

  it('keeps its members, what they hold and what they committed, and goes on', {
    timeout: 120_000,
  }, async () => {
    const connect = () =>
      kafkaClient({ bootstrapServers: broker.bootstrapServers, clientId: 'restart-test' });
    const bench = new ContractBench(connect);
    try {
      const topic = await bench.topicOf(2);
      const members = [await bench.consume(), await bench.consume()];
      const inTurn = (values: readonly string[]) =>
        bench.send(values.flatMap(value => [0, 1].flatMap(at => outgoing(topic, [value], at))));
      await until('one each', () => members.every(member => member.held.length === 1));
      await inTurn(['before']);
      await until('before', () => members.every(member => member.records.length === 1));
      for (const member of members) await member.consumer.commit([{ ...member.held[0]!, offset: 1 }]);
      const held = members.map(member => member.held);

      broker.kill();
      await sleep(2_000);
      await broker.start();

      await inTurn(['after']);
      await until('after', () => members.every(member => member.records.length === 2), 60_000);
      for (const member of members) {
        expect(values(member.records)).toEqual(['before', 'after']);
        expect(member.failure).toBeNull();
      }
      expect(members.map(member => member.held)).toEqual(held);
      for (const member of members) await member.consumer.commit([{ ...member.held[0]!, offset: 2 }]);
      const both = [
        [0, 2],
        [1, 2],
      ];
      await eventually(() => bench.committed(), both);
    } finally {
      await bench.close();
    }
  });
});
