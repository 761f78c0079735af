import process from 'node:process';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { z } from 'zod';
import { readConfig } from '#config';
import type { PolicyConfidence } from '#schemas';
import {
  type EmitterName,
  emitterNames,
  hubbleEmitterNames,
  knownEmitters,
  policyOptionsOf,
  policySettings,
} from '../pipelines/discovery/index.ts';
import { captureRecording, readTopics, recordingOptions } from '../pipelines/enrich/index.ts';
import { type Broker, type BrokerOptions, brokerSettings, withBroker } from './broker-options.ts';
import { type Discovered, discoverInputs } from './discover-inputs.ts';
import { exitCodes } from './exit-codes.ts';
import { allNamespaces, type NamespaceChoice, parseNamespaces } from './namespace-choice.ts';
import { type DocumentForm, putDocuments } from './policy-documents.ts';
import {
  addRecordingOptions,
  progressLines,
  type RecordingFlags,
  recordingRequest,
  sayAccount,
} from './recording-options.ts';

interface ParsedOptions extends RecordingFlags, PolicyFlags {
  readonly emit?: readonly EmitterName[];
  readonly hosts: boolean;
  readonly namespaces: NamespaceChoice;
  readonly out?: string;
  readonly output: DocumentForm;
}

/** What documents say, as far as options can change it. */
export interface PolicyFlags {
  readonly widen?: boolean;
  readonly capabilities?: boolean;
  readonly fromSource?: boolean;
}

const say = (line: string) => process.stderr.write(`${line}\n`);

export function discover(program: Command): void {
  const emitted = `${emitterNames.join(',')}; of Hubble flows ${hubbleEmitterNames.join(',')}`;
  addPolicyOptions(addRecordingOptions(program.command('discover')), emitted)
    .description(
      'learn from recorded events and print the policies that admit what was seen, and nothing else',
    )
    .option('--no-hosts', 'learn containers only, not what belongs to the nodes themselves')
    .addOption(
      new Option(
        '--namespaces <names>',
        'comma-separated: policies of these; with ! before each, of all but those',
      )
        .argParser(parseNamespaces)
        .default(allNamespaces, 'all'),
    )
    .option('--out <dir>', 'write one file a document instead of printing them')
    .addOption(
      new Option('-o, --output <form>', 'form of the documents').choices(['yaml', 'json']).default('yaml'),
    )
    .action(async (flags: ParsedOptions) => {
      const startMs = performance.now();
      const { emit, hosts, namespaces, out, output } = flags;
      const request = recordingRequest(flags);
      const usesTopics = request.topics.length > 0;
      const { policy, ...config } = readDiscoverConfig(flags, { usesTopics });
      const learn = async (broker?: Broker) => {
        const recording = recordingOptions(await captureRecording(request, broker), broker);
        return discoverInputs({ ...recording, emit, hosts, policy, progress: progressLines(say) });
      };
      const { policies, ...rest } = usesTopics
        ? await withBroker(config, { clientId: 'sluice-discover', topics: readTopics }, learn)
        : await learn();
      const discovered = { ...rest, policies: policies.filter(({ target }) => namespaces(target.namespace)) };
      putDocuments(discovered.policies, { folder: out, form: output });
      sayDiscovered(discovered, performance.now() - startMs);
      if (discovered.learned > 0) return;
      say('nothing could be learned: see above what became of the records');
      process.exitCode = exitCodes.findings.code;
    });
}

/** Of a command that writes policies. */
export function addPolicyOptions(command: Command, emitted = emitterNames.join(',')): Command {
  return command
    .addOption(
      new Option('--emit <kinds>', `comma-separated: ${knownEmitters.join(', ')}`)
        .argParser(parseEmit)
        .default(undefined, emitted),
    )
    .option('--widen', 'write what a kind of document cannot say exactly wider, instead of leaving it out')
    .option('--capabilities', 'restrict capabilities to those that were seen')
    .option('--from-source', 'confine rules to the executables seen behind them');
}

const table = z.object({ ...brokerSettings, ...policySettings });

/**
 * Of options and the configuration file; where topics are used, of SLUICE_* variables too.
 * Errors: CONFIG_INVALID, naming what is wrong where.
 */
export function readDiscoverConfig(
  flags: BrokerOptions & PolicyFlags,
  { usesTopics }: { readonly usesTopics: boolean },
) {
  const { config: file, bootstrapServers, registryUrl, tenant, widen, capabilities, fromSource } = flags;
  const args = { bootstrapServers, registryUrl, tenant, widen, capabilities, fromSource };
  const config = readConfig(table, { file, args, ...(!usesTopics && { env: {} }) });
  return { ...config, policy: policyOptionsOf(config) };
}

function parseEmit(list: string): EmitterName[] {
  const names = list.split(',').map(name => name.trim());
  const unknown = names.find(name => !(knownEmitters as readonly string[]).includes(name));
  if (unknown !== undefined)
    throw new InvalidArgumentError(`${unknown} is not one of ${knownEmitters.join(', ')}.`);
  return names as EmitterName[];
}

/** What became of the events, and what the policies say besides and leave out, on standard error. */
export function sayDiscovered(
  { inputs, policies, entities, events, learned, ignored, deadLetters }: Discovered,
  tookMs?: number,
): void {
  for (const account of inputs) sayAccount(account, say);
  const rules = policies.reduce((sum, policy) => sum + policy.rules.length, 0);
  const reasons = Object.entries(ignored).map(([reason, count]) => `${count} ${reason}`);
  const took =
    tookMs === undefined
      ? ''
      : ` in ${Math.round(tookMs)} ms (${Math.round((events / tookMs) * 1000)} events/s)`;
  say(`${events} events and ${entities} entities${took}`);
  say(`${learned} events learned${reasons.length > 0 ? `, not learned: ${reasons.join(', ')}` : ''}`);
  say(`${policies.length} workloads, ${rules} rules`);
  for (const { policyId, rules, losses, confidence } of policies) {
    if (confidence) say(`  ${policyId}: ${trust(confidence)}`);
    for (const { summary } of rules) if (summary.includes('; admits ')) say(`  ${policyId}: ${summary}`);
    for (const loss of losses) say(`  ${policyId}: in no rule: ${loss}`);
  }
  const byCode = Map.groupBy(deadLetters, ({ code, message }) => `${code} ${message}`);
  for (const [code, letters] of byCode) say(`${letters.length} dead letters: ${code}`);
}

/** How far the policy can be trusted to hold all that its workload does. */
function trust({ events, behaviours, replicas, days, lostEvents, confidence }: PolicyConfidence): string {
  const lost = lostEvents > 0 ? `, about ${lostEvents} events lost` : '';
  const seen = `${behaviours} behaviours in ${events} sightings, ${replicas} replicas, ${days} days`;
  return `confidence ${confidence.toFixed(2)} (${seen}${lost})`;
}
