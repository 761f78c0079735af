import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { kafkaClient, type LogClient, type OutgoingRecord } from '#kafka';
import { type EphemeralRedis, startEphemeralRedis } from '#local';
import { ccompatRegistry } from '#registry';
import { openSerdes, type RecordTopicName, topicName, topicSpecs } from '#schemas';
import {
  entities,
  eventMaker,
  keyOf,
  ordinaryEvents,
  pods,
  topicOf,
} from '../pipelines/enrich/sample-cluster.ts';
import { JobQueue, type JobStatus } from '../pipelines/verify/jobs/index.ts';

const tenants = [`jobs-a-${process.pid}`, `jobs-b-${process.pid}`] as const;
const [tenant] = tenants;
const main = join(import.meta.dirname, 'main.ts');
const worker = join(import.meta.dirname, '../pipelines/verify/jobs/main.ts');
/** Enough for a job to be in the middle of when it is looked at. */
const many = 100_000;
let folder: string;
let client: LogClient;
let redis: EphemeralRedis;
const running: ChildProcess[] = [];
const queues = new Map<string, JobQueue>();

const where = () => [
  '--bootstrap-servers',
  inject('bootstrapServers'),
  '--registry-url',
  inject('registryUrl'),
];

function sluice(...args: string[]) {
  return spawnSync(process.execPath, [main, ...args], { encoding: 'utf8', cwd: folder });
}

function addJob(of: string, ...args: string[]): string {
  const { stdout, stderr, status } = sluice(
    ...['jobs', 'add', ...args, '--redis-url', redis.url, '--tenant', of],
  );
  expect(status, stderr).toBe(0);
  return stdout.trim();
}

/** A worker as it is run anywhere, but sooner with everything. */
function startWorker(): ChildProcess {
  const child = spawn(process.execPath, [worker], {
    env: {
      ...process.env,
      ...{ SLUICE_BOOTSTRAP_SERVERS: inject('bootstrapServers'), SLUICE_REGISTRY_URL: inject('registryUrl') },
      ...{ SLUICE_REDIS_URL: redis.url, SLUICE_TENANT: tenants.join(',') },
      ...{ SLUICE_LOCK_MS: '6000', SLUICE_CHECKPOINT_MS: '100' },
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  running.push(child);
  return child;
}

async function stop(child: ChildProcess, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  child.kill(signal);
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

async function statusOf(of: string, id: string): Promise<JobStatus> {
  return queues.get(of)!.status(id);
}

const reaches = (of: string, id: string, wanted: (status: JobStatus) => boolean) =>
  expect.poll(async () => wanted(await statusOf(of, id)), { timeout: 90_000, interval: 50 }).toBe(true);
const isDone = ({ state }: JobStatus) => state === 'done';
const isUnderWay = ({ state, records }: JobStatus) => state === 'running' && records > 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-jobs-'));
  redis = await startEphemeralRedis();
  client = kafkaClient({ bootstrapServers: inject('bootstrapServers'), clientId: tenant });
  const admin = await client.admin();
  const producer = await client.producer();
  const registry = ccompatRegistry({ url: inject('registryUrl') });
  for (const of of tenants) {
    const serdes = await openSerdes({ registry, tenant: of });
    await admin.createTopics(topicSpecs(of, { partitions: 2 }));
    const record = (topic: RecordTopicName, key: string, value: unknown): OutgoingRecord => ({
      ...{ topic: topicName(of, topic), key: Buffer.from(key) },
      value: serdes.of(topic).serialize(value as never),
    });
    const make = eventMaker('boot-many');
    await producer.send([
      ...entities().map(value => record('entities.v1', keyOf.entity(value), value)),
      ...ordinaryEvents().map(value => record(topicOf(value), keyOf.event(value), value)),
    ]);
    for (let sent = 0; sent < many; sent += 10_000) {
      const events = Array.from({ length: 10_000 }, (_, i) => make.open({ pod: pods.web0 }, `/srv/${i % 7}`));
      await producer.send(events.map((event, i) => record('events.file.v1', String(i), event)));
    }
    queues.set(of, await JobQueue.open({ redisUrl: redis.url, tenant: of }));
  }
});
afterEach(async () => {
  await Promise.all(running.splice(0).map(child => stop(child, 'SIGKILL')));
});
afterAll(async () => {
  for (const queue of queues.values()) await queue.close();
  await client?.close();
  await redis?.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('jobs on a real Redis', () => {
  it('go on after their worker was killed, from the last checkpoint, and read each event once', async () => {
    const whole = sluice('replay', '--out', 'whole', ...where(), '--tenant', tenant);
    expect(whole.stderr).toContain(`${many + 18} events learned`);
    const id = addJob(tenant, 'replay', '--from', 'topic');
    const first = startWorker();
    await reaches(tenant, id, isUnderWay);
    await stop(first, 'SIGKILL');
    const left = await statusOf(tenant, id);
    expect(left.records).toBeGreaterThan(0);
    expect(left.records).toBeLessThan(many);
    startWorker();
    await reaches(tenant, id, isDone);
    const status = await statusOf(tenant, id);
    expect(status).toMatchObject({ records: many + 18, starts: 2 });
    const log = sluice('jobs', 'log', id, '--redis-url', redis.url, '--tenant', tenant).stdout;
    expect(Number(/goes on at record (\d+)/.exec(log)?.[1])).toBeGreaterThan(0);
    const result = sluice(
      'jobs',
      'result',
      id,
      '--out',
      'resumed',
      '--redis-url',
      redis.url,
      '--tenant',
      tenant,
    );
    expect(result.status, result.stderr).toBe(0);
    expect(result.stderr).toContain(`${many + 18} events learned`);
    expect(readdirSync(join(folder, 'resumed'))).toEqual(readdirSync(join(folder, 'whole')));
    const diff = spawnSync('diff', ['-r', 'whole', 'resumed'], { encoding: 'utf8', cwd: folder });
    expect(diff.stdout).toBe('');
  });

  it('are given back by a worker that is asked to end, and counted right by the next', async () => {
    writeFileSync(
      join(folder, 'closed.json'),
      JSON.stringify({
        ...{ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy' },
        metadata: { name: 'closed', namespace: 'shop' },
        spec: { podSelector: {}, policyTypes: ['Egress'] },
      }),
    );
    const id = addJob(tenant, 'simulate', '--policies', 'closed.json', '--from', 'topic');
    const first = startWorker();
    await reaches(tenant, id, isUnderWay);
    await stop(first, 'SIGTERM');
    expect(await statusOf(tenant, id)).toMatchObject({ state: 'waiting' });
    startWorker();
    await reaches(tenant, id, isDone);
    const { status, stdout } = sluice(
      ...['jobs', 'result', id, '-o', 'json', '--redis-url', redis.url, '--tenant', tenant],
    );
    expect(status).toBe(1);
    const now = sluice(
      ...[
        'simulate',
        '--policies',
        'closed.json',
        '--from',
        'topic',
        '-o',
        'json',
        ...where(),
        '--tenant',
        tenant,
      ],
    );
    expect(JSON.parse(stdout)).toEqual(JSON.parse(now.stdout));
  });

  it('wait for each other within a tenant, and not for those of another', async () => {
    const [first, second] = [addJob(tenants[0], 'replay'), addJob(tenants[0], 'replay')];
    const other = addJob(tenants[1], 'replay');
    startWorker();
    startWorker();
    let together = 0;
    let mostOfOne = 0;
    await expect
      .poll(
        async () => {
          const states = await Promise.all([
            statusOf(tenants[0], first),
            statusOf(tenants[0], second),
            statusOf(tenants[1], other),
          ]);
          const [a, b, c] = states.map(({ state }) => state === 'running') as [boolean, boolean, boolean];
          mostOfOne = Math.max(mostOfOne, Number(a) + Number(b));
          if ((a || b) && c) together += 1;
          return states.every(isDone);
        },
        { timeout: 120_000, interval: 50 },
      )
      .toBe(true);
    expect(mostOfOne).toBe(1);
    expect(together).toBeGreaterThan(0);
    const [a, b] = [await statusOf(tenants[0], first), await statusOf(tenants[0], second)];
    const [earlier, later] = a.startedAt! < b.startedAt! ? [a, b] : [b, a];
    expect(later.startedAt!).toBeGreaterThanOrEqual(earlier.endedAt!);
  });

  it('end within seconds when they are cancelled, running or waiting', async () => {
    const [first, second] = [addJob(tenant, 'replay'), addJob(tenant, 'replay')];
    startWorker();
    await expect
      .poll(
        async () => isUnderWay(await statusOf(tenant, first)) || isUnderWay(await statusOf(tenant, second)),
        {
          ...{ timeout: 60_000, interval: 50 },
        },
      )
      .toBe(true);
    const startMs = performance.now();
    const queue = queues.get(tenant)!;
    for (const id of [first, second]) await queue.cancel(id, 'somebody');
    const isCancelled = ({ state, endedAt }: JobStatus) => state === 'cancelled' && endedAt !== null;
    await reaches(tenant, first, isCancelled);
    await reaches(tenant, second, isCancelled);
    expect(performance.now() - startMs).toBeLessThan(5_000);
    const listed = sluice('jobs', 'list', '-o', 'json', '--redis-url', redis.url, '--tenant', tenant);
    const byId = new Map(JSON.parse(listed.stdout).map((each: JobStatus) => [each.id, each.state]));
    expect([byId.get(first), byId.get(second)]).toEqual(['cancelled', 'cancelled']);
    const result = sluice('jobs', 'result', first, '--redis-url', redis.url, '--tenant', tenant);
    expect(result).toMatchObject({ status: 2, stderr: expect.stringContaining('it has no result') });
    expect(result.stderr).toContain('cancelled by somebody');
    const again = sluice('jobs', 'cancel', first, '--redis-url', redis.url, '--tenant', tenant);
    expect(again).toMatchObject({ status: 2, stderr: expect.stringContaining('nothing to cancel') });
  });

  it('go on after Redis itself was killed and came back', async () => {
    const id = addJob(tenant, 'replay');
    startWorker();
    await reaches(tenant, id, isUnderWay);
    await redis.kill();
    await redis.start();
    for (const of of tenants) {
      await queues.get(of)!.close();
      queues.set(of, await JobQueue.open({ redisUrl: redis.url, tenant: of }));
    }
    await reaches(tenant, id, isDone);
    const result = await queues.get(tenant)!.result(id);
    expect(result.kind === 'replay' && result.replayed.learned).toBe(many + 18);
  });

  it('fail at once for what does not pass, and say why', async () => {
    const id = addJob(tenant, 'simulate', '--policies', 'topic', '--stages', 'canary', '--from', 'topic');
    startWorker();
    await reaches(tenant, id, ({ state }) => state === 'failed');
    expect(await statusOf(tenant, id)).toMatchObject({
      starts: 1,
      reason: expect.stringContaining('INPUT_INVALID: policies.v1 holds no policy at canary'),
    });
  });

  it('cannot be asked for where no Redis answers, nor those that nobody added', () => {
    const gone = sluice('jobs', 'list', '--redis-url', 'redis://user:secret@127.0.0.1:1');
    expect(gone).toMatchObject({ status: 4, stdout: '', stderr: expect.stringContaining('127.0.0.1:1') });
    expect(gone.stderr).not.toContain('secret');
    const none = sluice('jobs', 'status', 'nobodys', '--redis-url', redis.url, '--tenant', tenant);
    expect(none).toMatchObject({ status: 2, stderr: expect.stringContaining('There is no job nobodys') });
    expect(sluice('jobs', 'list', '--redis-url', 'http://x').status).toBe(2);
  });
});
