import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { stringify } from 'yaml';
import { z } from 'zod';
import { readConfig } from '#config';
import { type FormatName, formatNames } from '#formats';
import type { InputAccount } from '#recordings';
import type { Policy } from '#schemas';
import {
  type EmitterName,
  emitterNames,
  knownEmitters,
  policyOptionsOf,
  policySettings,
} from '../pipelines/discovery/index.ts';
import { type Discovered, discoverInputs } from './discover-inputs.ts';
import { exitCodes } from './exit-codes.ts';

interface ParsedOptions {
  readonly from: readonly string[];
  readonly format: FormatName | 'auto';
  readonly objects?: readonly string[];
  readonly cluster: string;
  readonly emit: readonly EmitterName[];
  readonly config?: string;
  readonly widen?: boolean;
  readonly capabilities?: boolean;
  readonly fromSource?: boolean;
  readonly out?: string;
  readonly output: 'yaml' | 'json';
}

const say = (line: string) => process.stderr.write(`${line}\n`);

export function discover(program: Command): void {
  program
    .command('discover')
    .description(
      'learn from recorded events and print the policies that admit what was seen, and nothing else',
    )
    .requiredOption(
      '--from <paths...>',
      'what was recorded: files, directories, - for standard input; gzip is unpacked',
    )
    .addOption(
      new Option('--format <format>', 'what the files are')
        .choices(['auto', ...formatNames])
        .default('auto', 'told by their content'),
    )
    .option(
      '--objects <paths...>',
      'Kubernetes objects (YAML or JSON): whose events they are, whom they talk to',
    )
    .option('--cluster <name>', 'cluster of events that name none', 'default')
    .option('--emit <kinds>', `comma-separated: ${knownEmitters.join(', ')}`, parseEmit, emitterNames)
    .option(
      '--config <file>',
      `YAML file with what policies may say: ${Object.keys(policySettings).join(', ')}`,
    )
    .option('--widen', 'write what a kind of document cannot say exactly wider, instead of leaving it out')
    .option('--capabilities', 'restrict capabilities to those that were seen')
    .option('--from-source', 'confine rules to the executables seen behind them')
    .option('--out <dir>', 'write one file a document instead of printing them')
    .addOption(
      new Option('-o, --output <form>', 'form of the documents').choices(['yaml', 'json']).default('yaml'),
    )
    .action(async ({ from, format, objects, cluster, emit, out, output, ...options }: ParsedOptions) => {
      const startMs = performance.now();
      const discovered = await discoverInputs({
        ...{ from, cluster, emit, policy: policyOf(options) },
        ...(format !== 'auto' && { format }),
        ...(objects && { objects }),
        progress({ records }) {
          say(`${records} records read`);
        },
      });
      const documents = discovered.policies.flatMap(documentsOf);
      if (out !== undefined) writeDocuments(documents, { folder: out, output });
      else if (documents.length > 0) process.stdout.write(printed(documents, output));
      summarise(discovered, performance.now() - startMs);
      if (discovered.learned > 0) return;
      say('nothing could be learned: see above what became of the records');
      process.exitCode = exitCodes.findings.code;
    });
}

/** Errors: CONFIG_INVALID, naming what is wrong where. */
function policyOf({
  config: file,
  widen,
  capabilities,
  fromSource,
}: Pick<ParsedOptions, 'config' | 'widen' | 'capabilities' | 'fromSource'>) {
  const args = { widen, capabilities, fromSource };
  return policyOptionsOf(readConfig(z.strictObject(policySettings), { file, args, env: {} }));
}

function parseEmit(list: string): EmitterName[] {
  const names = list.split(',').map(name => name.trim());
  const unknown = names.find(name => !(knownEmitters as readonly string[]).includes(name));
  if (unknown !== undefined)
    throw new InvalidArgumentError(`${unknown} is not one of ${knownEmitters.join(', ')}.`);
  return names as EmitterName[];
}

interface Document {
  readonly name: string;
  readonly object: unknown;
}

function documentsOf({ documents }: Policy): Document[] {
  return documents.map(({ kind, name, content }) => ({
    name: `${kind}-${name}`,
    object: JSON.parse(content),
  }));
}

type Form = ParsedOptions['output'];

function printed(documents: readonly Document[], form: Form): string {
  if (form === 'json')
    return `${JSON.stringify(
      documents.map(({ object }) => object),
      null,
      2,
    )}\n`;
  return documents.map(({ object }) => toYaml(object)).join('---\n');
}

function toYaml(object: unknown): string {
  return stringify(object, { lineWidth: 0, aliasDuplicateObjects: false });
}

function writeDocuments(
  documents: readonly Document[],
  { folder, output }: { readonly folder: string; readonly output: Form },
): void {
  mkdirSync(folder, { recursive: true });
  for (const { name, object } of documents) {
    const text = output === 'json' ? `${JSON.stringify(object, null, 2)}\n` : toYaml(object);
    writeFileSync(join(folder, `${name}.${output}`), text);
  }
  say(`${documents.length} documents written to ${folder}`);
}

function summarise(
  { inputs, policies, entities, events, learned, ignored, deadLetters }: Discovered,
  tookMs: number,
): void {
  for (const account of inputs) sayAccount(account);
  const rules = policies.reduce((sum, policy) => sum + policy.rules.length, 0);
  const reasons = Object.entries(ignored).map(([reason, count]) => `${count} ${reason}`);
  const perSecond = Math.round((events / tookMs) * 1000);
  say(`${events} events and ${entities} entities in ${Math.round(tookMs)} ms (${perSecond} events/s)`);
  say(`${learned} events learned${reasons.length > 0 ? `, not learned: ${reasons.join(', ')}` : ''}`);
  say(`${policies.length} workloads, ${rules} rules`);
  for (const { policyId, rules, losses } of policies) {
    for (const { summary } of rules) if (summary.includes('; admits ')) say(`  ${policyId}: ${summary}`);
    for (const loss of losses) say(`  ${policyId}: in no rule: ${loss}`);
  }
  const byCode = Map.groupBy(deadLetters, ({ code, message }) => `${code} ${message}`);
  for (const [code, letters] of byCode) say(`${letters.length} dead letters: ${code}`);
}

function sayAccount({ name, format, records, used, skipped, lost, bad, firstBad }: InputAccount): void {
  const parts = [`${records} records`, `${used} used`];
  for (const [reason, count] of skipped) parts.push(`${count} skipped: ${reason}`);
  if (bad > 0) parts.push(`${bad} bad`);
  if (lost > 0) parts.push(`${lost} events lost before they were recorded`);
  say(`${name} (${format ?? 'empty'}): ${parts.join(', ')}`);
  for (const each of firstBad) say(`  ${each}`);
  if (bad > firstBad.length) say(`  and ${bad - firstBad.length} more`);
}
