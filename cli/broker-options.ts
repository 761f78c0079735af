import type { Command } from 'commander';
import { z } from 'zod';
import { readConfig } from '#config';
import { SluiceError } from '#errors';
import { kafkaClient, type LogClient } from '#kafka';
import { ccompatRegistry } from '#registry';
import { openSerdes, type RecordTopicName, type Serdes } from '#schemas';

/** What commands that use the topics have, by option, SLUICE_* variable or configuration file. */
export const brokerSettings = {
  bootstrapServers: z.string().default('127.0.0.1:9092'),
  registryUrl: z.string().default('http://127.0.0.1:8081/apis/ccompat/v7'),
  tenant: z.string().default('default'),
  /** Of jobs alone, and known to all of them: one environment serves them all. */
  redisUrl: z.string().default('redis://127.0.0.1:6379'),
};

const table = z.object(brokerSettings);

export type BrokerConfig = z.infer<typeof table>;

/** What commander hands over. */
export interface BrokerOptions {
  readonly config?: string;
  readonly bootstrapServers?: string;
  readonly registryUrl?: string;
  readonly tenant?: string;
  readonly redisUrl?: string;
}

export interface Broker {
  readonly client: LogClient;
  readonly serdes: Serdes;
  readonly tenant: string;
}

export function addBrokerOptions(command: Command): Command {
  return command
    .option('--bootstrap-servers <list>', 'brokers (default: 127.0.0.1:9092)')
    .option('--registry-url <url>', 'schema registry (default: the local stack)')
    .option('--tenant <name>', 'prefix of the topics (default: default)')
    .option('--config <file>', 'YAML file with these settings, by their names: bootstrapServers, …');
}

/** Errors: CONFIG_INVALID, naming what is wrong where. */
export function readBrokerConfig(options: BrokerOptions): BrokerConfig {
  const { bootstrapServers, registryUrl, tenant, redisUrl, config: file } = options;
  return readConfig(table, { args: { bootstrapServers, registryUrl, tenant, redisUrl }, file });
}

/** Closes the client afterwards. Errors: the log's, the registry's, and those of `work`. */
export async function withBroker<T>(
  { bootstrapServers, registryUrl, tenant }: Omit<BrokerConfig, 'redisUrl'>,
  { clientId, topics }: { readonly clientId: string; readonly topics: readonly RecordTopicName[] },
  work: (broker: Broker) => Promise<T>,
): Promise<T> {
  const client = kafkaClient({ bootstrapServers, clientId, deliveryTimeoutMs: 10_000 });
  try {
    const serdes = await openSerdes({ registry: ccompatRegistry({ url: registryUrl }), tenant, topics });
    return await work({ client, serdes, tenant }).catch((error: unknown) => {
      if (!(error instanceof SluiceError) || error.code !== 'TOPIC_UNKNOWN') throw error;
      const mend = `topics of the tenant ${tenant} were asked for: --tenant names another`;
      throw new SluiceError('TOPIC_UNKNOWN', `${error.message}; ${mend}`, { cause: error });
    });
  } finally {
    await client.close();
  }
}
