import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { kafkaClient } from '#kafka';
import { documentOf, parsePolicyText, policyDigest } from '#policy';
import { ccompatRegistry } from '#registry';
import { entityKey, openSerdes, withDefaults } from '#schemas';
import { FakeKernel } from './fake-kernel.ts';
import { eventClass } from './kernel-event.ts';
import { ObservedTopics, until } from './observed-topics.ts';

/** The enforcer's real process with a real broker and registry; only the kernel part is in memory. */

const tenant = `t${randomBytes(6).toString('hex')}`;
const bootstrapServers = inject('bootstrapServers');
const registryUrl = inject('registryUrl');
const client = kafkaClient({ bootstrapServers, clientId: 'enforcer-test' });
const kernel = new FakeKernel();
const cgroupRoot = mkdtempSync(join(tmpdir(), 'sluice-cgroup-'));
const containerId = 'd'.repeat(64);
const agents: ChildProcess[] = [];
let topics: ObservedTopics;
let cgroupId: number;
let told = '';

beforeAll(async () => {
  const serdes = await openSerdes({ registry: ccompatRegistry({ url: registryUrl }), tenant });
  topics = new ObservedTopics({ client, serdes, tenant });
  await topics.open();
  const path = join(cgroupRoot, `kubepods/burstable/pod1f0d7c3e-55aa-4b1c-9e0f-0123456789ab/${containerId}`);
  mkdirSync(path, { recursive: true });
  cgroupId = statSync(path).ino;
});

afterAll(async () => {
  topics.close();
  for (const agent of agents) agent.kill('SIGKILL');
  await client.close();
  kernel.close();
  rmSync(cgroupRoot, { recursive: true, force: true });
});

function startAgent(): ChildProcess {
  const agent = spawn(process.execPath, [join(import.meta.dirname, 'main.ts')], {
    env: {
      PATH: process.env.PATH,
      SLUICE_BOOTSTRAP_SERVERS: bootstrapServers,
      SLUICE_REGISTRY_URL: registryUrl,
      SLUICE_TENANT: tenant,
      SLUICE_CLUSTER: 'c1',
      SLUICE_NODE: 'n1',
      SLUICE_LOADER_PATH: kernel.loaderProgram(),
      SLUICE_CGROUP_ROOT: cgroupRoot,
      SLUICE_HEALTH_MS: '300',
    },
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  agents.push(agent);
  agent.stderr!.setEncoding('utf8').on('data', (text: string) => {
    told += text;
  });
  return agent;
}

const wait = <T>(what: string, ask: () => T | undefined | false) =>
  until(what, ask, { explain: () => `the agent said:\n${told}` });

const policyId = 'c1/shop/Deployment/web';
const pod = withDefaults('EntityChange', {
  cluster: 'c1',
  kind: 'Pod',
  namespace: 'shop',
  name: 'web-1',
  uid: 'u1',
  op: 'ADDED',
  observedAt: 1,
  pod: withDefaults('PodProjection', {
    labels: { app: 'web' },
    ownerKind: 'Deployment',
    owner: 'web',
    containers: [withDefaults('PodContainer', { name: 'nginx', id: containerId })],
  }),
});
const target = withDefaults('PolicyTarget', { cluster: 'c1', namespace: 'shop' });
const documents = parsePolicyText(
  `{apiVersion: security.kubearmor.com/v1, kind: KubeArmorPolicy, metadata: {name: web, namespace: shop},
    spec: {selector: {matchLabels: {app: web}}, action: Allow, file: {matchDirectories: [{dir: /usr/, recursive: true}]}}}`,
  'test',
).map(documentOf);
const digest = policyDigest({ target, documents });
const policy = withDefaults('Policy', {
  policyId,
  generation: 4,
  digest,
  stage: 'ENFORCE',
  target,
  documents,
});

/** Event times must be now: recovery reads from the time of the last statement. */
const sinceBootNs = () => (Date.now() * 1000 - kernel.bootEpochUs) * 1000;
const open = (path: string) => ({
  scope: cgroupId,
  class: eventClass.file,
  op: 1,
  path,
  timeNs: sinceBootNs(),
});

function denial() {
  const { id, names } = kernel.rulesOf(cgroupId)!;
  const { rule, generation } = names.find(name => name.ruleId === 'file/default')!;
  return { ...open('/etc/shadow'), verdict: 'DENY' as const, ruleset: id, rule, generation };
}

test('policy in, alert out within two seconds, and over a kill -9 nothing is lost without a number', async () => {
  kernel.bootEpochUs = Date.now() * 1000 - 3_600_000_000;
  const first = startAgent();
  await topics.put('entities.v1', entityKey(pod), pod);
  await topics.put('policies.v1', policyId, policy);
  await wait('the rules', () => kernel.rulesOf(cgroupId));
  await wait('the status', () => topics.seen('policy-status.v1').find(({ state }) => state === 'APPLIED'));

  for (let i = 0; i < 500; i++) kernel.happen(open(`/usr/${i % 50}`));
  const deniedAt = performance.now();
  kernel.happen(denial());
  const alert = await wait('the alert', () => topics.seen('alerts.v1')[0]);
  expect(performance.now() - deniedAt).toBeLessThan(2000);
  expect(alert).toMatchObject({
    rule: { policyId, ruleId: 'file/default', generation: 4 },
    container: { id: containerId, workload: 'web', pod: 'web-1', name: 'nginx' },
    file: { path: '/etc/shadow' },
  });
  await wait('all events', () => topics.seen('events.file.v1').length === 500);

  // Some are on their way when it is killed, some happen while nobody listens.
  for (let i = 0; i < 300; i++) kernel.happen(open('/usr/late'));
  first.kill('SIGKILL');
  await wait('the end of the first', () => first.signalCode !== null);
  kernel.withhold();
  for (let i = 0; i < 100; i++) kernel.happen(open('/usr/meanwhile'));
  kernel.happen(denial());
  kernel.release();
  const rules = kernel.rulesOf(cgroupId)!.id;

  const second = startAgent();
  await wait('the adoption', () => topics.seen('policy-status.v1').find(({ state }) => state === 'ADOPTED'));
  const health = await wait('settled books', () => {
    const last = topics.seen('agents.health.v1').at(-1);
    return last?.emitted === kernel.sequence && last.spooled === 0 && last;
  });
  const { emitted, delivered, dropped } = health;
  expect(topics.sequences().size).toBe(delivered);
  expect(emitted).toBe(delivered + Object.values(dropped).reduce((a, b) => a + b, 0));
  expect(Object.keys(dropped).filter(reason => reason !== 'restart')).toEqual([]);
  expect(topics.seen('alerts.v1').at(-1)).toMatchObject({ rule: { policyId, generation: 4 } });
  expect(kernel.rulesOf(cgroupId)!.id).toBe(rules);
  expect(kernel.puts).toHaveLength(1);

  second.kill('SIGTERM');
  await wait('its end', () => second.exitCode !== null);
  expect(second.exitCode).toBe(0);
  expect(kernel.rulesOf(cgroupId)!.id).toBe(rules);
});
