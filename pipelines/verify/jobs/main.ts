/** The job process: `node pipelines/verify/jobs/main.ts [--config FILE]` does the jobs of tenants until it is told to end. */

import { once } from 'node:events';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { readConfig } from '#config';
import { classify } from '#errors';
import { kafkaClient } from '#kafka';
import { ccompatRegistry } from '#registry';
import { openSerdes } from '#schemas';
import { JobWorker, jobTopics } from './job-worker.ts';

const milliseconds = z.coerce.number().int().positive();

const table = z.strictObject({
  redisUrl: z.string().default('redis://127.0.0.1:6379'),
  bootstrapServers: z.string().default('127.0.0.1:9092'),
  registryUrl: z.string().default('http://127.0.0.1:8081/apis/ccompat/v7'),
  /** Comma-separated; each has one job at a time. */
  tenant: z
    .string()
    .default('default')
    .transform(list => list.split(',').map(name => name.trim())),
  /** How long after a process's last sign of life its job goes to another. */
  lockMs: milliseconds.default(30_000),
  checkpointMs: milliseconds.default(5_000),
});

const report = (line: string) => process.stderr.write(`${line}\n`);

const ending = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => ending.abort());

try {
  const { values } = parseArgs({ options: { config: { type: 'string' } } });
  const {
    redisUrl,
    bootstrapServers,
    registryUrl,
    tenant: tenants,
    lockMs,
    checkpointMs,
  } = readConfig(table, {
    file: values.config,
  });
  const client = kafkaClient({ bootstrapServers, clientId: 'sluice-jobs', deliveryTimeoutMs: 10_000 });
  const registry = ccompatRegistry({ url: registryUrl });
  const workers: JobWorker[] = [];
  try {
    for (const tenant of tenants) {
      const serdes = await openSerdes({ registry, tenant, topics: jobTopics });
      const broker = { client, serdes, tenant };
      workers.push(await JobWorker.start({ redisUrl, tenant, broker, report, lockMs, checkpointMs }));
    }
    report(`doing the jobs of ${tenants.join(', ')}`);
    if (!ending.signal.aborted) await once(ending.signal, 'abort');
  } finally {
    await Promise.all(workers.map(worker => worker.close()));
    await client.close();
  }
} catch (failure) {
  const error = classify(failure);
  report(`jobs: ${error.code}: ${error.message}`);
  process.exitCode = error.code === 'CONFIG_INVALID' ? 2 : 1;
}
