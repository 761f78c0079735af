/**
 * The enforcer's process: `node agents/enforcer/main.ts [--config FILE]`.
 *
 * Owns: configuration, adapters, signals. Everything else is in enforcer.ts.
 * Ends with 0 on SIGTERM or SIGINT, 2 for a wrong configuration, 1 when it cannot go on; enforcement stays pinned.
 */

import { hostname } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { readConfig } from '#config';
import { classify } from '#errors';
import { kafkaClient } from '#kafka';
import { ccompatRegistry } from '#registry';
import { openSerdes } from '#schemas';
import { createLogger } from '#telemetry';
import { Enforcer } from './enforcer.ts';
import { enforcerTopics } from './enforcer-options.ts';

const table = z.strictObject({
  bootstrapServers: z.string().default('127.0.0.1:9092'),
  registryUrl: z.string().default('http://127.0.0.1:8081/apis/ccompat/v7'),
  tenant: z.string().default('default'),
  cluster: z.string().default('default'),
  /** As Kubernetes names it. */
  node: z.string().default(hostname()),
  loaderPath: z.string().default(join(import.meta.dirname, 'bpf/build/sluice-loader')),
  pinDir: z.string().default('/sys/fs/bpf/sluice'),
  ringBytes: z.coerce
    .number()
    .int()
    .positive()
    .default(16 * 1024 * 1024),
  cgroupRoot: z.string().default('/sys/fs/cgroup'),
  /** Containers that belong to no pod too. */
  standaloneContainers: z.stringbool().default(false),
  /** Deny what CANARY policies forbid; other nodes audit it. */
  canaryNode: z.stringbool().default(false),
  /** Report what is allowed too: learning lives on it. */
  reportAllowed: z.stringbool().default(true),
  spoolBytes: z.coerce
    .number()
    .int()
    .positive()
    .default(64 * 1024 * 1024),
  flushMs: z.coerce.number().int().positive().default(20),
  healthMs: z.coerce.number().int().positive().default(5000),
  rescanMs: z.coerce.number().int().positive().default(2000),
  logLevel: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
});

const version = '0.1.0';

function main(): void {
  const { values } = parseArgs({ options: { config: { type: 'string' } } });
  const config = readConfig(table, { file: values.config });
  const log = createLogger({ name: 'enforcer', level: config.logLevel });
  const { bootstrapServers, registryUrl, tenant, loaderPath, pinDir, ringBytes } = config;
  const client = kafkaClient({
    bootstrapServers,
    clientId: `enforcer-${config.node}`,
    logger: log.child({ part: 'kafka' }),
  });
  const registry = ccompatRegistry({ url: registryUrl, attempts: 1 });
  let ending = false;
  const end = async (code: number) => {
    if (ending) return;
    ending = true;
    await enforcer.close();
    await client.close();
    process.exit(code);
  };
  const enforcer = new Enforcer({
    ...config,
    version,
    loaderCommand: [loaderPath, '--pins', pinDir, '--ring-bytes', String(ringBytes)],
    client,
    openSerdes: () => openSerdes({ registry, tenant, topics: enforcerTopics }),
    log,
    onFailed: error => {
      log.error({ code: error.code }, error.message);
      void end(1);
    },
  });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void end(0));
  enforcer.start();
}

try {
  main();
} catch (failure) {
  const error = classify(failure);
  process.stderr.write(`enforcer: ${error.message}\n`);
  process.exit(error.code === 'CONFIG_INVALID' ? 2 : 1);
}
