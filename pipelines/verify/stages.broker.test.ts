import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, inject, it } from 'vitest';
import { kafkaClient, type LogClient } from '#kafka';
import { ccompatRegistry } from '#registry';
import {
  type Alert,
  type BehaviourProfile,
  openSerdes,
  type Policy,
  type PolicyFinding,
  type PolicyTransition,
  type RecordTopicName,
  type Serdes,
  type TopicRecord,
  topicName,
  topicSpecs,
} from '#schemas';
import { alert, hourMs, policyId, profile } from './verify-under-test.ts';

let attempts = 0;
let tenant: string;
const root = join(import.meta.dirname, '../..');
const running: ChildProcess[] = [];
let folder: string;
let client: LogClient;
let serdes: Serdes;

beforeEach(async () => {
  tenant = `stages-${process.pid}-${attempts++}`;
  folder = mkdtempSync(join(tmpdir(), 'sluice-stages-'));
  client = kafkaClient({ bootstrapServers: inject('bootstrapServers'), clientId: tenant });
  serdes = await openSerdes({ registry: ccompatRegistry({ url: inject('registryUrl') }), tenant });
  await (await client.admin()).createTopics(topicSpecs(tenant));
});

afterEach(async () => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
  await client.close();
  rmSync(folder, { recursive: true, force: true });
});

const environment = () => ({
  ...process.env,
  SLUICE_BOOTSTRAP_SERVERS: inject('bootstrapServers'),
  SLUICE_REGISTRY_URL: inject('registryUrl'),
  SLUICE_TENANT: tenant,
});

function start(pipeline: 'discovery' | 'verify', ...args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, [join(root, 'pipelines', pipeline, 'main.ts'), ...args], {
    env: { ...environment(), SLUICE_LOG_LEVEL: 'warn' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  running.push(child);
  return child;
}

function sluice(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(root, 'cli/main.ts'), 'policy', ...args],
    {
      encoding: 'utf8',
      env: environment(),
    },
  );
  return { status, stdout, stderr };
}

async function send<T extends RecordTopicName>(name: T, key: string, ...values: readonly TopicRecord<T>[]) {
  const producer = await client.producer();
  const topic = topicName(tenant, name);
  await producer.send(
    values.map(value => ({ topic, key: Buffer.from(key), value: serdes.of(name).serialize(value as never) })),
  );
  await producer.close();
}

async function read<T>(name: RecordTopicName): Promise<T[]> {
  const admin = await client.admin();
  const found: T[] = [];
  for (const { topic, partition, earliest } of await admin.offsets(topicName(tenant, name))) {
    await client.read({
      ...{ topic, partition, from: earliest },
      onBatch: ({ records }) => {
        for (const { value } of records) if (value) found.push(serdes.of(name).deserialize(value) as T);
      },
    });
  }
  await admin.close();
  return found;
}

const stages = async () =>
  (await read<Policy>('policies.v1')).map(({ generation, stage }) => `${generation} ${stage.toLowerCase()}`);

/** Whoever was killed is a member of its group until its session ends. */
async function reached(version: string): Promise<void> {
  await expect.poll(stages, { timeout: 90_000, interval: 200 }).toContain(version);
}

/** Seen until so many hours from now. */
function seen(hours: number, ...paths: readonly string[]): BehaviourProfile {
  const atMs = Date.now() + hours * hourMs;
  return profile(paths.map(path => ({ path, atMs })));
}

it('carries a policy from candidate to enforce, and back on a spike of denials, over a death in between', async () => {
  const gate = { afterHours: 1, minConfidence: 0.9 };
  const config = join(folder, 'verify.yaml');
  writeFileSync(
    config,
    JSON.stringify({
      promote: { shadow: gate, audit: gate, canary: gate, enforce: { ...gate, approval: true } },
      spike: { denials: 5, withinMinutes: 10 },
      rollback: { enforce: true },
      quietMs: 300,
      evidenceMs: 1,
      orphanMs: 2000,
    }),
  );
  const discovery = start('discovery');
  let verify = start('verify', '--config', config);
  const learn = (hours: number) => send('behaviours.v1', `${policyId}/web`, seen(hours, '/a', '/b'));

  await learn(0);
  await reached('1 candidate');
  await learn(3);
  await reached('2 shadow');
  verify.kill('SIGKILL');
  await once(verify, 'exit');
  await learn(6);
  verify = start('verify', '--config', config);
  await reached('3 audit');
  await learn(9);
  await reached('4 canary');
  await learn(12);

  // The last step is a person's, and is bound to the content.
  const [candidate] = await read<Policy>('policies.v1');
  expect(sluice('approve', policyId, '--digest', 'sha256:other')).toMatchObject({ status: 2, stdout: '' });
  expect(sluice('approve', policyId, '--digest', candidate!.digest, '--reason', 'read it').status).toBe(0);
  await reached('5 enforce');

  const enforced = (await read<Policy>('policies.v1')).find(({ generation }) => generation === 5)!;
  const denials = Array.from(
    { length: 6 },
    (_, i): Alert => ({
      ...alert(enforced, i + 1),
      time: (Date.now() + i) * 1000,
    }),
  );
  await send('alerts.v1', 'east/shop/web', ...denials);
  await reached('6 audit');

  const transitions = await read<PolicyTransition>('policy-transitions.v1');
  expect(transitions.map(({ generation, from, to, by }) => [generation, from, to, by])).toEqual([
    [1, 'LEARNING', 'CANDIDATE', 'discovery'],
    [2, 'CANDIDATE', 'SHADOW', 'verify'],
    [3, 'SHADOW', 'AUDIT', 'verify'],
    [4, 'AUDIT', 'CANARY', 'verify'],
    [5, 'CANARY', 'ENFORCE', 'verify'],
    [6, 'ENFORCE', 'AUDIT', 'verify'],
  ]);
  expect(transitions[5]!.reason).toMatch(/^taken back: 5 denials/);
  expect(await read<PolicyFinding>('policy-findings.v1')).toMatchObject([
    { type: 'DENIAL_SPIKE', generation: 5 },
  ]);

  const history = sluice('history', policyId, '-o', 'json');
  expect(
    history.stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line).stage),
  ).toEqual([...['CANDIDATE', 'SHADOW', 'AUDIT', 'CANARY', 'ENFORCE', 'AUDIT']]);
  expect(sluice('findings')).toMatchObject({ status: 1, stdout: expect.stringContaining('denial-spike') });

  // Drift of what acts is told, and becomes the next generation when a person says so.
  await send('behaviours.v1', `${policyId}/web`, seen(0, '/a', '/b', '/c'));
  await expect
    .poll(() => read<PolicyFinding>('policy-findings.v1'), { timeout: 30_000 })
    .toMatchObject([
      { type: 'DENIAL_SPIKE' },
      { type: 'DRIFT', summary: 'not admitted: reads /c, by /usr/bin/web' },
    ]);
  expect(sluice('accept', policyId, '--dry-run')).toMatchObject({
    status: 1,
    stdout: expect.stringContaining('+ reads /c'),
  });
  expect(sluice('accept', policyId).status).toBe(0);
  await reached('7 audit');
  expect(sluice('diff', policyId)).toMatchObject({
    status: 1,
    stdout: expect.stringContaining('+ reads /c'),
  });
  expect(sluice('diff', `${policyId}@5`, `${policyId}@6`)).toMatchObject({ status: 0, stdout: '' });
  expect(sluice('get', policyId).stdout).toContain('path: /c');
  expect(JSON.parse(sluice('get', policyId, '--generation', '5', '-o', 'json').stdout)).toEqual(
    enforced.documents.map(({ content }) => JSON.parse(content)),
  );
  expect(sluice('get', policyId, '--rules').stdout).toMatch(/^file\/[0-9a-f]{12} .* reads \/c$/m);
  expect(sluice('explain', policyId).stdout).toContain('confidence 1.0000: 3 behaviours');
  expect(sluice('rollback', policyId, '--generation', '5').status).toBe(0);
  await reached('8 enforce');
  expect(sluice('retire', policyId).status).toBe(0);
  await reached('9 retired');

  for (const child of [discovery, verify]) {
    child.kill('SIGTERM');
    expect(child.exitCode ?? (await once(child, 'exit'))[0]).toBe(0);
  }
}, 240_000);
