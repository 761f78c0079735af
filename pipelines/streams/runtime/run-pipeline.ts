/**
 * The process of a pipeline: what all of them share besides their topology.
 *
 * Owns: configuration, wiring, signals, exit codes. Does not own: adapters, which a main.ts names.
 */

import process from 'node:process';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { readConfig } from '#config';
import { classify } from '#errors';
import type { LogClient } from '#kafka';
import { openSerdes, type Serdes, type SerdesOptions, topicName } from '#schemas';
import { createLogger, type Logger } from '#telemetry';
import { serveStreams } from '../query/serve-streams.ts';
import type { Topology } from '../topology/topology.ts';
import { runStreams } from './run-streams.ts';

type Shape = Readonly<z.ZodRawShape>;

export interface PipelineSpec<S extends Shape> {
  /** Names the process and, unless configured otherwise, the consumer group and the application's own topics. */
  readonly name: string;
  /** What it says when it runs. */
  readonly doing: string;
  /** What can be configured besides what every pipeline has. */
  readonly settings: S;
  /** That it reads and writes; dead letters are added. */
  readonly topics: NonNullable<SerdesOptions['topics']>;
  readonly adapters: {
    client(options: { bootstrapServers: string; clientId: string; logger: Logger }): LogClient;
    registry(options: { url: string }): SerdesOptions['registry'];
  };
  topology(setup: {
    readonly tenant: string;
    readonly serdes: Serdes;
    readonly settings: z.infer<z.ZodObject<S>>;
  }): Topology;
}

const positive = z.coerce.number().int().positive();

/** What every pipeline has. */
const common = (name: string) => ({
  bootstrapServers: z.string().default('127.0.0.1:9092'),
  registryUrl: z.string().default('http://127.0.0.1:8081/apis/ccompat/v7'),
  tenant: z.string().default('default'),
  /** Names the consumer group and the application's own topics. */
  applicationId: z.string().default(name),
  guarantee: z.enum(['at-least-once', 'exactly-once']).default('at-least-once'),
  commitIntervalMs: positive.default(100),
  /** How many other processes keep a copy of this one's state. */
  standbys: z.coerce.number().int().nonnegative().default(0),
  /** For stores on disk: a directory of this process alone. */
  stateDir: z.string().optional(),
  /** Where it answers questions (docs/operating-streams.md): `host:port`, a port, or `off`. */
  streamsListen: z.string().default('127.0.0.1:0'),
  /** Where the others of its group reach it, if not there. */
  streamsAdvertised: z.string().optional(),
  /** What who asks has to show. */
  streamsToken: z.string().optional(),
  logLevel: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
});

/**
 * Runs a pipeline as this process: `node main.ts [--config FILE]`.
 *
 * Ends with 0 on SIGTERM or SIGINT, 2 for a wrong configuration, 1 when it cannot go on: started again, it goes on from its topics.
 */
export async function runPipeline<S extends Shape>(spec: PipelineSpec<S>): Promise<void> {
  const ending = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => ending.abort());
  try {
    await pipeline(spec, { args: process.argv.slice(2), signal: ending.signal });
  } catch (failure) {
    const error = classify(failure);
    process.stderr.write(`${spec.name}: ${error.code}: ${error.message}\n`);
    process.exitCode = error.code === 'CONFIG_INVALID' ? 2 : 1;
  }
}

/** Until the signal. Errors: CONFIG_INVALID, the registry's and the log's, and what ends streams. */
export async function pipeline<S extends Shape>(
  { name, doing, settings, topics, adapters, topology }: PipelineSpec<S>,
  { args, signal }: { readonly args: readonly string[]; readonly signal: AbortSignal },
): Promise<void> {
  const file = fileOf(args);
  // The table's type is lost on the way through S; its values are checked all the same.
  const table = z.strictObject({ ...settings, ...common(name) }) as unknown as z.ZodObject<
    ReturnType<typeof common>
  >;
  const config = readConfig(table, { file });
  const { bootstrapServers, registryUrl, tenant, applicationId, standbys, stateDir } = config;
  const logger = createLogger({ name, level: config.logLevel });
  const client = adapters.client({
    ...{ bootstrapServers, clientId: applicationId, logger: logger.child({ part: 'kafka' }) },
  });
  try {
    const registry = adapters.registry({ url: registryUrl });
    const serdes = await openSerdes({ registry, tenant, topics: [...topics, 'dead-letters.v1'] });
    const streams = runStreams({
      topology: topology({ tenant, serdes, settings: config as unknown as z.infer<z.ZodObject<S>> }),
      client,
      applicationId: `${tenant}.${applicationId}`,
      guarantee: config.guarantee,
      commitIntervalMs: config.commitIntervalMs,
      standbys,
      ...(stateDir !== undefined && { stateDir }),
      deadLetters: { topic: topicName(tenant, 'dead-letters.v1'), value: serdes.of('dead-letters.v1') },
      prepare: values => serdes.prepareFor(values),
      logger,
    });
    if (signal.aborted) return;
    signal.addEventListener('abort', () => void streams.close());
    const { streamsListen: listen, streamsAdvertised: advertised, streamsToken: token } = config;
    const asked = {
      ...(advertised !== undefined && { advertised }),
      ...(token !== undefined && { token }),
    };
    const server = listen === 'off' ? null : await serveStreams(streams, { listen, ...asked, logger });
    try {
      await streams.start();
      logger.info({ endpoint: server?.endpoint, tenant, bootstrapServers }, doing);
      await streams.finished;
    } finally {
      await server?.close();
    }
    const { counters, restarts, lag } = streams.metrics();
    logger.info({ counters, restarts, lag }, 'ended');
  } finally {
    await client.close();
  }
}

/** Errors: CONFIG_INVALID. */
function fileOf(args: readonly string[]): string | undefined {
  return parseArgs({ args: [...args], options: { config: { type: 'string' } } }).values.config;
}
