/** Tells what people should look at: each finding once for each content (S4). */

import type { PackedPolicy } from '#policy';
import type { Stage } from '#schemas';
import { emittersOf, makePolicy, type PolicyOptions, type SeenAccess } from '../discovery/index.ts';
import type { Spike } from './denials.ts';
import { driftOf, type Found, spikeFinding, staleRules } from './findings.ts';
import type { VerifyState } from './verify-state.ts';
import type { WatchedWorkloads } from './watched-workloads.ts';

/** Stages of which nodes take notice: before them, discovery answers what is new. */
const acting: ReadonlySet<Stage> = new Set(['AUDIT', 'CANARY', 'ENFORCE']);
/** It looks at every rule of a policy. */
const staleCheckMs = 3_600_000;
/** Of one content; beyond that findings are only counted. */
const toldLimit = 500;

export interface TellOptions {
  readonly state: VerifyState;
  readonly workloads: WatchedWorkloads;
  readonly staleDays: number;
  /** How discovery makes policies. */
  readonly policy: PolicyOptions;
}

export class TellFindings {
  readonly #options: TellOptions;
  readonly #staleCheckedMs = new Map<string, number>();

  constructor(options: TellOptions) {
    this.#options = options;
  }

  /** `denied`: what the workload was seen doing and the policy does not admit. */
  drift(standing: PackedPolicy, denied: readonly SeenAccess[]): void {
    if (acting.has(standing.stage))
      this.#tell(standing.policyId, driftOf(standing, denied, this.#options.state.nowUs));
  }

  /** Does nothing when it did so less than an hour ago. */
  stale(standing: PackedPolicy): void {
    const { state, workloads, staleDays, policy } = this.#options;
    const { policyId, stage } = standing;
    const { nowMs, nowUs: atUs } = state;
    const checkedMs = this.#staleCheckedMs.get(policyId) ?? Number.NEGATIVE_INFINITY;
    if (!acting.has(stage) || nowMs - checkedMs < staleCheckMs) return;
    this.#staleCheckedMs.set(policyId, nowMs);
    const profiles = workloads.profilesOf(policyId);
    const content = standing.unpack();
    const now = profiles.length > 0 ? makePolicy(profiles, emittersOf(content), policy) : undefined;
    this.#tell(policyId, staleRules(content, { now, profiles }, { staleDays, atUs }));
  }

  /** Every time: a spike ends, and another may come. */
  spike(standing: PackedPolicy, spike: Spike): void {
    const { state } = this.#options;
    const { policyId } = standing;
    const record = spikeFinding(standing, spike, state.watch(policyId).recent, state.nowUs);
    state.count('findings.denial_spike');
    state.forward(policyId, { topic: 'policy-findings.v1', record });
  }

  forget(policyId: string): void {
    this.#staleCheckedMs.delete(policyId);
  }

  #tell(policyId: string, found: readonly Found[]): void {
    const { state } = this.#options;
    const { told } = state.watch(policyId);
    const fresh = found.filter(({ name }) => !told.includes(name));
    const room = Math.max(0, toldLimit - told.length);
    if (fresh.length > room) state.count('findings.not-told', fresh.length - room);
    const now = fresh.slice(0, room);
    if (now.length === 0) return;
    for (const { finding: record } of now) {
      state.count(`findings.${record.type.toLowerCase()}`);
      state.forward(policyId, { topic: 'policy-findings.v1', record });
    }
    state.note(policyId, { told: [...told, ...now.map(({ name }) => name)] });
  }
}
