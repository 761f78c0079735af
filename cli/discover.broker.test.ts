import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { kafkaClient, type LogClient, type OutgoingRecord } from '#kafka';
import { ccompatRegistry } from '#registry';
import {
  type CapturedTopic,
  type DeadLetter,
  type FlowAggregate,
  openSerdes,
  type Policy,
  type Serdes,
  topicName,
  topicSpecs,
  wrapCaptured,
  writeCapture,
} from '#schemas';
import { emitterNames } from '../pipelines/discovery/index.ts';
import { entities, keyOf, ordinaryEvents, startUs, topicOf } from '../pipelines/enrich/sample-cluster.ts';
import { discoverInputs } from './discover-inputs.ts';

const tenant = `discover-${process.pid}`;
let folder: string;
let client: LogClient;
let serdes: Serdes;
const running: ChildProcess[] = [];

interface Fed {
  readonly topic: CapturedTopic;
  readonly key: string;
  readonly value: unknown;
}

const fed: readonly Fed[] = [
  ...entities().map(value => ({ topic: 'entities.v1' as const, key: keyOf.entity(value), value })),
  ...ordinaryEvents().map(value => ({ topic: topicOf(value), key: keyOf.event(value), value })),
];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-discover-'));
  client = kafkaClient({ bootstrapServers: inject('bootstrapServers'), clientId: tenant });
  serdes = await openSerdes({ registry: ccompatRegistry({ url: inject('registryUrl') }), tenant });
  const admin = await client.admin();
  await admin.createTopics(topicSpecs(tenant));
});

afterAll(async () => {
  for (const child of running) child.kill('SIGKILL');
  await client.close();
  rmSync(folder, { recursive: true, force: true });
});

const environment = () => ({
  ...process.env,
  SLUICE_BOOTSTRAP_SERVERS: inject('bootstrapServers'),
  SLUICE_REGISTRY_URL: inject('registryUrl'),
  SLUICE_TENANT: tenant,
});

/** The process as it is run anywhere; it is configured by its environment. */
function start(pipeline: 'enrich' | 'aggregate' | 'discovery'): ChildProcess {
  const main = join(import.meta.dirname, '../pipelines', pipeline, 'main.ts');
  const child = spawn(process.execPath, [main], {
    env: { ...environment(), SLUICE_LOG_LEVEL: 'warn' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  running.push(child);
  return child;
}

/** Everything a topic holds, deserialised. */
async function read<T>(name: 'policies.v1' | 'dead-letters.v1' | 'flows-1m.v1'): Promise<T[]> {
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

/** The documents of the last generation of each policy, by policy id. */
function documents(policies: readonly Policy[]) {
  const last = new Map<string, Policy>();
  for (const policy of policies) {
    const known = last.get(policy.policyId);
    if (!known || known.generation < policy.generation) last.set(policy.policyId, policy);
  }
  return [...last]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([id, { digest, target, documents }]) => ({
      id,
      digest,
      target,
      documents: documents.map(each => ({ ...each })),
    }));
}

describe('discovery through a real Kafka and registry', () => {
  it('gives the same bytes as without, puts bad records aside and lets the rest flow', async () => {
    const path = join(folder, 'sample.avro');
    const capture = writeCapture(path);
    for (const [offset, { topic, key, value }] of fed.entries())
      capture.append({
        topic,
        partition: 0,
        offset,
        timestamp: 1,
        key,
        value: wrapCaptured(topic, value as never),
      });
    capture.close();
    const expected = documents((await discoverInputs({ from: [path], emit: emitterNames })).policies);

    const producer = await client.producer();
    const record = ({ topic, key, value }: Fed): OutgoingRecord => ({
      topic: topicName(tenant, topic),
      key: Buffer.from(key),
      value: serdes.of(topic).serialize(value as never),
    });
    const file = fed.find(({ topic }) => topic === 'events.file.v1')!;
    const good = record(file).value!;
    const unknownSchema = Buffer.from(good);
    unknownSchema.writeInt32BE(2_000_000_000, 1);
    const bad = [good.subarray(0, 4), Buffer.concat([good, Buffer.from([0])]), unknownSchema];
    const badRecords = bad.map(value => ({ ...record(file), value, partition: 0 }));
    await producer.send([...fed.map(record), ...badRecords].toSorted(entitiesFirst));
    const pipelines = [start('enrich'), start('discovery')];

    await expect
      .poll(async () => documents(await read<Policy>('policies.v1')), { timeout: 45_000, interval: 500 })
      .toEqual(expected);
    expect(expected).toHaveLength(2);

    const recorded = join(folder, 'recorded.avro');
    const recordAll = (env: NodeJS.ProcessEnv) =>
      spawnSync(process.execPath, [join(import.meta.dirname, 'main.ts'), 'record', recorded], {
        ...{ env, encoding: 'utf8' },
      });
    const { status } = recordAll(environment());
    expect(status).toBe(0);
    const nobodys = recordAll({ ...environment(), SLUICE_TENANT: 'nobody' });
    expect(nobodys).toMatchObject({ status: 4, stderr: expect.stringContaining('--tenant names another') });
    const again = await discoverInputs({ from: [recorded], emit: emitterNames });
    expect(again.inputs).toMatchObject([{ format: 'sluice', bad: 0 }]);
    expect(documents(again.policies)).toEqual(expected);

    const letters = (await read<DeadLetter>('dead-letters.v1')).toSorted((a, b) => a.offset - b.offset);
    expect(letters.map(({ code, value }) => ({ code, value }))).toEqual([
      { code: 'RECORD_TRUNCATED', value: bad[0] },
      { code: 'RECORD_CORRUPT', value: bad[1] },
      { code: 'SCHEMA_UNKNOWN', value: bad[2] },
    ]);
    for (const { topic, partition, application } of letters)
      expect({ topic, partition, application }).toEqual({
        topic: topicName(tenant, 'events.file.v1'),
        partition: 0,
        application: `${tenant}.enrich`,
      });

    // What happens an hour later closes the windows of before.
    const hourLater = ordinaryEvents('later')
      .filter(event => 'network' in event)
      .map(event => ({ ...event, time: event.time + 3_600_000_000 }));
    await producer.send(
      hourLater.map(value => record({ topic: topicOf(value), key: keyOf.event(value), value })),
    );
    pipelines.push(start('aggregate'));
    const flows = async () =>
      (await read<FlowAggregate>('flows-1m.v1'))
        .filter(({ windowStart }) => windowStart === startUs)
        .map(({ source, destination, port, reporter, flows: count }) =>
          [source.workload || source.value, destination.workloadKind, port, reporter, count].join(' '),
        )
        .sort();
    await expect
      .poll(flows, { timeout: 45_000, interval: 500 })
      .toEqual([
        '192.0.2.7/32 Deployment 80 DESTINATION 1',
        'web Service 6379 SOURCE 1',
        'web StatefulSet 6379 DESTINATION 1',
        'web StatefulSet 6379 SOURCE 1',
      ]);

    for (const child of pipelines) child.kill('SIGTERM');
    for (const child of pipelines) expect(child.exitCode ?? (await once(child, 'exit'))[0]).toBe(0);
  });
});

function entitiesFirst(a: OutgoingRecord, b: OutgoingRecord): number {
  return Number(b.topic.endsWith('entities.v1')) - Number(a.topic.endsWith('entities.v1'));
}
