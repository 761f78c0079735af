/**
 * One job, from where it stands to its result.
 *
 * Invariant: what is read is fixed when the job begins: whoever goes on with it reads the same, each event once.
 */

import type { AnyPolicyObject } from '#policy';
import {
  type CapturedRecording,
  captureRecording,
  type RecordingBroker,
  recordingOptions,
} from '../../enrich/index.ts';
import { compareLive, type ReplayState, removeReplay, replay, writeReplay } from '../replay/index.ts';
import { publishedCandidates, readPublished, type SimulationState, simulate } from '../simulate/index.ts';
import type { JobRequest, JobResult, ReplayRequest, SimulateRequest } from './request.ts';

/** Fit for JSON, but for maps. */
export interface JobCheckpoint {
  readonly captured: CapturedRecording;
  /** Of a simulation: what is tried. */
  readonly policies: readonly AnyPolicyObject[];
  readonly simulation?: SimulationState;
  readonly replay?: ReplayState;
  /** Whether the topics of the run may be there: only this job can have made them. */
  readonly isWriting?: boolean;
}

export interface JobProgress {
  readonly records: number;
  readonly total: number | undefined;
  checkpoint(): JobCheckpoint;
}

export interface JobContext {
  readonly broker: RecordingBroker;
  /** Where it was left; undefined: it begins. */
  readonly checkpoint: JobCheckpoint | undefined;
  readonly signal: AbortSignal;
  /** What it would go on from: kept once this resolves. */
  save(checkpoint: JobCheckpoint): Promise<void>;
  /** Every now and then; a rejection ends the job with it. */
  progress(progress: JobProgress): Promise<void>;
}

/** Errors: those of reading, of policies, of the log; the signal's reason. */
export async function runJob(request: JobRequest, context: JobContext): Promise<JobResult> {
  const checkpoint = context.checkpoint ?? (await begin(request, context));
  return request.kind === 'simulate'
    ? { kind: 'simulate', simulation: await runSimulation(checkpoint, context) }
    : runReplay(request, checkpoint, context);
}

/** Fixes what is read before anything of it is. */
async function begin(request: JobRequest, { broker, save }: JobContext): Promise<JobCheckpoint> {
  const captured = await captureRecording(request.recording, broker);
  const policies = request.kind === 'simulate' ? await policiesOf(request, broker) : [];
  const checkpoint = { captured, policies };
  await save(checkpoint);
  return checkpoint;
}

async function policiesOf({ policies, stages }: SimulateRequest, broker: RecordingBroker) {
  return policies ?? publishedCandidates(await readPublished(broker), stages);
}

async function runSimulation(checkpoint: JobCheckpoint, { broker, signal, progress }: JobContext) {
  const { captured, policies, simulation: resume } = checkpoint;
  return simulate({
    policies,
    recording: { ...recordingOptions(captured, broker), signal },
    resume,
    progress: ({ records, total, state }) =>
      progress({ records, total, checkpoint: () => ({ ...checkpoint, simulation: state() }) }),
  });
}

async function runReplay(
  { run, emit, hosts, policy, keep, compare }: ReplayRequest,
  checkpoint: JobCheckpoint,
  { broker, signal, progress, save }: JobContext,
): Promise<JobResult> {
  let last = checkpoint;
  const replayed = await replay({
    recording: { ...recordingOptions(checkpoint.captured, broker), signal },
    ...{ emit, hosts, policy, resume: checkpoint.replay },
    progress: ({ records, total, state }) =>
      progress({ records, total, checkpoint: () => (last = { ...last, replay: state() }) }),
  });
  if (last.isWriting) await removeReplay({ ...broker, run });
  else if (keep) await save({ ...last, isWriting: true });
  const topics = keep ? await writeReplay({ ...broker, run }, replayed) : null;
  const comparison = compare ? compareLive(replayed, await readPublished(broker)) : null;
  const { profiles: _, ...result } = replayed;
  return { kind: 'replay', run, replayed: result, topics, comparison };
}
