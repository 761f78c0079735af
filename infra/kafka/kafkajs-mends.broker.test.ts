import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import { expect, inject, it } from 'vitest';
import { internals } from './kafkajs-internals.ts';
import { mendKafkajs } from './kafkajs-mends.ts';

it('lets an idle connection rest', async () => {
  const { prototype } = internals.RequestQueue;
  const { checkPendingRequests } = prototype;
  let checks = 0;
  prototype.checkPendingRequests = function (this: typeof prototype) {
    checks += 1;
    checkPendingRequests.call(this);
  };
  const idleChecks = async () => {
    const brokers = [inject('bootstrapServers')].flat();
    const producer = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING }).producer({
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    });
    await producer.connect();
    await sleep(200);
    checks = 0;
    await sleep(1_000);
    const counted = checks;
    await producer.disconnect();
    return counted;
  };
  const before = await idleChecks();
  mendKafkajs();
  const after = await idleChecks();
  console.log(JSON.stringify({ idleChecksPerSecond: { before, after } }));
  expect(before).toBeGreaterThan(100);
  expect(after).toBe(0);
});
