import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePorts } from '#local';
import { planServices } from '../local/plan.ts';
import type { ServicePlan } from '../local/service.ts';
import { startServices } from '../local/start-services.ts';
import { startWatchdog, type Watchdog } from '../local/watchdog.ts';
import { ContractBench, eventually, outgoing, until, values } from './contract-bench.ts';
import { kafkaClient } from './kafkajs-client.ts';

/** A broker that may be killed: its own. */
describe('a group whose broker is killed and started again', () => {
  let watchdog: Watchdog;
  let plan: ServicePlan;
  let bootstrapServers: string;
  let pid = 0;
  const start = () =>
    startServices([plan], {
      watchdog,
      withinMs: 120_000,
      onLaunched: async (_plan, identity) => {
        pid = identity.pid;
      },
    });
  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-restart-'));
    watchdog = startWatchdog(folder);
    const [broker, controller, registry] = (await freePorts(3)) as [number, number, number];
    bootstrapServers = `127.0.0.1:${broker}`;
    [plan] = await planServices({
      folder,
      ports: { broker, controller, registry },
      durable: false,
      report() {},
    });
    await start();
  });
  afterAll(() => watchdog.release());

  it('keeps its members, what they hold and what they committed, and goes on', {
    timeout: 120_000,
  }, async () => {
    const connect = () => kafkaClient({ bootstrapServers, clientId: 'restart-test' });
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

      process.kill(pid, 'SIGKILL');
      await sleep(2_000);
      await start();

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
