import process from 'node:process';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Policy } from '#schemas';
import { addBrokerOptions, type BrokerOptions } from '../broker-options.ts';
import { putDocuments } from '../policy-documents.ts';
import { rulesTable } from './explain.ts';
import { withPolicies } from './options.ts';

interface GetFlags extends BrokerOptions {
  readonly generation?: number;
  readonly rules?: boolean;
  readonly out?: string;
  readonly output: 'yaml' | 'json';
}

export function get(group: Command): void {
  addBrokerOptions(group.command('get <policy-id>'))
    .description('the documents of a policy')
    .addOption(
      new Option('-o, --output <form>', 'form of the documents').choices(['yaml', 'json']).default('yaml'),
    )
    .option('--generation <number>', 'of that generation instead of the one that stands', generationOf)
    .option('--rules', 'the rules with their evidence instead of the documents')
    .option('--out <dir>', 'write one file a document instead of printing them')
    .action(async (policyId: string, { generation, rules, out, output, ...flags }: GetFlags) => {
      await withPolicies(flags, async log => {
        const standing = log.policy(policyId);
        const version = generation === undefined ? standing : await log.version(policyId, generation);
        if (rules) printRules(version, output);
        else putDocuments([version], { folder: out, form: output });
      });
    });
}

function printRules(policy: Policy, output: GetFlags['output']): void {
  if (output === 'json') process.stdout.write(`${JSON.stringify(policy.rules, null, 2)}\n`);
  else process.stdout.write(rulesTable(policy));
}

export function generationOf(text: string): number {
  const generation = Number(text);
  if (!Number.isSafeInteger(generation) || generation < 1)
    throw new InvalidArgumentError('A generation is a whole number from 1.');
  return generation;
}
