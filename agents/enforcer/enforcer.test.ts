import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type MemoryClient, type MemoryLog, memoryLog } from '#kafka';
import { documentOf, parsePolicyText, policyDigest } from '#policy';
import {
  type Alert,
  entityKey,
  localSerdes,
  type Policy,
  type RecordTopicName,
  type Stage,
  type TopicRecord,
  topicName,
  topicSpecs,
  withDefaults,
} from '#schemas';
import { Enforcer } from './enforcer.ts';
import type { EnforcerOptions } from './enforcer-options.ts';
import { FakeKernel } from './fake-kernel.ts';
import { eventClass } from './kernel-event.ts';
import { decidePath } from './kernel-model.ts';

const serdes = localSerdes();
const containerId = 'c'.repeat(64);
const policyId = 'c1/shop/Deployment/web';
const web = `
apiVersion: security.kubearmor.com/v1
kind: KubeArmorPolicy
metadata: { name: web, namespace: shop }
spec:
  selector: { matchLabels: { app: web } }
  severity: 7
  tags: [CIS]
  message: not what nginx does
  action: Allow
  process: { matchPaths: [{ path: /usr/sbin/nginx }] }
  file: { matchDirectories: [{ dir: /usr/, recursive: true, readOnly: true }] }
`;

let kernel: FakeKernel;
let log: MemoryLog;
let client: MemoryClient;
let cgroupRoot: string;
let cgroupId: number;
let enforcers: Enforcer[];
let lines: string[];

beforeEach(async () => {
  kernel = new FakeKernel();
  log = memoryLog();
  client = log.client();
  await (await client.admin()).createTopics(topicSpecs('default'));
  cgroupRoot = mkdtempSync(join(tmpdir(), 'sluice-cgroup-'));
  enforcers = [];
  lines = [];
  cgroupId = addContainer(containerId);
});

afterEach(async () => {
  await Promise.all(enforcers.map(enforcer => enforcer.close(0)));
  kernel.close();
  rmSync(cgroupRoot, { recursive: true, force: true });
});

function addContainer(id: string): number {
  const path = join(cgroupRoot, `kubepods/burstable/pod1f0d7c3e-55aa-4b1c-9e0f-0123456789ab/${id}`);
  mkdirSync(path, { recursive: true });
  return statSync(path).ino;
}

function start(over: Partial<EnforcerOptions> = {}): Enforcer {
  const line = (level: string) => (facts: object, text: string) => {
    lines.push(`${level} ${text} ${JSON.stringify(facts)}`);
  };
  const enforcer = new Enforcer({
    tenant: 'default',
    cluster: 'c1',
    node: 'n1',
    version: '1',
    loaderCommand: kernel.command,
    cgroupRoot,
    standaloneContainers: false,
    canaryNode: false,
    reportAllowed: true,
    spoolBytes: 1_000_000,
    flushMs: 5,
    healthMs: 50,
    rescanMs: 500,
    client,
    openSerdes: async () => serdes,
    log: { info: line('info'), warn: line('warn'), error: line('error') },
    onFailed: error => lines.push(`failed ${error.message}`),
    ...over,
  });
  enforcers.push(enforcer);
  enforcer.start();
  return enforcer;
}

async function put<T extends RecordTopicName>(
  name: T,
  key: string,
  value: TopicRecord<T> | null,
): Promise<void> {
  const bytes = value === null ? null : serdes.of(name).serialize(value as never);
  await (await client.producer()).send([
    { topic: topicName('default', name), key: Buffer.from(key), value: bytes },
  ]);
}

async function putPod(): Promise<void> {
  const change = withDefaults('EntityChange', {
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
      containers: [withDefaults('PodContainer', { name: 'nginx', id: containerId, image: 'nginx:1' })],
    }),
  });
  await put('entities.v1', entityKey(change), change);
}

function policyOf(yaml: string, over: { generation?: number; stage?: Stage } = {}): Policy {
  const target = withDefaults('PolicyTarget', { cluster: 'c1', namespace: 'shop' });
  const documents = parsePolicyText(yaml, 'test').map(documentOf);
  const digest = policyDigest({ target, documents });
  return withDefaults('Policy', {
    policyId,
    generation: 1,
    stage: 'ENFORCE',
    ...over,
    digest,
    target,
    documents,
  });
}

const putPolicy = (yaml: string, over?: Parameters<typeof policyOf>[1]) =>
  put('policies.v1', policyId, policyOf(yaml, over));

function records<T extends RecordTopicName>(name: T): { key: string; value: TopicRecord<T> }[] {
  return log.records(topicName('default', name)).map(({ key, value }) => ({
    key: key!.toString('utf8'),
    value: serdes.of(name).deserialize(value!),
  }));
}

async function until<T>(what: string, ask: () => T | undefined | false): Promise<T> {
  const end = performance.now() + 8000;
  for (;;) {
    const answer = ask();
    if (answer) return answer;
    if (performance.now() > end) throw new Error(`waited for ${what}; log:\n${lines.join('\n')}`);
    await new Promise(resolve => setTimeout(resolve, 10));
  }
}

const lastStatus = () => records('policy-status.v1').at(-1)?.value;
const lastHealth = () => records('agents.health.v1').at(-1)?.value;
const open = (path: string) => ({
  scope: cgroupId,
  class: eventClass.file,
  op: 1,
  path,
  executable: '/usr/sbin/nginx',
});

async function enforced(): Promise<number> {
  await putPod();
  await putPolicy(web);
  return (await until('rules', () => kernel.rulesOf(cgroupId))).id;
}

function denial(ruleset: number, ruleId: string) {
  const { rule, generation } = kernel.rulesOf(cgroupId)!.names.find(name => name.ruleId === ruleId)!;
  return { ...open('/etc/shadow'), verdict: 'DENY' as const, ruleset, rule, generation };
}

describe('the enforcer', () => {
  it('observes a container before anyone knows whose it is, and names its workload once the entity is there', async () => {
    start();
    await until('the scope', () => kernel.scopes.has(cgroupId));
    kernel.happen(open('/etc/hosts'));
    const first = await until('an event', () => records('events.file.v1')[0]);
    expect(first.key).toBe(`c1//${containerId}`);
    expect(first.value).toMatchObject({
      origin: { cluster: 'c1', node: 'n1', agent: 'enforcer', bootId: 'boot-1', sequence: 1 },
      time: kernel.bootEpochUs + 1000,
      container: { id: containerId, podUid: '1f0d7c3e-55aa-4b1c-9e0f-0123456789ab', workload: '' },
      file: { operation: 'OPEN', path: '/etc/hosts', read: true, write: false },
      verdict: 'ALLOW',
    });
    await putPod();
    await until('the identity', () => lines.some(line => line.includes('container identified')));
    kernel.happen(open('/etc/hosts'));
    const second = await until('an event', () =>
      records('events.file.v1').find(each => each.key !== first.key),
    );
    expect(second.key).toBe('c1/shop/web');
    expect(second.value.container).toMatchObject({ name: 'nginx', pod: 'web-1', workloadKind: 'Deployment' });
  });

  it('puts the rules of a policy, says so, and names the rule in the alert and nowhere else', async () => {
    start();
    const ruleset = await enforced();
    const rules = kernel.rulesOf(cgroupId)!;
    const decide = (path: string, access: 'read' | 'write') =>
      decidePath(rules, { kernelClass: eventClass.file, path, access }).verdict;
    expect([
      decide('/usr/lib/x', 'read'),
      decide('/usr/lib/x', 'write'),
      decide('/etc/shadow', 'read'),
    ]).toEqual(['ALLOW', 'DENY', 'DENY']);
    const status = await until('the status', lastStatus);
    expect(status).toMatchObject({
      policyId,
      generation: 1,
      state: 'APPLIED',
      rules: 4,
      containers: [containerId],
    });
    kernel.happen(denial(ruleset, 'file/default'));
    const alert = await until('the alert', () => records('alerts.v1')[0]);
    expect(alert.key).toBe('c1/shop/web');
    expect(alert.value).toMatchObject({
      origin: { sequence: 1 },
      verdict: 'DENY',
      rule: { policyId, ruleId: 'file/default', generation: 1 },
      severity: 7,
      tags: ['CIS'],
      message: 'not what nginx does',
      file: { path: '/etc/shadow' },
      execution: null,
      container: { workload: 'web', name: 'nginx' },
    });
    expect(records('events.file.v1')).toEqual([]);
  });

  it('denies nothing for a policy in audit, and takes rules away with a tombstone', async () => {
    start();
    await putPod();
    await putPolicy(web, { stage: 'AUDIT' });
    const rules = await until('rules', () => kernel.rulesOf(cgroupId));
    expect(decidePath(rules, { kernelClass: eventClass.file, path: '/etc/x', access: 'read' }).verdict).toBe(
      'AUDIT',
    );
    await put('policies.v1', policyId, null);
    await until('no rules', () => kernel.scopes.get(cgroupId) && !kernel.rulesOf(cgroupId));
    expect(await until('the status', () => lastStatus()?.state === 'REMOVED')).toBe(true);
  });

  it.each([
    [
      'what cannot be enforced',
      web.replace('path: /usr/sbin/nginx', 'path: /usr/sbin/nginx, ownerOnly: true'),
      2,
      'ownerOnly',
    ],
    ['a generation that goes back', web, 0, 'older than 1'],
    ['another meaning of the same generation', web.replace('/usr/', '/opt/'), 1, 'another digest or stage'],
  ])('refuses %s, says why, and leaves in force what is', async (_, yaml, generation, reason) => {
    start();
    const ruleset = await enforced();
    await until('the status', lastStatus);
    await putPolicy(yaml, { generation });
    const status = await until('the refusal', () => {
      const last = lastStatus();
      return last?.state === 'REJECTED' && last;
    });
    expect(status.reason).toContain(reason);
    expect(status.reason).toContain('generation 1 stays in force');
    expect(status).toMatchObject({ generation, containers: [containerId] });
    expect(kernel.rulesOf(cgroupId)!.id).toBe(ruleset);
  });

  it('leaves what is in force alone when a mere candidate comes', async () => {
    start();
    const ruleset = await enforced();
    await putPolicy(web.replace('/usr/', '/opt/'), { generation: 2, stage: 'CANDIDATE' });
    await putPolicy(web.replace('severity: 7', 'severity: 8'), { generation: 3 });
    const next = await until('generation 3', () => {
      const rules = kernel.rulesOf(cgroupId)!;
      return rules.id !== ruleset && rules;
    });
    expect(new Set(next.names.map(name => name.generation))).toEqual(new Set([3]));
    expect(kernel.puts).toHaveLength(2);
  });

  it('swaps only what changed: an entity that changes nothing puts nothing', async () => {
    start();
    await enforced();
    await putPod();
    await putPod();
    await new Promise(resolve => setTimeout(resolve, 200));
    expect(kernel.puts).toHaveLength(1);
  });

  it('says what the kernel part refused, and tries again', async () => {
    start();
    kernel.refuseWith = 12;
    await putPod();
    await putPolicy(web);
    const status = await until('the status', lastStatus);
    expect(status).toMatchObject({ state: 'PENDING', containers: [] });
    expect(status.reason).toMatch(/the kernel part refused its rules: errno 12/);
  });

  it('puts a bad record aside with where it came from, and takes the next', async () => {
    start();
    const topic = topicName('default', 'policies.v1');
    await (await client.producer()).send([{ topic, key: Buffer.from('x'), value: Buffer.from('garbage') }]);
    await enforced();
    const letter = await until('the dead letter', () => records('dead-letters.v1')[0]);
    expect(letter.value).toMatchObject({ topic, application: 'enforcer', code: 'RECORD_CORRUPT' });
    expect(letter.value.value!.toString()).toBe('garbage');
  });

  it('starts another loader when one is killed, keeps the rules, and counts what was lost on the way', async () => {
    start();
    const ruleset = await enforced();
    await until('the books', () => lines.some(line => line.includes('the books are open')));
    kernel.happen(open('/usr/a'));
    await until('an event', () => records('events.file.v1').length === 1);
    kernel.withhold();
    kernel.happen(open('/usr/lost'));
    kernel.loseRing();
    kernel.killLoader();
    kernel.happen(denial(ruleset, 'file/default'));
    kernel.release();
    const alert = await until('the alert', () => records('alerts.v1')[0]);
    expect(alert.value.rule).toEqual({ policyId, ruleId: 'file/default', generation: 1 });
    const health = await until('the declared loss', () => {
      const last = lastHealth();
      return last?.dropped.restart === 1 && last;
    });
    expect(health).toMatchObject({ emitted: 3, delivered: 2, spooled: 0, dropped: { restart: 1 } });
    expect(kernel.rulesOf(cgroupId)!.id).toBe(ruleset);
    expect(kernel.puts).toHaveLength(1);
  });

  it('adopts what a killed predecessor left, without a swap, and goes on with its count', async () => {
    const first = start();
    const ruleset = await enforced();
    kernel.happen(open('/usr/a'));
    await until('health', () => lastHealth()?.delivered === 1);
    // Killed: nothing it holds reaches the broker any more.
    kernel.withhold();
    kernel.happen(open('/usr/in-its-hands'));
    kernel.loseRing();
    const killed = client;
    client = log.client();
    killed.kill();
    await first.close(0);
    kernel.happen(denial(ruleset, 'file/default'));
    kernel.overflow(2);
    kernel.release();

    start();
    const alert = await until('the alert of meanwhile', () => records('alerts.v1')[0]);
    expect((alert.value as Alert).rule).toEqual({ policyId, ruleId: 'file/default', generation: 1 });
    expect(alert.value).toMatchObject({ severity: 7, container: { workload: 'web' } });
    const status = await until('the adoption', () => {
      const last = lastStatus();
      return last?.state === 'ADOPTED' && last;
    });
    expect(status).toMatchObject({ policyId, generation: 1, containers: [containerId] });
    expect(kernel.puts).toHaveLength(1);
    const health = await until('the sums', () => {
      const last = lastHealth();
      return last?.spooled === 0 && last.emitted === 5 && last;
    });
    expect(health.dropped).toEqual({ restart: 1, 'ring-full': 2 });
    expect(health.delivered).toBe(2);
    expect(lines.filter(line => line.startsWith('error'))).toEqual([]);
  });

  it('keeps pinned rules whose policy record cannot be read any more', async () => {
    const first = start();
    const ruleset = await enforced();
    await first.close();
    await putPolicy(web.replace('recursive: true', 'recursive: true, ownerOnly: true'), { generation: 2 });
    start();
    const status = await until('the refusal', () => {
      const last = lastStatus();
      return last?.state === 'REJECTED' && last;
    });
    expect(status.reason).toContain('generation 1 stays in force');
    expect(kernel.rulesOf(cgroupId)!.id).toBe(ruleset);
    await putPolicy(web, { generation: 3 });
    await until('generation 3', () => kernel.rulesOf(cgroupId)!.names.every(name => name.generation === 3));
  });

  it('holds events back in the kernel while the broker is away, and loses none', async () => {
    const away = log.client();
    let isAway = true;
    start({
      client: {
        ...away,
        async producer() {
          const producer = await away.producer();
          return {
            ...producer,
            send: async list => {
              if (isAway) throw new Error('no broker');
              return producer.send(list);
            },
          };
        },
      },
      spoolBytes: 5000,
    });
    await until('the scope', () => kernel.scopes.has(cgroupId));
    await until('the books', () => lines.some(line => line.includes('the books are open')));
    for (let i = 0; i < 60; i++) kernel.happen(open(`/usr/${i}`));
    await until('pressure', () => lines.some(line => line.includes('events wait in the kernel')));
    isAway = false;
    await until('all events', () => records('events.file.v1').length === 60);
    const health = await until('the sums', () => {
      const last = lastHealth();
      return last?.delivered === 60 && last;
    });
    expect(health).toMatchObject({ emitted: 60, spooled: 0, dropped: {} });
  });

  it('waits with its events for the registry, while containers are observed already', async () => {
    let answers = 2;
    start({
      openSerdes: async () => {
        if (answers-- > 0) throw new Error('no registry');
        return serdes;
      },
    });
    await until('the scope', () => kernel.scopes.has(cgroupId));
    kernel.happen(open('/usr/early'));
    const event = await until('the event', () => records('events.file.v1')[0]);
    expect(event.value.file.path).toBe('/usr/early');
  });

  it('lets go of a container that is gone', async () => {
    start();
    await until('the scope', () => kernel.scopes.has(cgroupId));
    rmSync(join(cgroupRoot, 'kubepods'), { recursive: true });
    await until('the end of the scope', () => !kernel.scopes.has(cgroupId));
    kernel.happen(open('/usr/last'));
    const event = await until('its last event', () => records('events.file.v1')[0]);
    expect(event.value.container.id).toBe(containerId);
  });

  it('leaves scopes and rules where they are when it ends, and says last what it delivered', async () => {
    const enforcer = start({ healthMs: 60_000 });
    await enforced();
    await until('the books', () => lines.some(line => line.includes('the books are open')));
    for (let i = 0; i < 20; i++) kernel.happen(open(`/usr/${i}`));
    await enforcer.close();
    expect(kernel.rulesOf(cgroupId)).toBeDefined();
    expect(records('events.file.v1')).toHaveLength(20);
    expect(lastHealth()).toMatchObject({
      ...{ node: 'n1', agent: 'enforcer/c1/n1' },
      ...{ emitted: 20, delivered: 20, spooled: 0, dropped: {} },
    });
  });
});
