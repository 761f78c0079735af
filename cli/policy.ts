import { userInfo } from 'node:os';
import process from 'node:process';
import { type Command, Option } from 'commander';
import { z } from 'zod';
import { readConfig } from '#config';
import { kafkaClient } from '#kafka';
import { ccompatRegistry } from '#registry';
import { openSerdes, type Policy, type Stage } from '#schemas';
import { type PolicyTopic, promote, readPolicies } from './policy-topic.ts';

const table = z.object({
  bootstrapServers: z.string().default('127.0.0.1:9092'),
  registryUrl: z.string().default('http://127.0.0.1:8081/apis/ccompat/v7'),
  tenant: z.string().default('default'),
});

interface ParsedOptions {
  readonly output: 'text' | 'json';
  readonly config?: string;
  readonly [name: string]: unknown;
}

const stages = ['candidate', 'shadow', 'audit', 'canary', 'enforce', 'retired'] as const;

export function policy(program: Command): void {
  const group = program.command('policy').description('the policies in policies.v1, and their stages');
  addOptions(group.command('list'))
    .description('the newest version of every policy')
    .action(async (options: ParsedOptions) => {
      await withTopic(options, async topic => print(await readPolicies(topic), options));
    });
  addOptions(group.command('promote <policy-id...>'))
    .description('publish the next generation of policies at another stage')
    .addOption(new Option('--to <stage>', 'the stage').choices(stages).makeOptionMandatory())
    .option('--reason <text>', 'why; kept in policy-transitions.v1', '')
    .action(async (policyIds: string[], options: ParsedOptions) => {
      const promotion = {
        policyIds,
        to: String(options.to).toUpperCase() as Stage,
        by: userInfo().username,
        reason: String(options.reason),
        nowMs: Date.now(),
      };
      await withTopic(options, async topic => print(await promote(topic, promotion), options));
    });
}

function addOptions(command: Command): Command {
  return command
    .addOption(
      new Option('-o, --output <form>', 'form of the data').choices(['text', 'json']).default('text'),
    )
    .option('--bootstrap-servers <list>', 'brokers (default: 127.0.0.1:9092)')
    .option('--registry-url <url>', 'schema registry (default: the local stack)')
    .option('--tenant <name>', 'prefix of the topics (default: default)')
    .option('--config <file>', 'YAML file with the same settings');
}

async function withTopic(options: ParsedOptions, work: (topic: PolicyTopic) => Promise<void>): Promise<void> {
  const { bootstrapServers, registryUrl, tenant } = options;
  const config = readConfig(table, { args: { bootstrapServers, registryUrl, tenant }, file: options.config });
  const client = kafkaClient({
    bootstrapServers: config.bootstrapServers,
    clientId: 'sluice-policy',
    deliveryTimeoutMs: 10_000,
  });
  try {
    const registry = ccompatRegistry({ url: config.registryUrl });
    const topics = ['policies.v1', 'policy-transitions.v1'] as const;
    const serdes = await openSerdes({ registry, tenant: config.tenant, topics });
    await work({ client, serdes, tenant: config.tenant });
  } finally {
    await client.close();
  }
}

function print(policies: readonly Policy[], { output }: ParsedOptions): void {
  const lines =
    output === 'json'
      ? policies.map(({ rules: _, documents: __, ...about }) => JSON.stringify(about))
      : policies.map(
          ({ policyId, generation, stage, rules, digest }) =>
            `${policyId}  generation ${generation}  ${stage.toLowerCase()}  ${rules.length} rules  ${digest.slice(0, 19)}`,
        );
  process.stdout.write(lines.map(line => `${line}\n`).join(''));
}
