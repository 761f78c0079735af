import type { Command } from 'commander';
import { countTopics, type StackStatus, stackStatus } from '#local';
import { exitCodes } from './exit-codes.ts';
import { addCommonOptions, type ParsedOptions, readStackConfig } from './stack-options.ts';

export function status(program: Command): void {
  addCommonOptions(program.command('status'))
    .description('how the local stack is; exit code 1 when something of it is down')
    .action(async (options: ParsedOptions) => {
      const { stackFolder } = readStackConfig(options);
      const found = await stackStatus(stackFolder);
      const broker = found.services.find(({ name }) => name === 'broker');
      const topics = broker?.state === 'up' ? await countTopics(broker.address) : null;
      process.stdout.write(
        options.output === 'json' ? `${JSON.stringify({ ...found, topics })}\n` : toText(found, topics),
      );
      if (found.services.some(({ state }) => state !== 'up')) process.exitCode = exitCodes.findings.code;
    });
}

function toText({ engine, services }: StackStatus, topics: number | null): string {
  const rows = [
    ['SERVICE', 'STATE', 'VERSION', 'PID', 'ADDRESS', 'LOG'],
    ...services.map(service => [
      service.name,
      service.state,
      service.version,
      String(service.pid ?? '-'),
      service.address,
      service.log ?? '(docker)',
    ]),
  ];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map(row => row[column]?.length ?? 0))) ?? [];
  const table = rows.map(row =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const foot =
    engine === null ? 'nothing was started from here' : `engine ${engine}, ${topics ?? '?'} topics`;
  return `${[...table, foot].join('\n')}\n`;
}
