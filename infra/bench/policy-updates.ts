/** From an event that nobody had seen the like of to the policy that admits it, through both processes and a real broker. */

import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { kafkaClient, type OutgoingRecord } from '#kafka';
import { ccompatRegistry } from '#registry';
import { openSerdes, type RecordTopicName, topicName, topicSpecs } from '#schemas';
import { entities, eventMaker, keyOf, pods } from '../../pipelines/enrich/sample-cluster.ts';

export interface UpdateOptions {
  readonly bootstrapServers: string;
  readonly registryUrl: string;
  readonly tenant: string;
  readonly updates: number;
  /** How many behaviours the workload is known by before. Absent: none. */
  readonly known?: number;
  /** True: the workload shows something else that is new every 200 ms, as one does that has just been started. */
  readonly busy?: boolean;
}

const startMs = 60_000;
const updateMs = 30_000;
const busyMs = 200;

/**
 * Milliseconds from just before each event is sent until its policy was read, one after another, at changing distances.
 * Errors: Error when a policy does not come.
 */
export async function measurePolicyUpdates(options: UpdateOptions): Promise<number[]> {
  const { bootstrapServers, registryUrl, tenant, updates } = options;
  const client = kafkaClient({ bootstrapServers, clientId: tenant });
  const serdes = await openSerdes({ registry: ccompatRegistry({ url: registryUrl }), tenant });
  const admin = await client.admin();
  await admin.createTopics(topicSpecs(tenant));
  const producer = await client.producer();
  const record = (topic: RecordTopicName, key: string, value: unknown): OutgoingRecord => ({
    topic: topicName(tenant, topic),
    key: Buffer.from(key),
    value: serdes.of(topic).serialize(value as never),
  });
  await producer.send(entities().map(value => record('entities.v1', keyOf.entity(value), value)));
  const admitted = new Map<string, () => void>();
  const consumer = client.consumer({
    ...{ groupId: randomUUID(), topics: [topicName(tenant, 'policies.v1')], startFrom: 'earliest' },
  });
  await consumer.run({
    onBatch: async ({ records }) => {
      for (const { value } of records) {
        if (!value) continue;
        const { documents } = serdes.of('policies.v1').deserialize(value);
        for (const [path, admit] of admitted)
          if (documents.some(({ content }) => content.includes(`"${path}"`))) admit();
      }
    },
  });
  const make = eventMaker(randomUUID());
  const send = async (path: string) => {
    const event = make.exec({ pod: pods.web0 }, path);
    await producer.send([record('events.process.v1', keyOf.event(event), event)]);
  };
  const update = async (path: string, mostMs: number): Promise<number> => {
    const seen = new Promise<void>(resolve => admitted.set(path, resolve));
    const sentMs = performance.now();
    await send(path);
    const late = pause(mostMs, 'late', { ref: false });
    if ((await Promise.race([seen, late])) === 'late')
      throw new Error(`no policy admits ${path} after ${mostMs} ms`);
    admitted.delete(path);
    return performance.now() - sentMs;
  };
  const processes = (['enrich', 'discovery'] as const).map(pipeline => start(pipeline, options));
  try {
    const known = Array.from({ length: options.known ?? 0 }, (_, i) =>
      make.exec({ pod: pods.web0 }, `/usr/bin/known-${i}`),
    );
    await producer.send(known.map(event => record('events.process.v1', keyOf.event(event), event)));
    await update('/usr/bin/first', startMs);
    let others = 0;
    const busy = setInterval(() => void send(`/usr/bin/other-${others++}`), busyMs);
    if (options.busy !== true) clearInterval(busy);
    const tookMs: number[] = [];
    for (let i = 0; i < updates; i++) {
      // Not in step with anything that happens at intervals.
      await pause(137 + ((i * 271) % 500));
      tookMs.push(await update(`/usr/bin/update-${i}`, updateMs));
    }
    clearInterval(busy);
    return tookMs;
  } finally {
    for (const each of processes) each.kill('SIGTERM');
    for (const each of processes) if (each.exitCode === null) await once(each, 'exit');
    await client.close();
  }
}

function start(
  pipeline: 'enrich' | 'discovery',
  { bootstrapServers, registryUrl, tenant }: UpdateOptions,
): ChildProcess {
  return spawn(process.execPath, [join(import.meta.dirname, '../../pipelines', pipeline, 'main.ts')], {
    env: {
      ...process.env,
      SLUICE_BOOTSTRAP_SERVERS: bootstrapServers,
      SLUICE_REGISTRY_URL: registryUrl,
      SLUICE_TENANT: tenant,
      SLUICE_LOG_LEVEL: 'warn',
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

export function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!;
}
