import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { recordTopicNames, topicNames } from '#schemas';
import { freePorts } from '../infra/local/ports.ts';
import { identify } from '../infra/local/process-identity.ts';

/** The commands as a user runs them, on a folder and ports of their own. */
let folder: string;
let ports: { broker: number; controller: number; registry: number };
let options: string[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-cli-'));
  const [broker, controller, registry] = (await freePorts(3)) as [number, number, number];
  ports = { broker, controller, registry };
  options = ['--stack-folder', join(folder, 'stack')];
});
afterAll(async () => {
  await sluice('down', '--purge', ...options);
  rmSync(folder, { recursive: true, force: true });
});

async function sluice(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), ...args]);
  let [out, err] = ['', ''];
  child.stdout.on('data', chunk => {
    out += chunk;
  });
  child.stderr.on('data', chunk => {
    err += chunk;
  });
  const code = await new Promise<number | null>(resolve => child.once('close', resolve));
  return { code, out, err };
}

const upArgs = () => {
  const { broker, controller, registry } = ports;
  const chosen = ['--broker-port', broker, '--controller-port', controller, '--registry-port', registry];
  return ['up', '--engine', 'jvm', ...options, ...chosen.map(String)];
};
const up = (...more: string[]) => sluice(...upArgs(), ...more);

async function statusNow() {
  const { code, out } = await sluice('status', '-o', 'json', ...options);
  const { services, topics } = JSON.parse(out) as {
    services: { name: string; state: string; pid: number | null }[];
    topics: number | null;
  };
  const of = (name: string) => services.find(service => service.name === name);
  return { code, broker: of('broker'), registry: of('registry'), redis: of('redis'), topics };
}

test('up starts both, creates the topics, and says where on standard output', async () => {
  const first = await up('-o', 'json');
  expect(first).toMatchObject({ code: 0 });
  expect(JSON.parse(first.out)).toMatchObject({
    bootstrapServers: `127.0.0.1:${ports.broker}`,
    registryUrl: `http://127.0.0.1:${ports.registry}/apis/ccompat/v7`,
    adopted: false,
    subjects: recordTopicNames.length,
  });
  expect(first.err).toMatch(/broker: started in .* pid \d+, log /);
  expect(await statusNow()).toMatchObject({
    code: 0,
    broker: { state: 'up' },
    registry: { state: 'up' },
    topics: topicNames.length,
  });
});

test('up with --redis adds Redis to what runs, which then belongs to it', async () => {
  const [port] = (await freePorts(1)) as [number];
  const before = await statusNow();
  expect(before.redis).toBeUndefined();
  const added = await sluice('up', '--redis', '--redis-port', String(port), '-o', 'json', ...options);
  expect(JSON.parse(added.out), added.err).toMatchObject({ redisUrl: `redis://127.0.0.1:${port}` });
  const { broker, redis } = await statusNow();
  expect(redis).toMatchObject({ state: 'up', address: `redis://127.0.0.1:${port}` });
  expect(broker?.pid).toBe(before.broker?.pid);
});

test('up again changes nothing and exits 0', async () => {
  const before = await statusNow();
  const again = await up('-o', 'json');
  expect(JSON.parse(again.out)).toMatchObject({ adopted: true, topicsCreated: [] });
  expect(await statusNow()).toEqual(before);
  // Without options it takes the ports that it has.
  expect((await sluice('up', ...options)).out).toContain(`broker    127.0.0.1:${ports.broker}\n`);
});

test('status shows an application that runs on it, and what it says of itself', async () => {
  const enrich = spawn(process.execPath, [join(import.meta.dirname, '../pipelines/enrich/main.ts')], {
    stdio: 'ignore',
    env: {
      PATH: process.env.PATH,
      SLUICE_BOOTSTRAP_SERVERS: `127.0.0.1:${ports.broker}`,
      SLUICE_REGISTRY_URL: `http://127.0.0.1:${ports.registry}/apis/ccompat/v7`,
    },
  });
  const exited = once(enrich, 'exit');
  const found = async () => {
    const { out } = await sluice('status', '-o', 'json', ...options);
    return (JSON.parse(out) as { applications: object[] }).applications;
  };
  try {
    await expect.poll(found, { timeout: 60_000 }).toMatchObject([
      {
        ...{ application: 'default.enrich', state: 'Stable' },
        members: [{ endpoint: expect.stringMatching(/^127\.0\.0\.1:\d+$/), process: { state: 'running' } }],
      },
    ]);
    expect((await sluice('status', ...options)).out).toMatch(/^default\.enrich +Stable +1 +0$/m);
  } finally {
    enrich.kill('SIGTERM');
  }
  expect(await exited).toEqual([0, null]);
  expect(await found()).toMatchObject([{ application: 'default.enrich', state: 'Empty', members: [] }]);
}, 120_000);

test('up with another port than it runs on is refused, and so is a second stack on a taken port', async () => {
  const other = await sluice('up', ...options, '--broker-port', '1');
  expect(other).toMatchObject({ code: 2, out: '' });
  expect(other.err).toContain(`broker port ${ports.broker}, not 1`);

  const { broker } = await statusNow();
  const elsewhere = ['--stack-folder', join(folder, 'second'), '--broker-port', String(ports.broker)];
  const second = await sluice('up', '--engine', 'jvm', ...elsewhere);
  expect(second).toMatchObject({ code: 4, out: '' });
  expect(second.err).toMatch(
    new RegExp(`Port ${ports.broker} .* taken by pid ${broker?.pid} .*--broker-port`),
  );
});

test('what died is told by status and started again by up, which leaves the other alone', async () => {
  const before = await statusNow();
  process.kill(before.broker?.pid ?? 0, 'SIGKILL');
  await expect.poll(statusNow).toMatchObject({ code: 1, broker: { state: 'down', pid: null }, topics: null });
  const again = await up('-o', 'json');
  // The topics outlive the broker's death.
  expect(JSON.parse(again.out)).toMatchObject({ adopted: false, topicsCreated: [] });
  const after = await statusNow();
  expect(after.registry?.pid).toBe(before.registry?.pid);
  expect(after.broker?.pid).not.toBe(before.broker?.pid);
});

test('a pid that another process has by now is neither believed nor ended', async () => {
  expect((await sluice('down', ...options)).code).toBe(0);
  const bystander = spawn('sleep', ['60']);
  const stale = { pid: bystander.pid, startedAt: 'an earlier boot/1' };
  writeFileSync(
    join(folder, 'stack', 'state.json'),
    JSON.stringify({
      engine: 'jvm',
      ports,
      versions: { kafka: '4.3.1', registry: '3.3.3' },
      services: { broker: stale },
    }),
  );
  expect((await statusNow()).broker).toMatchObject({ state: 'down', pid: null });
  expect((await sluice('down', ...options)).err).toContain('nothing ran');
  expect(bystander.exitCode).toBeNull();
  bystander.kill();
});

test('after down, up on other ports finds the topics, the schemas and their ids again', async () => {
  const [broker, controller, registry] = (await freePorts(3)) as [number, number, number];
  ports = { broker, controller, registry };
  const again = await up('-o', 'json');
  expect(JSON.parse(again.out)).toMatchObject({ topicsCreated: [], subjects: recordTopicNames.length });
  const schema = await fetch(
    `http://127.0.0.1:${registry}/apis/ccompat/v7/subjects/default.alerts.v1-value/versions`,
  );
  expect(await schema.json()).toEqual([1]);
});

test('an interrupted up leaves nothing running', async () => {
  await sluice('down', ...options);
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), ...upArgs()]);
  const state = join(folder, 'stack', 'state.json');
  const launched = () => {
    try {
      return (
        (JSON.parse(readFileSync(state, 'utf8')) as { services: { broker?: { pid: number } } }).services
          .broker?.pid ?? 0
      );
    } catch {
      return 0;
    }
  };
  await expect.poll(launched, { timeout: 30_000, interval: 20 }).toBeGreaterThan(0);
  const pid = launched();
  child.kill('SIGKILL');
  await expect.poll(() => identify(pid), { timeout: 20_000 }).toBeUndefined();
});

test('down twice is no failure; with --purge nothing is left', async () => {
  expect((await up()).code).toBe(0);
  const { broker } = await statusNow();
  const down = await sluice('down', '--purge', '-o', 'json', ...options);
  expect(down.code).toBe(0);
  expect(JSON.parse(down.out)).toEqual({ stopped: ['registry', 'broker'] });
  expect(await identify(broker?.pid ?? 0)).toBeUndefined();
  expect(JSON.parse((await sluice('down', '-o', 'json', ...options)).out)).toEqual({ stopped: [] });
  expect(() => readFileSync(join(folder, 'stack', 'logs', 'broker.log'))).toThrow('ENOENT');
});
