import process from 'node:process';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { RecordTopicName, Stage } from '#schemas';
import { captureRecording, readTopics, recordingOptions } from '../pipelines/enrich/index.ts';
import {
  publishedCandidates,
  readCandidates,
  readPublished,
  simulate as runSimulation,
  type Simulation,
} from '../pipelines/verify/simulate/index.ts';
import { type Broker, readBrokerConfig, withBroker } from './broker-options.ts';
import { exitCodes } from './exit-codes.ts';
import {
  addRecordingOptions,
  progressLines,
  type RecordingFlags,
  recordingRequest,
  sayAccount,
} from './recording-options.ts';
import { many, simulationText } from './simulation-text.ts';

export interface SimulateFlags extends RecordingFlags {
  readonly policies: readonly string[];
  readonly stages: readonly Stage[];
  readonly output: 'text' | 'json';
}

const say = (line: string) => process.stderr.write(`${line}\n`);
const stageNames = ['candidate', 'shadow', 'audit', 'canary', 'enforce'] as const;

/** Of a command that simulates, at once or as a job. */
export function addSimulateOptions(command: Command): Command {
  command
    .requiredOption(
      '--policies <paths...>',
      'the policies to try: files or directories of documents, or topic for those of policies.v1',
    )
    .option(
      '--stages <list>',
      `of policies.v1, those at these stages, comma-separated: ${stageNames.join(', ')}`,
      parseStages,
      parseStages(stageNames.join(',')),
    );
  return addRecordingOptions(command);
}

export function simulate(program: Command): void {
  addSimulateOptions(program.command('simulate'))
    .description('run policies over recorded traffic and list what they would have denied')
    .addOption(
      new Option('-o, --output <form>', 'form of the list').choices(['text', 'json']).default('text'),
    )
    .action(async (flags: SimulateFlags) => {
      const startMs = performance.now();
      const request = recordingRequest(flags);
      const fromTopic = flags.policies.includes('topic');
      // Before anything is read: bad documents are told at once.
      const documents = fromTopic ? [] : readCandidates(flags.policies);
      const work = async (broker?: Broker) => {
        const policies = broker && fromTopic ? await candidatesOf(broker, flags) : documents;
        const captured = await captureRecording(request, broker);
        return runSimulation({
          policies,
          recording: recordingOptions(captured, broker),
          progress: progressLines(say),
        });
      };
      const topics: RecordTopicName[] = [...readTopics, 'policies.v1'];
      const simulation =
        fromTopic || request.topics.length > 0
          ? await withBroker(readBrokerConfig(flags), { clientId: 'sluice-simulate', topics }, work)
          : await work();
      printSimulation(simulation, flags.output);
      say(`${many(Math.round(performance.now() - startMs), 'millisecond')}`);
    });
}

async function candidatesOf(broker: Broker, { stages }: SimulateFlags) {
  return publishedCandidates(await readPublished(broker), stages);
}

/** The findings on standard output, the account on standard error; sets the exit code. */
export function printSimulation(simulation: Simulation, output: 'text' | 'json'): void {
  const { inputs, policies, events, judged, unjudged, accesses, denied, audited, idle, namedPorts } =
    simulation;
  process.stdout.write(
    output === 'json' ? `${JSON.stringify(plain(simulation), null, 2)}\n` : simulationText(simulation),
  );
  for (const account of inputs) sayAccount(account, say);
  const reasons = Object.entries(unjudged).map(([reason, count]) => `${count} ${reason}`);
  say(
    `${many(policies, 'document')} over ${many(events, 'event')}: ${judged} judged as ${many(accesses, 'access')}${reasons.length > 0 ? `, not judged: ${reasons.join(', ')}` : ''}`,
  );
  for (const name of idle) say(`  ${name} is about nobody in the recording`);
  for (const place of namedPorts)
    say(`  ${place}: the number of a named port is not recorded, so the rule admits nothing here`);
  say(`${denied.length} would be denied, ${audited.length} would be audited`);
  if (judged === 0) say('nothing could be judged: see above what became of the records');
  if (judged === 0 || denied.length > 0) process.exitCode = exitCodes.findings.code;
}

function plain({ inputs, ...rest }: Simulation) {
  return { ...rest, inputs: inputs.map(each => ({ ...each, skipped: Object.fromEntries(each.skipped) })) };
}

function parseStages(list: string): Stage[] {
  return list.split(',').map(name => {
    const known = stageNames.find(each => each === name.trim());
    if (!known) throw new InvalidArgumentError(`${name} is not one of ${stageNames.join(', ')}.`);
    return known.toUpperCase() as Stage;
  });
}
