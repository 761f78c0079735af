import type { Command } from 'commander';
import { stopStack } from '#local';
import { addCommonOptions, type ParsedOptions, readStackConfig } from './stack-options.ts';

const say = (line: string) => process.stderr.write(`${line}\n`);

export function down(program: Command): void {
  addCommonOptions(program.command('down'))
    .description('stop what `sluice up` started; its data stays unless purged')
    .option('--purge', 'remove data and logs too')
    .action(async (options: ParsedOptions) => {
      const { stackFolder } = readStackConfig(options);
      const stopped = await stopStack({
        purge: options.purge === true,
        report: say,
        ...(stackFolder !== undefined && { folder: stackFolder }),
      });
      if (stopped.length === 0) say('nothing ran');
      if (options.output === 'json') process.stdout.write(`${JSON.stringify({ stopped })}\n`);
    });
}
