import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { userInfo } from 'node:os';
import { resolve } from 'node:path';
import process from 'node:process';
import { type Command, Option } from 'commander';
import { hostEnvironment } from '#config';
import { SluiceError } from '#errors';
import { emitterNames } from '../pipelines/discovery/index.ts';
import type { RecordingRequest } from '../pipelines/enrich/index.ts';
import { JobQueue, type JobRequest, type JobResult, type JobStatus } from '../pipelines/verify/jobs/index.ts';
import { checkRun } from '../pipelines/verify/replay/index.ts';
import { readCandidates } from '../pipelines/verify/simulate/index.ts';
import { addBrokerOptions, type BrokerOptions, readBrokerConfig } from './broker-options.ts';
import { readDiscoverConfig, sayDiscovered } from './discover.ts';
import { exitCodes } from './exit-codes.ts';
import { putDocuments } from './policy-documents.ts';
import { recordingRequest } from './recording-options.ts';
import { addReplayOptions, isFinding, newRun, printComparison, type ReplayFlags } from './replay.ts';
import { addSimulateOptions, printSimulation, type SimulateFlags } from './simulate.ts';
import { textTable } from './text-table.ts';

type Form = 'text' | 'json';

const say = (line: string) => process.stderr.write(`${line}\n`);
const redisOption = () =>
  new Option('--redis-url <url>', 'where jobs wait (default: redis://127.0.0.1:6379)');

export function jobs(program: Command): void {
  const group = program
    .command('jobs')
    .description('simulations and replays as jobs: one at a time per tenant');
  const add = group
    .command('add')
    .description('let a simulation or replay be done by a worker; prints its id');
  addSimulateOptions(add.command('simulate'))
    .addOption(redisOption())
    .action(async (flags: SimulateFlags) => addJob(flags, newRun(), simulateRequest(flags)));
  addReplayOptions(add.command('replay'))
    .addOption(redisOption())
    .action(async (flags: ReplayFlags) => {
      const run = checkRun(flags.run ?? newRun());
      await addJob(flags, run, replayRequest(flags, run));
    });
  jobCommand(group.command('list'), 'the jobs, the newest first').action(async (options: Options) => {
    const all = await withQueue(options, queue => queue.list());
    process.stdout.write(options.output === 'json' ? `${JSON.stringify(all, null, 2)}\n` : listText(all));
  });
  jobCommand(group.command('status <id>'), 'where a job stands').action(
    async (id: string, options: Options) => {
      const status = await withQueue(options, queue => queue.status(id));
      process.stdout.write(options.output === 'json' ? `${JSON.stringify(status)}\n` : statusText(status));
    },
  );
  jobCommand(group.command('log <id>'), 'what was noted of a job').action(
    async (id: string, options: Options) => {
      const lines = await withQueue(options, queue => queue.log(id));
      process.stdout.write(
        options.output === 'json' ? `${JSON.stringify(lines)}\n` : lines.map(line => `${line}\n`).join(''),
      );
    },
  );
  jobCommand(group.command('cancel <id...>'), 'end jobs that wait or run').action(
    async (ids: string[], options: Options) => {
      await withQueue(options, async queue => {
        for (const id of ids) {
          const was = await queue.cancel(id, userInfo().username);
          say(was === 'running' ? `${id}: its worker ends it` : `${id}: cancelled before it began`);
        }
      });
    },
  );
  jobCommand(group.command('result <id>'), 'what came of a job, as the command itself would have printed it')
    .option('--out <dir>', 'of a replay: write one file a document instead of printing them')
    .action(async (id: string, options: Options) =>
      printResult(await withQueue(options, queue => queue.result(id)), options),
    );
  addBrokerOptions(group.command('work'))
    .description('do the jobs of a tenant, until it is told to end')
    .addOption(redisOption())
    .action(work);
}

interface Options extends BrokerOptions {
  readonly output: Form;
  readonly out?: string;
}

function jobCommand(command: Command, description: string): Command {
  return command
    .description(description)
    .addOption(
      new Option('-o, --output <form>', 'form of the data').choices(['text', 'json']).default('text'),
    )
    .addOption(redisOption())
    .option('--tenant <name>', 'whose jobs (default: default)')
    .option('--config <file>', 'YAML file with the same settings');
}

async function withQueue<T>(options: BrokerOptions, use: (queue: JobQueue) => Promise<T>): Promise<T> {
  const { redisUrl, tenant } = readBrokerConfig(options);
  const queue = await JobQueue.open({ redisUrl, tenant });
  try {
    return await use(queue);
  } finally {
    await queue.close();
  }
}

async function addJob(options: BrokerOptions, id: string, request: JobRequest): Promise<void> {
  await withQueue(options, queue => queue.add(id, request));
  process.stdout.write(`${id}\n`);
  say(`follow it with: sluice jobs status ${id}`);
}

function simulateRequest(flags: SimulateFlags): JobRequest {
  const { policies, stages } = flags;
  const recording = placed(recordingRequest(flags));
  const isTopic = policies.includes('topic');
  return { kind: 'simulate', recording, policies: isTopic ? null : readCandidates(policies), stages };
}

function replayRequest(flags: ReplayFlags, run: string): JobRequest {
  const { emit = emitterNames, hosts, keep = false, compare = false } = flags;
  const { policy } = readDiscoverConfig(flags, { usesTopics: true });
  const recording = placed(recordingRequest(flags));
  return { kind: 'replay', recording, ...{ emit, hosts, policy, run, keep, compare } };
}

/** A worker runs in another folder, and has no standard input of ours. */
function placed({ paths, objects, ...request }: RecordingRequest): RecordingRequest {
  if (paths.includes('-'))
    throw new SluiceError(
      'INPUT_INVALID',
      'A job cannot read standard input: name a file that its worker can read',
    );
  return {
    ...request,
    paths: paths.map(each => resolve(each)),
    objects: objects?.map(each => resolve(each)),
  };
}

function printResult(result: JobResult, options: Options): void {
  if (result.kind === 'simulate') printSimulation(result.simulation, options.output);
  else printReplayed(result, options);
}

function printReplayed(
  { replayed, comparison, topics, run }: Extract<JobResult, { kind: 'replay' }>,
  { output, out }: Options,
): void {
  const form = output === 'json' ? 'json' : 'yaml';
  if (!comparison || out !== undefined) putDocuments(replayed.policies, { folder: out, form });
  sayDiscovered(replayed);
  if (topics) say(`run ${run}: written to ${topics.join(', ')}`);
  if (comparison) printComparison(comparison, form);
  if (replayed.learned === 0 || comparison?.some(isFinding)) process.exitCode = exitCodes.findings.code;
}

/** The process as it is run anywhere, with this command's settings. */
async function work(options: BrokerOptions): Promise<void> {
  const { redisUrl, bootstrapServers, registryUrl, tenant } = readBrokerConfig(options);
  const main = resolve(import.meta.dirname, '../pipelines/verify/jobs/main.ts');
  const child = spawn(process.execPath, [main], {
    env: {
      ...hostEnvironment(),
      ...{ SLUICE_REDIS_URL: redisUrl, SLUICE_BOOTSTRAP_SERVERS: bootstrapServers },
      ...{ SLUICE_REGISTRY_URL: registryUrl, SLUICE_TENANT: tenant },
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => child.kill(signal));
  const [code] = await once(child, 'exit');
  process.exitCode = code ?? exitCodes.unreachable.code;
}

function listText(all: readonly JobStatus[]): string {
  const rows = all.map(({ id, kind, state, records, total, addedAt, starts }) => [
    ...[id, kind, state, total === null ? String(records) : `${records}/${total}`],
    ...[new Date(addedAt).toISOString(), String(starts)],
  ]);
  return textTable([['ID', 'KIND', 'STATE', 'RECORDS', 'ADDED', 'STARTS'], ...rows]);
}

function statusText(status: JobStatus): string {
  const { id, kind, state, records, total, addedAt, startedAt, endedAt, starts, reason } = status;
  const time = (ms: number | null) => (ms === null ? '-' : new Date(ms).toISOString());
  return textTable([
    ['job', id],
    ['kind', kind],
    ['state', reason === '' ? state : `${state}: ${reason}`],
    ['records', total === null ? String(records) : `${records} of ${total}`],
    ['added', time(addedAt)],
    ['started', `${time(startedAt)} (${starts} times)`],
    ['ended', time(endedAt)],
  ]);
}
