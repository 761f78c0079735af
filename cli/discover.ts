import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { stringify } from 'yaml';
import type { Policy } from '#schemas';
import { type EmitterName, emitterNames } from '../pipelines/discovery/index.ts';
import { type Discovered, discoverCapture } from './discover-capture.ts';

interface ParsedOptions {
  readonly from: string;
  readonly emit: readonly EmitterName[];
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
    .requiredOption('--from <path>', 'capture file (Avro object container) of events and entities')
    .option('--emit <kinds>', `comma-separated: ${emitterNames.join(', ')}`, parseEmit, emitterNames)
    .option('--out <dir>', 'write one file a document instead of printing them')
    .addOption(
      new Option('-o, --output <form>', 'form of the documents').choices(['yaml', 'json']).default('yaml'),
    )
    .action(async ({ from, emit, out, output }: ParsedOptions) => {
      const startMs = performance.now();
      const progress = (records: number) => say(`${records} records read`);
      const discovered = await discoverCapture({ path: from, emit, progress });
      const documents = discovered.policies.flatMap(documentsOf);
      if (out === undefined) process.stdout.write(printed(documents, output));
      else writeDocuments(documents, { folder: out, output });
      summarise(discovered, performance.now() - startMs);
    });
}

function parseEmit(list: string): EmitterName[] {
  const names = list.split(',').map(name => name.trim());
  const unknown = names.find(name => !(emitterNames as readonly string[]).includes(name));
  if (unknown !== undefined)
    throw new InvalidArgumentError(`${unknown} is not one of ${emitterNames.join(', ')}.`);
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
  { policies, entities, events, learned, ignored, deadLetters }: Discovered,
  tookMs: number,
): void {
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
  const byCode = Map.groupBy(deadLetters, ({ code, message }) => `${code} ${reasonOf(message)}`);
  for (const [code, letters] of byCode) say(`${letters.length} dead letters: ${code}`);
}

/** Without the place, which differs for each. */
function reasonOf(message: string): string {
  return message.replace(/^\S+\/\d+@\d+: /, '');
}
