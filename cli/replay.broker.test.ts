import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { kafkaClient, type LogAdmin, type LogClient, type OutgoingRecord } from '#kafka';
import { ccompatRegistry } from '#registry';
import {
  openSerdes,
  type Policy,
  type RecordTopicName,
  type Serdes,
  topicName,
  topicSpecs,
  withDefaults,
} from '#schemas';
import {
  entities,
  eventMaker,
  keyOf,
  ordinaryEvents,
  pods,
  topicOf,
} from '../pipelines/enrich/sample-cluster.ts';
import { readPublished } from '../pipelines/verify/simulate/index.ts';

const tenant = `replay-${process.pid}`;
const main = join(import.meta.dirname, 'main.ts');
let folder: string;
let client: LogClient;
let admin: LogAdmin;
let serdes: Serdes;

interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const brokerArgs = () => [
  ...['--bootstrap-servers', inject('bootstrapServers'), '--registry-url', inject('registryUrl')],
  ...['--tenant', tenant],
];

function sluice(...args: string[]): Ran {
  return spawnSync(process.execPath, [main, ...args, ...brokerArgs()], { encoding: 'utf8', cwd: folder });
}

const record = (topic: RecordTopicName, key: string, value: unknown): OutgoingRecord => ({
  topic: topicName(tenant, topic),
  key: Buffer.from(key),
  value: serdes.of(topic).serialize(value as never),
});

async function produce(...records: OutgoingRecord[]): Promise<void> {
  const producer = await client.producer();
  await producer.send(records);
  await producer.close();
}

/** What live pipelines make of the topics, as they are started anywhere. */
async function runLive(count: number): Promise<readonly Policy[]> {
  const children = ['enrich', 'discovery'].map(pipeline =>
    spawn(process.execPath, [join(import.meta.dirname, '../pipelines', pipeline, 'main.ts')], {
      env: {
        ...process.env,
        SLUICE_BOOTSTRAP_SERVERS: inject('bootstrapServers'),
        SLUICE_REGISTRY_URL: inject('registryUrl'),
        SLUICE_TENANT: tenant,
      },
      stdio: 'ignore',
    }),
  );
  try {
    const published = () => readPublished({ client, serdes, tenant });
    await expect.poll(async () => (await published()).length, { timeout: 45_000, interval: 500 }).toBe(count);
    let before = '';
    await expect
      .poll(
        async () => {
          const now = JSON.stringify((await published()).map(({ digest }) => digest));
          const isQuiet = now === before;
          before = now;
          return isQuiet;
        },
        { timeout: 30_000, interval: 2000 },
      )
      .toBe(true);
    return await published();
  } finally {
    for (const child of children) {
      child.kill('SIGTERM');
      if (child.exitCode === null) await once(child, 'exit');
    }
  }
}

const committed = async () =>
  JSON.stringify(
    await Promise.all(
      (await admin.groups())
        .filter(group => group.startsWith(tenant))
        .map(async group => [group, await admin.committed(group, await admin.listTopics())]),
    ),
  );

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-replay-'));
  client = kafkaClient({ bootstrapServers: inject('bootstrapServers'), clientId: tenant });
  serdes = await openSerdes({ registry: ccompatRegistry({ url: inject('registryUrl') }), tenant });
  admin = await client.admin();
  await admin.createTopics(topicSpecs(tenant, { partitions: 2 }));
  await produce(
    ...entities().map(value => record('entities.v1', keyOf.entity(value), value)),
    ...ordinaryEvents().map(value => record(topicOf(value), keyOf.event(value), value)),
  );
});
afterAll(async () => {
  await client.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('what was recorded in topics', () => {
  it('is discovered from with the evidence naming topic, partition and offset', async () => {
    const { status, stdout, stderr } = sluice('discover', '--from', 'topic', '--out', 'learned');
    expect({ status, stdout }, stderr).toEqual({ status: 0, stdout: '' });
    expect(stderr).toContain('18 events learned');
    const one = sluice('discover', '--from', 'topic:events.network.v1', '-o', 'json');
    expect(new Set(JSON.parse(one.stdout).map(({ kind }: { kind: string }) => kind))).toContain(
      'NetworkPolicy',
    );
    expect(one.stderr).toContain(`${tenant}.events.network.v1 (topic): 7 records, 7 used`);
  });

  it('gives in a replay the digests of the live pipelines, and leaves these as they were', async () => {
    const live = await runLive(2);
    const before = await committed();
    const topicsBefore = await admin.listTopics();
    const { status, stdout, stderr } = sluice('replay', '--compare', '-o', 'json', '--out', 'replayed');
    expect(status, stderr).toBe(0);
    const comparison = JSON.parse(stdout);
    expect(
      comparison.map(({ policyId, agreement }: Record<string, string>) => [policyId, agreement]),
    ).toEqual(live.map(({ policyId }) => [policyId, 'same']));
    for (const { documents } of live)
      for (const { kind, name, content } of documents) {
        const file = readdirSync(join(folder, 'replayed')).find(each => each === `${kind}-${name}.json`)!;
        expect(JSON.parse(readFileSync(join(folder, 'replayed', file), 'utf8'))).toEqual(JSON.parse(content));
      }
    expect(await committed()).toBe(before);
    expect(await admin.listTopics()).toEqual(topicsBefore);
  });

  it('is kept under the run, when asked: profiles, policies, and what could not be used, byte for byte', async () => {
    const bad = {
      ...record('events.file.v1', 'x', eventMaker().open({ pod: pods.web0 }, '/x')),
      value: Buffer.from([9]),
    };
    const nobody = eventMaker('boot-9').open(
      { pod: { ...pods.web0, containers: [{ name: 'x', id: 'nobody' }] }, bare: true },
      '/x',
    );
    await produce(bad, record('events.file.v1', 'y', nobody));
    const { status, stderr } = sluice('replay', '--keep', '--run', 'audit-7', '--out', 'kept');
    expect(status, stderr).toBe(0);
    const held: Record<string, unknown[]> = {};
    for (const name of ['behaviours.v1', 'policies.v1', 'dead-letters.v1'] as const) {
      const topic = `${tenant}.replay.audit-7.${name}`;
      held[name] = [];
      await client.read({
        ...{ topic, partition: 0, from: 0 },
        onBatch({ records }) {
          for (const { value } of records) held[name]!.push(serdes.of(name).deserialize(value!));
        },
      });
    }
    expect(held['behaviours.v1']).toHaveLength(3);
    expect((held['policies.v1'] as Policy[]).map(({ policyId }) => policyId)).toHaveLength(2);
    expect(held['dead-letters.v1']).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ value: Buffer.from([9]), code: 'RECORD_TRUNCATED', stage: 'RECEIVING' }),
        expect.objectContaining({ code: 'IDENTITY_UNKNOWN', application: `${tenant}.replay.audit-7` }),
      ]),
    );
    const again = sluice('replay', '--keep', '--run', 'audit-7');
    expect({ status: again.status, stderr: again.stderr }).toEqual({
      status: 2,
      stderr: expect.stringContaining('has topics already'),
    });
    await admin.deleteTopics(Object.keys(held).map(name => `${tenant}.replay.audit-7.${name}`));
  });

  it('can be replayed in part: a range of offsets, a time', async () => {
    const range = sluice(
      'replay',
      '--from',
      'topic:events.network.v1',
      '--offsets',
      'events.network.v1/0@0..1',
      'events.network.v1/1@0..1',
    );
    expect(range.stderr).toMatch(/\(topic\): [12] records/);
    const time = sluice('replay', '--compare', '--until', '2026-01-01T00:00:05Z');
    expect(time.status).toBe(1);
    expect(time.stdout).toContain('differs from generation');
    expect(time.stdout).toContain('  closes: ');
    // Of the network nothing was seen by then, so it would not be restricted.
    expect(time.stdout).toContain('  opens: connects to whom no rule names');
    expect(time.stderr).toContain('skipped: not of the time asked for');
    expect(sluice('replay', '--offsets', 'events.network.v1/9@0..1').status).toBe(2);
  });

  it('is what policies of files and of policies.v1 are tried on', async () => {
    expect(sluice('simulate', '--policies', 'learned', '--from', 'topic')).toMatchObject({
      status: 0,
      stdout: '',
    });
    expect(sluice('simulate', '--policies', 'topic', '--from', 'topic')).toMatchObject({
      status: 0,
      stdout: '',
    });
    const wrong = sluice('simulate', '--policies', 'topic', '--stages', 'enforce', '--from', 'topic');
    expect(wrong).toMatchObject({ status: 2, stderr: expect.stringContaining('stages there: candidate') });
    const make = eventMaker('boot-3');
    const shell = make.exec({ pod: pods.web0 }, '/bin/sh');
    const { process: actor, time, origin, container } = make.open({ pod: pods.web0 }, '/etc/shadow');
    const alert = withDefaults('Alert', {
      ...{ origin, time, container, process: actor, verdict: 'DENY', suppressed: 4 },
      file: withDefaults('FileAccess', { operation: 'OPEN', path: '/etc/shadow', read: true, write: false }),
      rule: withDefaults('RuleRef', { policyId: 'p', ruleId: 'r', generation: 1 }),
    });
    await produce(
      record('events.process.v1', keyOf.event(shell), shell),
      record('alerts.v1', keyOf.event(shell), alert),
    );
    const { status, stdout } = sluice('simulate', '--policies', 'topic', '--from', 'topic', '-o', 'json');
    expect(status).toBe(1);
    const { denied, stillDenied } = JSON.parse(stdout);
    expect(denied).toEqual([
      expect.objectContaining({
        what: 'executes /bin/sh, by /usr/sbin/main',
        example: expect.objectContaining({
          place: expect.stringMatching(new RegExp(`^${tenant}\\.events\\.process\\.v1/\\d@\\d+$`)),
        }),
      }),
    ]);
    expect(stillDenied).toEqual([expect.objectContaining({ count: 5 })]);
  });

  it('can be a topic of events beside files, and a broker that is not there ends with 4', () => {
    writeFileSync(join(folder, 'none.json'), '');
    const gone = spawnSync(
      process.execPath,
      [
        main,
        'replay',
        '--bootstrap-servers',
        '127.0.0.1:1',
        '--registry-url',
        inject('registryUrl'),
        '--tenant',
        tenant,
      ],
      { encoding: 'utf8', cwd: folder },
    );
    expect(gone.status, gone.stderr).toBe(4);
    const registry = spawnSync(
      process.execPath,
      [
        main,
        'discover',
        '--from',
        'topic',
        ...['--bootstrap-servers', inject('bootstrapServers')],
        '--registry-url',
        'http://127.0.0.1:1',
        '--tenant',
        tenant,
      ],
      { encoding: 'utf8', cwd: folder },
    );
    expect(registry.status, registry.stderr).toBe(4);
  });
});
