/** Candidate policies over a recording: what they would have denied. */

import type { AnyPolicyObject } from '#policy';
import type { InputAccount } from '#recordings';
import { PolicySet } from '../../discovery/index.ts';
import { type RecordingOptions, type RecordingState, readRecording } from '../../enrich/index.ts';
import { type Findings, judge } from './judge.ts';
import { type DeedsState, RecordedDeeds } from './recorded-deeds.ts';

/** Where a simulation stands: enough to go on from. Fit for JSON, but for the accounts' maps. */
export interface SimulationState {
  readonly recording: RecordingState;
  readonly deeds: DeedsState;
}

export interface SimulationProgress {
  readonly records: number;
  readonly total: number | undefined;
  state(): SimulationState;
}

export interface SimulationOptions {
  readonly policies: readonly AnyPolicyObject[];
  readonly recording: Omit<RecordingOptions, 'resume' | 'progress'>;
  readonly resume?: SimulationState | undefined;
  readonly progress?: (progress: SimulationProgress) => void | Promise<void>;
}

export interface Simulation extends Findings {
  readonly policies: number;
  readonly inputs: readonly InputAccount[];
  /** events = judged + the sum of unjudged. */
  readonly events: number;
  readonly judged: number;
  readonly unjudged: Readonly<Record<string, number>>;
}

/** Errors: POLICY_INVALID and POLICY_UNENFORCEABLE for what cannot be judged, before anything is read; those of reading. */
export async function simulate({
  policies,
  recording,
  resume,
  progress,
}: SimulationOptions): Promise<Simulation> {
  // Read once ahead: what cannot be judged is told before the recording is read.
  new PolicySet(policies);
  const deeds = new RecordedDeeds(resume?.deeds);
  const inputs = await readRecording(
    {
      ...recording,
      resume: resume?.recording,
      progress: ({ records, total, state }) =>
        progress?.({ records, total, state: () => ({ recording: state(), deeds: deeds.state() }) }),
    },
    deeds,
  );
  const unjudged = Object.fromEntries([...deeds.unjudged].sort());
  const left = Object.values(unjudged).reduce((sum, count) => sum + count, 0);
  return {
    ...{ policies: policies.length, inputs, events: deeds.events, judged: deeds.events - left, unjudged },
    ...judge(deeds, policies),
  };
}
