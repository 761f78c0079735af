import { randomBytes } from 'node:crypto';
import process from 'node:process';
import { type Command, Option } from 'commander';
import type { RecordTopicName } from '#schemas';
import { type EmitterName, emitterNames } from '../pipelines/discovery/index.ts';
import { captureRecording, readTopics, recordingOptions } from '../pipelines/enrich/index.ts';
import {
  checkRun,
  compareLive,
  type PolicyComparison,
  type Replayed,
  replay as runReplay,
  writeReplay,
} from '../pipelines/verify/replay/index.ts';
import { readPublished } from '../pipelines/verify/simulate/index.ts';
import { type Broker, withBroker } from './broker-options.ts';
import { addPolicyOptions, type PolicyFlags, readDiscoverConfig, sayDiscovered } from './discover.ts';
import { exitCodes } from './exit-codes.ts';
import { type DocumentForm, putDocuments } from './policy-documents.ts';
import {
  addRecordingOptions,
  progressLines,
  type RecordingFlags,
  recordingRequest,
} from './recording-options.ts';
import { comparisonText } from './replay-text.ts';

export interface ReplayFlags extends RecordingFlags, PolicyFlags {
  readonly emit?: readonly EmitterName[];
  readonly hosts: boolean;
  readonly run?: string;
  readonly keep?: boolean;
  readonly compare?: boolean;
}

interface ParsedOptions extends ReplayFlags {
  readonly out?: string;
  readonly output: DocumentForm;
}

const say = (line: string) => process.stderr.write(`${line}\n`);

/** What replays read and write besides events. */
export const replayTopics: readonly RecordTopicName[] = [
  ...readTopics,
  'behaviours.v1',
  'policies.v1',
  'dead-letters.v1',
];

/** Of a command that replays, at once or as a job. */
export function addReplayOptions(command: Command): Command {
  return addPolicyOptions(addRecordingOptions(command, ['topic']))
    .option('--no-hosts', 'learn containers only, not what belongs to the nodes themselves')
    .option('--run <name>', 'name of the run (default: a new one)')
    .option('--keep', 'write profiles, policies and dead letters to <tenant>.replay.<run>.<topic>')
    .option('--compare', 'tell what differs from the policies in force, instead of printing documents');
}

export function replay(program: Command): void {
  addReplayOptions(program.command('replay'))
    .description('run discovery again over a time or range of the topics, touching nothing that is live')
    .option('--out <dir>', 'write one file a document instead of printing them')
    .addOption(
      new Option('-o, --output <form>', 'form of the documents').choices(['yaml', 'json']).default('yaml'),
    )
    .action(async (flags: ParsedOptions) => {
      const startMs = performance.now();
      const { out, output, hosts, emit = emitterNames, compare = false, keep = false } = flags;
      const run = checkRun(flags.run ?? newRun());
      const request = recordingRequest(flags);
      const usesTopics = request.topics.length > 0 || compare || keep;
      const { policy, ...config } = readDiscoverConfig(flags, { usesTopics });
      const work = async (broker?: Broker) => {
        const recording = recordingOptions(await captureRecording(request, broker), broker);
        const replayed = await runReplay({
          ...{ recording, emit, hosts, policy },
          progress: progressLines(say),
        });
        if (broker && keep) {
          const names = await writeReplay({ ...broker, run }, replayed);
          say(`run ${run}: written to ${names.join(', ')}`);
        }
        return {
          replayed,
          comparison: broker && compare && compareLive(replayed, await readPublished(broker)),
        };
      };
      const { replayed, comparison } = usesTopics
        ? await withBroker(config, { clientId: `sluice-replay-${run}`, topics: replayTopics }, work)
        : await work();
      if (!comparison || out !== undefined) putDocuments(replayed.policies, { folder: out, form: output });
      sayDiscovered(replayed, performance.now() - startMs);
      if (comparison) printComparison(comparison, output);
      setExitCode(replayed, comparison || []);
    });
}

export function printComparison(comparison: readonly PolicyComparison[], form: DocumentForm): void {
  process.stdout.write(
    form === 'json' ? `${JSON.stringify(comparison, null, 2)}\n` : comparisonText(comparison),
  );
}

function setExitCode({ learned }: Replayed, comparison: readonly PolicyComparison[]): void {
  if (learned === 0) say('nothing could be learned: see above what became of the records');
  if (learned === 0 || comparison.some(isFinding)) process.exitCode = exitCodes.findings.code;
}

export function isFinding({ agreement }: PolicyComparison): boolean {
  return agreement !== 'same';
}

/** Sorts by when it was begun, and is nobody else's. */
export function newRun(): string {
  const at = new Date()
    .toISOString()
    .replace(/[-:]|\..*$/g, '')
    .toLowerCase();
  return `${at}-${randomBytes(3).toString('hex')}`;
}
