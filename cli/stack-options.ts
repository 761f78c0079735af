import { type Command, Option } from 'commander';
import { z } from 'zod';
import { readConfig } from '#config';

const port = z.coerce
  .number('must be a port number')
  .int('must be a whole number')
  .min(1)
  .max(65_535)
  .optional();

/** What can be set for the commands of the local stack, by option, SLUICE_* variable or configuration file. */
const table = z.object({
  brokerPort: port,
  controllerPort: port,
  registryPort: port,
  redisPort: port,
  /** Whether Redis is started too. */
  redis: z.union([z.boolean(), z.stringbool()]).optional(),
  tenant: z.string().default('default'),
  engine: z.enum(['docker', 'jvm']).optional(),
  /** Seconds. */
  readyWithin: z.coerce.number('must be a number of seconds').positive().default(120),
  stackFolder: z.string().optional(),
  /** What processes of applications ask for before they answer. */
  streamsToken: z.string().optional(),
});

export type StackConfig = z.infer<typeof table>;

export type Output = 'text' | 'json';

/** What commander hands over: option values by name, all from the command line. */
export interface ParsedOptions {
  readonly config?: string;
  readonly output: Output;
  readonly [name: string]: unknown;
}

/** Options that every command of the local stack has. */
export function addCommonOptions(command: Command): Command {
  return command
    .addOption(
      new Option('-o, --output <form>', 'form of the data').choices(['text', 'json']).default('text'),
    )
    .option(
      '--stack-folder <dir>',
      'where configuration, data and logs are kept (default: .sluice/local of the checkout)',
    )
    .option('--config <file>', 'YAML file with the same settings: brokerPort, registryPort, …');
}

/** Errors: CONFIG_INVALID, naming what is wrong where. */
export function readStackConfig({ config, output: _, ...options }: ParsedOptions): StackConfig {
  const known = Object.fromEntries(
    Object.entries(options).filter(([name]) => Object.hasOwn(table.shape, name)),
  );
  return readConfig(table, { args: known, file: config });
}
