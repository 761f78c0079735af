import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bootGuest, type Guest, type GuestProcess } from '#guest';
import { kafkaClient, type LogClient } from '#kafka';
import { freePorts, type Stack, startStack } from '#local';
import { documentOf, parsePolicyText, policyDigest } from '#policy';
import { ccompatRegistry } from '#registry';
import { type Alert, entityKey, openSerdes, type Policy, withDefaults } from '#schemas';
import { layout } from './kernel-event.ts';
import { ObservedTopics, until } from './observed-topics.ts';

/** Both halves in a guest kernel, with a broker on the host; a shell in a cgroup and mount namespace is the container. */

const loaderPath = join(import.meta.dirname, 'bpf/build/sluice-loader');
const tenant = 'kernel';
const containerId = 'e'.repeat(64);
const uid = '1f0d7c3e_55aa_4b1c_9e0f_0123456789ab';
const cgroup = `/sys/fs/cgroup/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${uid}.slice/cri-containerd-${containerId}.scope`;
const policyId = 'c1/shop/Deployment/web';
const main = 'agents/enforcer/main.ts';

let stack: Stack;
let client: LogClient;
let topics: ObservedTopics;
let guest: Guest;
let agent: GuestProcess;
let told = '';

const documents = (blockedPath: string) =>
  parsePolicyText(
    `
apiVersion: security.kubearmor.com/v1
kind: KubeArmorPolicy
metadata: { name: web, namespace: shop }
spec:
  selector: { matchLabels: { app: web } }
  action: Allow
  severity: 8
  process: { matchDirectories: [{ dir: /usr/bin/, recursive: true }] }
  file:
    matchDirectories: [{ dir: /, recursive: true }, { dir: /etc/ssl/, recursive: true, readOnly: true }]
    matchPaths: [{ path: ${blockedPath}, action: Block, severity: 9, tags: [SECRET], message: not yours }]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: web, namespace: shop }
spec:
  podSelector: { matchLabels: { app: web } }
  policyTypes: [Egress]
  egress: [{ to: [{ ipBlock: { cidr: 10.0.2.0/24 } }], ports: [{ port: 53 }] }]
`,
    'test',
  ).map(documentOf);

function policyOf(generation: number, blockedPath = '/etc/shadow'): Policy {
  const target = withDefaults('PolicyTarget', { cluster: 'c1', namespace: 'shop' });
  const content = { target, documents: documents(blockedPath) };
  return withDefaults('Policy', {
    policyId,
    generation,
    stage: 'ENFORCE',
    digest: policyDigest(content),
    ...content,
  });
}

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
    node: 'guest',
    ownerKind: 'Deployment',
    owner: 'web',
    containers: [withDefaults('PodContainer', { name: 'nginx', id: containerId, image: 'nginx:1' })],
  }),
});

const wait = <T>(what: string, ask: () => T | undefined | false) =>
  until(what, ask, { limitMs: 300_000, explain: () => `the agent said:\n${told.slice(-6000)}` });

/** Runs a command as the container does: in its cgroup, with a mount namespace of its own. */
async function inContainer(command: string): Promise<{ exitCode: number; output: string }> {
  const quoted = command.replaceAll("'", `'\\''`);
  return guest.exec(`unshare -m bash -c 'echo $$ > ${cgroup}/cgroup.procs; exec bash -c "$0"' '${quoted}'`);
}

async function startAgent(again = true): Promise<void> {
  const { bootstrapServers, registryUrl } = stack.guest!;
  const env = `SLUICE_BOOTSTRAP_SERVERS=${bootstrapServers} SLUICE_REGISTRY_URL=${registryUrl} SLUICE_TENANT=${tenant} \
    SLUICE_CLUSTER=c1 SLUICE_NODE=guest SLUICE_HEALTH_MS=500`;
  const before = told.length;
  agent = await guest.spawn(`exec env ${env} node ${main}`, {
    onOutput: text => {
      told += text;
    },
  });
  // In an emulated CPU a process now and then hangs before its first line; a supervisor would start it again, once.
  const spoke = await until('its first line', () => told.length > before, { limitMs: 100_000 }).catch(
    () => false,
  );
  if (spoke || !again) return;
  process.stderr.write('the enforcer said nothing for 100 s and is started again\n');
  agent.kill('KILL');
  await startAgent(false);
}

async function alertOf(
  attempt: () => Promise<{ exitCode: number; output: string }>,
  fits: (alert: Alert) => boolean,
) {
  const before = topics.seen('alerts.v1').length;
  const result = await attempt();
  const endedAt = performance.now();
  expect(result.output).toMatch(/permission denied/i);
  expect(result.exitCode).not.toBe(0);
  const alert = await wait('the alert', () => topics.seen('alerts.v1').slice(before).find(fits));
  expect(performance.now() - endedAt).toBeLessThan(2000);
  return alert;
}

beforeAll(async () => {
  stack = await startStack({
    ephemeral: true,
    guestListener: { port: (await freePorts(1))[0]!, advertisedHost: '10.0.2.2' },
  });
  client = kafkaClient({ bootstrapServers: stack.bootstrapServers, clientId: 'enforcer-kernel-test' });
  const serdes = await openSerdes({ registry: ccompatRegistry({ url: stack.registryUrl }), tenant });
  topics = new ObservedTopics({ client, serdes, tenant });
  await topics.open();
  guest = await bootGuest({ memoryMb: 2048 });
  await startAgent();
  await wait('the first statement', () => topics.seen('agents.health.v1')[0]);
});

afterAll(async () => {
  topics?.close();
  await guest?.shutdown();
  await client?.close();
  await stack?.stop();
});

describe('the enforcer in a guest kernel', () => {
  it('reads events at the offsets at which the loader was compiled to write them', () => {
    const told = JSON.parse(execFileSync(loaderPath, ['--layout'], { encoding: 'utf8' })) as {
      eventBytes: number;
      fields: Record<string, { offset: number }>;
    };
    const snake = (name: string) => name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`);
    const { texts, ...fields } = layout;
    expect(told.eventBytes).toBe(texts);
    for (const [name, offset] of Object.entries(fields)) {
      expect(`${name} ${told.fields[snake(name)]?.offset}`).toBe(`${name} ${offset}`);
    }
  });

  it('sees what a container does from its start, before anyone knows whose it is', async () => {
    await guest.exec(`mkdir -p ${cgroup}; sleep 1`);
    expect((await inContainer('cat /etc/shadow > /dev/null; echo read')).output).toContain('read');
    await wait('the exec', () =>
      topics.seen('events.process.v1').find(({ execution }) => execution.path === '/usr/bin/cat'),
    );
    const opened = await wait('the open', () =>
      topics.seen('events.file.v1').find(({ file }) => file.path === '/etc/shadow'),
    );
    expect(opened).toMatchObject({
      verdict: 'ALLOW',
      container: { id: containerId, podUid: uid.replaceAll('_', '-'), workload: '' },
      process: { executable: '/usr/bin/cat', comm: 'cat', uid: 0 },
      file: { operation: 'OPEN', read: true, write: false },
    });
    expect(Math.abs(opened.time / 1000 - Date.now())).toBeLessThan(60_000);
  });

  it('denies what the policy forbids, and says which rule of which generation did', async () => {
    await topics.put('entities.v1', entityKey(pod), pod);
    await topics.put('policies.v1', policyId, policyOf(1));
    const status = await wait('the status', () => topics.seen('policy-status.v1').at(-1));
    expect(status).toMatchObject({ state: 'APPLIED', generation: 1, containers: [containerId] });

    const read = await alertOf(
      () => inContainer('cat /etc/shadow'),
      ({ file }) => file?.path === '/etc/shadow',
    );
    expect(read).toMatchObject({
      verdict: 'DENY',
      rule: { policyId, generation: 1, ruleId: expect.stringMatching(/^file\/[0-9a-f]{12}$/) },
      severity: 9,
      tags: ['SECRET'],
      message: 'not yours',
      container: { id: containerId, name: 'nginx', pod: 'web-1', workload: 'web', namespace: 'shop' },
    });
    const exec = await alertOf(
      () => inContainer('/usr/sbin/chroot --version'),
      ({ execution }) => execution?.path === '/usr/sbin/chroot',
    );
    expect(exec.rule).toEqual({ policyId, ruleId: 'process/default', generation: 1 });
    const connect = await alertOf(
      () => inContainer('echo > /dev/tcp/10.0.2.2/5000'),
      ({ network }) => network?.remotePort === 5000,
    );
    expect(connect).toMatchObject({
      rule: { policyId, ruleId: 'egress/default', generation: 1 },
      network: { operation: 'CONNECT', transport: 'TCP', remoteAddress: '10.0.2.2' },
    });
    const write = await alertOf(
      () => inContainer('echo > /etc/ssl/x'),
      ({ file }) => file?.path === '/etc/ssl/x',
    );
    expect(write.file?.write).toBe(true);
    const allowed = await inContainer('cat /etc/passwd > /dev/null && ls /etc/ssl > /dev/null && echo fine');
    expect(allowed.output).toContain('fine');
  });

  it('goes from one generation to the next', async () => {
    await topics.put('policies.v1', policyId, policyOf(2, '/etc/gshadow'));
    await wait('generation 2', () => topics.seen('policy-status.v1').find(status => status.generation === 2));
    expect((await inContainer('cat /etc/shadow > /dev/null && echo fine')).output).toContain('fine');
    const read = await alertOf(
      () => inContainer('cat /etc/gshadow'),
      ({ file }) => file?.path === '/etc/gshadow',
    );
    expect(read.rule.generation).toBe(2);
  });

  it('enforces on while both halves are dead, is adopted by the next, and no number is lost', async () => {
    await guest.exec(`kill -9 ${agent.pid} $(pgrep -x sluice-loader)`);
    await agent.exited.catch(() => {});
    const before = topics.seen('alerts.v1').length;
    expect((await inContainer('cat /etc/gshadow')).output).toMatch(/permission denied/i);
    await startAgent();
    const alert = await wait('the alert of meanwhile', () =>
      topics
        .seen('alerts.v1')
        .slice(before)
        .find(({ file }) => file?.path === '/etc/gshadow'),
    );
    expect(alert).toMatchObject({
      rule: { policyId, generation: 2 },
      container: { workload: 'web' },
      severity: 9,
    });
    const status = await wait('the adoption', () =>
      topics.seen('policy-status.v1').find(({ state }) => state === 'ADOPTED'),
    );
    expect(status).toMatchObject({ generation: 2, containers: [containerId] });

    agent.kill('TERM');
    expect(await agent.exited).toBe(0);
    const { emitted, delivered, spooled, dropped } = topics.seen('agents.health.v1').at(-1)!;
    await wait('all that was delivered', () => topics.sequences().size >= delivered);
    expect(spooled).toBe(0);
    expect(topics.sequences().size).toBe(delivered);
    expect(emitted).toBe(delivered + Object.values(dropped).reduce((a, b) => a + b, 0));
    expect(dropped.unexplained ?? 0).toBe(0);
  });
});
