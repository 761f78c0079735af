import type { Command } from 'commander';
import { kafkaClient } from '#kafka';
import { countTopics, type StackStatus, stackStatus } from '#local';
import { applicationText } from './application-text.ts';
import { type ApplicationStatus, applications } from './applications.ts';
import { exitCodes } from './exit-codes.ts';
import { askOverHttp } from './process-figures.ts';
import { addCommonOptions, type ParsedOptions, readStackConfig } from './stack-options.ts';
import { textTable } from './text-table.ts';

export function status(program: Command): void {
  addCommonOptions(program.command('status'))
    .description(
      'how the local stack is, and the applications on it; exit code 1 when something of the stack is down',
    )
    .option('--streams-token <token>', 'what the applications ask for before they answer')
    .action(async (options: ParsedOptions) => {
      const { stackFolder, streamsToken } = readStackConfig(options);
      const found = await stackStatus(stackFolder);
      const broker = found.services.find(({ name }) => name === 'broker');
      const isUp = broker?.state === 'up';
      const topics = isUp ? await countTopics(broker.address) : null;
      const running = isUp ? await applicationsAt(broker.address, streamsToken) : null;
      process.stdout.write(
        options.output === 'json'
          ? `${JSON.stringify({ ...found, topics, applications: running })}\n`
          : [toText(found, topics), ...(running ? [applicationText(running)] : [])].join('\n'),
      );
      if (found.services.some(({ state }) => state !== 'up')) process.exitCode = exitCodes.findings.code;
    });
}

async function applicationsAt(
  bootstrapServers: string,
  token: string | undefined,
): Promise<readonly ApplicationStatus[]> {
  const client = kafkaClient({ bootstrapServers, clientId: 'sluice-status', deliveryTimeoutMs: 5_000 });
  try {
    return await applications(client, askOverHttp(token));
  } finally {
    await client.close();
  }
}

function toText({ engine, services }: StackStatus, topics: number | null): string {
  const table = textTable([
    ['SERVICE', 'STATE', 'VERSION', 'PID', 'ADDRESS', 'LOG'],
    ...services.map(service => [
      service.name,
      service.state,
      service.version,
      String(service.pid ?? '-'),
      service.address,
      service.log ?? '(docker)',
    ]),
  ]);
  const foot =
    engine === null ? 'nothing was started from here' : `engine ${engine}, ${topics ?? '?'} topics`;
  return `${table}${foot}\n`;
}
