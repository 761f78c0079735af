import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { kafkaClient } from '#kafka';
import { brokerAnswers, registryAnswers } from './answers.ts';
import { freePorts } from './ports.ts';
import { provisionTenant } from './provision.ts';
import type { Stack } from './stack.ts';

/** A process that starts a stack of its own and then waits. */
async function startElsewhere(options: object) {
  const program = `
    import { startStack } from ${JSON.stringify(join(import.meta.dirname, 'start-stack.ts'))};
    console.log(JSON.stringify(await startStack({ ephemeral: true, ...${JSON.stringify(options)} })));
    setInterval(() => {}, 1000);`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(parent.stdout, 'data');
  return { parent, stack: JSON.parse(String(line)) as Stack };
}

test('nothing of a stack outlives its process that was killed; a guest is told its own address until then', async () => {
  const [guestPort] = (await freePorts(1)) as [number];
  const guestListener = { port: guestPort, advertisedHost: 'localhost' };
  const { parent, stack } = await startElsewhere({ guestListener });
  const port = Number(stack.bootstrapServers.split(':')[1]);
  expect(stack.guest).toEqual({
    bootstrapServers: `localhost:${guestPort}`,
    registryUrl: stack.registryUrl.replace('127.0.0.1', 'localhost'),
  });

  // Through the guest's door and then to the address that the broker tells there.
  const guest = kafkaClient({ bootstrapServers: `127.0.0.1:${guestPort}`, clientId: 'guest' });
  const admin = await guest.admin();
  await admin.createTopics([{ topic: 'from-the-guest', partitions: 1 }]);
  expect(await admin.listTopics()).toContain('from-the-guest');
  await guest.close();
  const properties = join(dirname(stack.logs.broker), '..', 'broker', 'server.properties');
  expect(readFileSync(properties, 'utf8')).toContain(`GUEST://localhost:${guestPort}`);

  parent.kill('SIGKILL');
  await once(parent, 'exit');
  await expect.poll(() => brokerAnswers(port), { timeout: 5_000 }).toBe(false);
  await expect.poll(() => registryAnswers(stack.registryUrl), { timeout: 5_000 }).toBe(false);
  await expect.poll(() => existsSync(stack.logs.broker), { timeout: 10_000 }).toBe(false);
});

test('a tenant gets its topics and schemas once', async () => {
  const stack = { bootstrapServers: inject('bootstrapServers'), registryUrl: inject('registryUrl') };
  const first = await provisionTenant(stack, 'provisioned');
  expect(first.topicsCreated).toContain('provisioned.policies.v1');
  expect(await provisionTenant(stack, 'provisioned')).toEqual({
    topicsCreated: [],
    subjects: first.subjects,
  });
});
