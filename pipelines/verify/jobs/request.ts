/** What a job is to do. Fit for JSON: it waits in Redis. */

import type { AnyPolicyObject } from '#policy';
import type { Stage } from '#schemas';
import type { EmitterName, PolicyOptions } from '../../discovery/index.ts';
import type { RecordingRequest } from '../../enrich/index.ts';
import type { PolicyComparison, Replayed } from '../replay/index.ts';
import type { Simulation } from '../simulate/index.ts';

/** Paths in it are looked up where the worker runs. */
export interface SimulateRequest {
  readonly kind: 'simulate';
  readonly recording: RecordingRequest;
  /** null: those of policies.v1 at these stages, as they are when the job begins. */
  readonly policies: readonly AnyPolicyObject[] | null;
  readonly stages: readonly Stage[];
}

export interface ReplayRequest {
  readonly kind: 'replay';
  readonly recording: RecordingRequest;
  readonly emit: readonly EmitterName[];
  /** Whether nodes are learned, too. */
  readonly hosts: boolean;
  readonly policy: PolicyOptions;
  readonly run: string;
  /** Whether outputs are written to topics of the run. */
  readonly keep: boolean;
  /** Whether they are compared with the policies in force. */
  readonly compare: boolean;
}

export type JobRequest = SimulateRequest | ReplayRequest;

export type JobResult =
  | { readonly kind: 'simulate'; readonly simulation: Simulation }
  | {
      readonly kind: 'replay';
      readonly run: string;
      readonly replayed: Omit<Replayed, 'profiles'>;
      /** Names of the topics that were written; null: none were to be. */
      readonly topics: readonly string[] | null;
      /** null: nothing was to be compared. */
      readonly comparison: readonly PolicyComparison[] | null;
    };
