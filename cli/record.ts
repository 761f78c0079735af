import process from 'node:process';
import type { Command } from 'commander';
import { capturedTopics } from '#schemas';
import { recordCapture } from '../infra/capture/index.ts';
import { addBrokerOptions, type BrokerOptions, readBrokerConfig, withBroker } from './broker-options.ts';
import { progressLines } from './recording-options.ts';

const mostShown = 5;
const say = (line: string) => process.stderr.write(`${line}\n`);

export function record(program: Command): void {
  addBrokerOptions(program.command('record <file>'))
    .description(
      'write what the topics hold now, events and entities, to a capture that discover and simulate read',
    )
    .action(async (path: string, options: BrokerOptions) => {
      const progress = progressLines(say);
      const reading = { clientId: 'sluice-record', topics: capturedTopics };
      const { records, bad } = await withBroker(readBrokerConfig(options), reading, broker =>
        recordCapture({ ...broker, path, onProgress: read => progress({ records: read, total: undefined }) }),
      );
      say(`${records} records written to ${path}`);
      for (const each of bad.slice(0, mostShown)) say(`  left out: ${each}`);
      if (bad.length > mostShown) say(`  and ${bad.length - mostShown} more that cannot be read`);
    });
}
