import { Argument, type Command, Option } from 'commander';
import { localSerdes, type Serdes } from '#schemas';
import type { Topology } from '#streams';
import { aggregateTopology } from '../pipelines/aggregate/index.ts';
import { discoveryTopology } from '../pipelines/discovery/index.ts';
import { enrichTopology } from '../pipelines/enrich/index.ts';
import { verifyTopology } from '../pipelines/verify/index.ts';

type Make = (options: { readonly tenant: string; readonly serdes: Serdes }) => Topology;

const topologies: Readonly<Record<string, Make>> = {
  enrich: enrichTopology,
  aggregate: aggregateTopology,
  discovery: discoveryTopology,
  verify: verifyTopology,
};
const names = Object.keys(topologies);

interface ParsedOptions {
  readonly format: 'text' | 'mermaid';
  readonly tenant: string;
}

export function topology(program: Command): void {
  program
    .command('topology')
    .description('what a pipeline consists of, as text or as a picture for Mermaid')
    .addArgument(new Argument('[pipeline]', 'which one; all when left out').choices(names))
    .addOption(new Option('--format <form>', 'form').choices(['text', 'mermaid']).default('text'))
    .option('--tenant <name>', 'prefix of the topics', 'default')
    .action((chosen: string | undefined, { format, tenant }: ParsedOptions) => {
      const serdes = localSerdes();
      const drawn = (chosen === undefined ? names : [chosen]).map(name => {
        const made = topologies[name]!({ tenant, serdes });
        return format === 'text' ? made.describe() : made.mermaid();
      });
      process.stdout.write(drawn.join('\n'));
    });
}
