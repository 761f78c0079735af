/**
 * The discovery process: `node pipelines/discovery/main.ts [--config FILE]`.
 *
 * Owns: configuration, adapters, signals. Everything else is in topology.ts.
 * Ends with 0 on SIGTERM or SIGINT, 2 for a wrong configuration, 1 when it cannot go on: started again, it goes on from its topics.
 */

import process from 'node:process';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { readConfig } from '#config';
import { classify } from '#errors';
import { kafkaClient } from '#kafka';
import { ccompatRegistry } from '#registry';
import { openSerdes, type Stage, topicName } from '#schemas';
import { runStreams, serveStreams } from '#streams';
import { createLogger } from '#telemetry';
import { emitterNames } from './make-policy.ts';
import { discoveryDefaults, discoveryTopology } from './topology.ts';

const milliseconds = z.coerce.number().int().positive();

const table = z.strictObject({
  bootstrapServers: z.string().default('127.0.0.1:9092'),
  registryUrl: z.string().default('http://127.0.0.1:8081/apis/ccompat/v7'),
  tenant: z.string().default('default'),
  /** Names the consumer group and the application's own topics. */
  applicationId: z.string().default('discovery'),
  guarantee: z.enum(['at-least-once', 'exactly-once']).default('at-least-once'),
  commitIntervalMs: milliseconds.default(100),
  quietMs: milliseconds.default(discoveryDefaults.quietMs),
  maxWaitMs: milliseconds.default(discoveryDefaults.maxWaitMs),
  /** What policies are published as. */
  stage: z.enum(['candidate', 'audit', 'enforce']).default('candidate'),
  /** Comma-separated. */
  emit: z
    .string()
    .default(emitterNames.join(','))
    .transform(list => list.split(',').map(name => name.trim()))
    .pipe(z.array(z.enum(emitterNames))),
  /** Where it answers questions (docs/operating-streams.md): `host:port`, a port, or `off`. */
  streamsListen: z.string().default('127.0.0.1:0'),
  /** Where the others of its group reach it, if not there. */
  streamsAdvertised: z.string().optional(),
  /** What who asks has to show. */
  streamsToken: z.string().optional(),
  logLevel: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
});

const topics = ['behaviours.v1', 'policies.v1', 'dead-letters.v1'] as const;

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { config: { type: 'string' } } });
  const config = readConfig(table, { file: values.config });
  const { bootstrapServers, registryUrl, tenant, applicationId, guarantee, commitIntervalMs } = config;
  const { quietMs, maxWaitMs, emit } = config;
  const stage = config.stage.toUpperCase() as Stage;
  const logger = createLogger({ name: 'discovery', level: config.logLevel });
  const client = kafkaClient({
    bootstrapServers,
    clientId: applicationId,
    logger: logger.child({ part: 'kafka' }),
  });
  try {
    const serdes = await openSerdes({ registry: ccompatRegistry({ url: registryUrl }), tenant, topics });
    const streams = runStreams({
      topology: discoveryTopology({ tenant, serdes, settings: { quietMs, maxWaitMs, stage, emit } }),
      client,
      applicationId: `${tenant}.${applicationId}`,
      guarantee,
      commitIntervalMs,
      deadLetters: { topic: topicName(tenant, 'dead-letters.v1'), value: serdes.of('dead-letters.v1') },
      prepare: values => serdes.prepareFor(values),
      logger,
    });
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void streams.close());
    const { streamsListen: listen, streamsAdvertised: advertised, streamsToken: token } = config;
    const server =
      listen === 'off' ? null : await serveStreams(streams, { listen, advertised, token, logger });
    await streams.start();
    logger.info({ endpoint: server?.endpoint, tenant, bootstrapServers, stage }, 'writing policies');
    await streams.finished;
    await server?.close();
    logger.info(streams.metrics(), 'ended');
  } finally {
    await client.close();
  }
}

try {
  await main();
} catch (failure) {
  const error = classify(failure);
  process.stderr.write(`discovery: ${error.code}: ${error.message}\n`);
  process.exitCode = error.code === 'CONFIG_INVALID' ? 2 : 1;
}
