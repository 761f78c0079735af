import { type Command, Option } from 'commander';
import { provisionTenant, startStack } from '#local';
import { addCommonOptions, type ParsedOptions, readStackConfig } from './stack-options.ts';

const say = (line: string) => process.stderr.write(`${line}\n`);

export function up(program: Command): void {
  addCommonOptions(program.command('up'))
    .description(
      'start Kafka and the schema registry on this machine, or find them running, and give them the topics',
    )
    .option('--broker-port <port>', 'default 9092')
    .option('--controller-port <port>', 'default 9093')
    .option('--registry-port <port>', 'default 8081')
    .option('--redis', 'start Redis too, which jobs need')
    .option('--redis-port <port>', 'default 6379')
    .option('--tenant <name>', 'whose topics and schemas to create (default: default)')
    .addOption(
      new Option('--engine <name>', 'default: docker where an engine answers').choices(['docker', 'jvm']),
    )
    .option('--ready-within <seconds>', 'how long a service may take to answer (default: 120)')
    .action(async (options: ParsedOptions) => {
      const config = readStackConfig(options);
      const stack = await startStack({
        ports: {
          ...(config.brokerPort !== undefined && { broker: config.brokerPort }),
          ...(config.controllerPort !== undefined && { controller: config.controllerPort }),
          ...(config.registryPort !== undefined && { registry: config.registryPort }),
          ...(config.redisPort !== undefined && { redis: config.redisPort }),
        },
        ...(config.redis !== undefined && { redis: config.redis }),
        readyWithinMs: config.readyWithin * 1000,
        engine: config.engine,
        report: say,
        ...(config.stackFolder !== undefined && { folder: config.stackFolder }),
      });
      const { topicsCreated, subjects } = await provisionTenant(stack, config.tenant);
      say(`tenant ${config.tenant}: ${topicsCreated.length} topics created, ${subjects} schemas registered`);
      const { bootstrapServers, registryUrl, redisUrl, adopted } = stack;
      if (options.output === 'json') {
        const data = { bootstrapServers, registryUrl, redisUrl, adopted, topicsCreated, subjects };
        process.stdout.write(`${JSON.stringify(data)}\n`);
      } else {
        process.stdout.write(
          `broker    ${bootstrapServers}\nregistry  ${registryUrl}\n${redisUrl === undefined ? '' : `redis     ${redisUrl}\n`}`,
        );
      }
      say('stop it with: sluice down');
    });
}
