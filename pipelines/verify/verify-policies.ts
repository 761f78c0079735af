/**
 * The step that carries policies from stage to stage, takes them back, and tells what people should look at.
 *
 * Owns: when a policy's stage changes by itself. Does not own: what has to hold for that (gate.ts), what a spike is (denials.ts),
 * how a decision becomes a version (decisions.ts), what a stage means on a node (the enforcer).
 *
 * Invariants:
 * S1 The reason comes first: a version with another stage is written only when its transition was read back from
 *    policy-transitions.v1. A process that dies in between leaves a transition without its version, and whoever comes next
 *    writes that version, the same bytes.
 * S2 A version is never skipped or doubled: writers that race are told apart by #policy's succession, and a record that
 *    came second is answered by the version that stands, written anew.
 * S3 Promotion depends on events alone (by their own time), so a workload that stands still is not promoted by the clock.
 * S4 Nothing that a workload does changes a policy's content here. It is a finding, told once for each content.
 */

import { PackedPolicy, successionOf } from '#policy';
import type { BehaviourProfile, Policy, PolicyApproval, PolicyTransition, Serde } from '#schemas';
import type { GlobalTable, Processor, ProcessorContext, StreamRecord } from '#streams';
import { type CountedLoss, confidenceOf, type PolicyOptions } from '../discovery/index.ts';
import type { AlertSight } from './alert-sight.ts';
import { Decisions } from './decisions.ts';
import { type Spike, spikeOf, withDenial } from './denials.ts';
import { evidenceRanges } from './evidence-ranges.ts';
import { lastActivity } from './findings.ts';
import { type GateFacts, met, stageAfter, unmet } from './gate.ts';
import type { Promotion, VerifySettings } from './settings.ts';
import { TellFindings } from './tell-findings.ts';
import { type Outcome, VerifyState, type VerifyStores } from './verify-state.ts';
import { isApproved, isNewSpike, wasTakenBack, watchOf, withAlert } from './watch.ts';
import { WatchedWorkloads } from './watched-workloads.ts';

/** What is learned of a policy, by its id. */
export type Sight =
  /** null: the policy was removed. */
  | { readonly type: 'version'; readonly policy: Policy | null }
  | { readonly type: 'transition'; readonly transition: PolicyTransition }
  | { readonly type: 'approval'; readonly approval: PolicyApproval | null }
  | { readonly type: 'profile'; readonly profile: BehaviourProfile }
  | { readonly type: 'alert'; readonly alert: AlertSight };

export interface VerifyOptions {
  readonly stores: VerifyStores;
  /** How profiles are kept as records. */
  readonly records: Serde<BehaviourProfile>;
  readonly loss: GlobalTable<CountedLoss>;
  readonly settings: VerifySettings;
  readonly policy: PolicyOptions;
}

export class VerifyPolicies implements Processor<string, Sight, string, Outcome> {
  readonly #options: VerifyOptions;
  #context!: ProcessorContext<string, Outcome>;
  #state!: VerifyState;
  #workloads!: WatchedWorkloads;
  #decisions!: Decisions;
  #findings!: TellFindings;
  #loss!: CountedLoss;

  constructor(options: VerifyOptions) {
    this.#options = options;
  }

  init(context: ProcessorContext<string, Outcome>): void {
    const { stores, records, settings, loss, policy } = this.#options;
    const { quietMs, orphanMs, staleDays } = settings;
    const state = new VerifyState(context, stores);
    const workloads = new WatchedWorkloads(context.store(stores.profiles), records);
    this.#context = context;
    this.#state = state;
    this.#workloads = workloads;
    this.#decisions = new Decisions(state, orphanMs);
    this.#findings = new TellFindings({ state, workloads, staleDays, policy });
    this.#loss = context.global(loss);
    for (const [policyId] of state.standing.all()) workloads.touch(policyId, state.nowMs);
    context.schedule(Math.max(1, Math.floor(quietMs / 5)), 'wall-clock', nowMs => {
      this.#decisions.adopt(nowMs);
      for (const policyId of workloads.quiet(nowMs, quietMs)) this.#judge(policyId);
    });
  }

  process({ key: policyId, value: sight, timestampMs }: StreamRecord<string, Sight>): void {
    switch (sight.type) {
      case 'version':
        if (sight.policy) this.#version(policyId, sight.policy, timestampMs * 1000);
        else this.#removed(policyId);
        break;
      case 'transition':
        this.#decisions.read(policyId, sight.transition);
        break;
      case 'approval':
        this.#approval(policyId, sight.approval);
        break;
      case 'profile':
        if (this.#workloads.put(sight.profile, this.#state.nowMs)) this.#consider(policyId);
        break;
      case 'alert':
        this.#alert(policyId, sight.alert);
    }
  }

  #version(policyId: string, policy: Policy, atUs: number): void {
    const { standing: versions, healthy, watches, nowMs } = this.#state;
    const before = versions.get(policyId);
    const succession = successionOf(before, policy);
    if (succession === 'repeat') return;
    if (succession === 'void') {
      this.#context.count('policies.void');
      const reason = `generation ${policy.generation} was written more than once; the first counts`;
      this.#decisions.decide(policyId, { to: before!.stage, reason });
      return;
    }
    const watch = watches.get(policyId);
    const isOther = before?.digest !== policy.digest;
    const wasHealthy = before?.stage === 'ENFORCE' && watch?.spikeUs === null;
    if (wasHealthy && isOther) healthy.put(policyId, before);
    this.#state.forward(policyId, { topic: 'policy-history.v1', record: policy });
    versions.put(policyId, new PackedPolicy(policy));
    watches.put(policyId, watchOf(policy, atUs, watch));
    this.#decisions.settled(policyId);
    if (isOther || before.stage !== policy.stage) this.#workloads.touch(policyId, nowMs);
  }

  #removed(policyId: string): void {
    const { standing, healthy, watches } = this.#state;
    for (const store of [standing, healthy, watches]) store.delete(policyId);
    this.#workloads.forget(policyId);
    this.#decisions.settled(policyId);
    this.#findings.forget(policyId);
  }

  #approval(policyId: string, approval: PolicyApproval | null): void {
    const { approvals, standing } = this.#state;
    if (!approval) {
      approvals.delete(policyId);
      return;
    }
    if (standing.get(policyId)?.digest !== approval.digest)
      this.#context.count('approvals.of-another-content');
    approvals.put(policyId, approval);
    this.#consider(policyId);
  }

  #alert(policyId: string, alert: AlertSight): void {
    const watch = this.#state.watches.get(policyId);
    if (!watch) {
      this.#context.drop('no-such-policy');
      return;
    }
    if (alert.generation < watch.firstGeneration) {
      this.#context.count('alerts.earlier-version');
      return;
    }
    const { spike: limits } = this.#options.settings;
    const isDenial = alert.verdict === 'DENY';
    const recent = isDenial ? withDenial(watch.recent, alert, limits) : watch.recent;
    const now = { ...withAlert(watch, alert), recent };
    const spike = isDenial ? spikeOf(recent, limits) : null;
    // While a change of stage is on its way nothing can follow from a spike: the next denial finds it again.
    const isMet = spike !== null && isNewSpike(now, limits.withinMinutes) && !watch.decided;
    this.#state.watches.put(policyId, isMet ? { ...now, spikeUs: spike.lastUs } : now);
    if (isMet) this.#spike(this.#state.standing.get(policyId)!, spike);
  }

  #spike(standing: PackedPolicy, spike: Spike): void {
    this.#findings.spike(standing, spike);
    const { rollback } = this.#options.settings;
    const { policyId, stage, digest } = standing;
    const isTakenBack = (stage === 'CANARY' && rollback.canary) || (stage === 'ENFORCE' && rollback.enforce);
    if (!isTakenBack) return;
    const { takenBack, recent } = this.#state.watch(policyId);
    this.#state.note(policyId, { takenBack: { ...takenBack, [digest]: this.#state.nowUs } });
    const healthy = rollback.to === 'previous' ? this.#state.healthy.get(policyId) : undefined;
    const isElsewhere = healthy !== undefined && healthy.digest !== digest;
    this.#decisions.decide(policyId, {
      to: isElsewhere ? 'ENFORCE' : 'AUDIT',
      digest: isElsewhere ? healthy.digest : digest,
      reason: `taken back: ${spike.summary}`,
      evidence: evidenceRanges(recent.map(({ sample }) => sample)),
    });
  }

  #judge(policyId: string): void {
    const standing = this.#state.standing.get(policyId);
    if (!standing) {
      this.#workloads.forget(policyId);
      return;
    }
    this.#findings.drift(standing, this.#workloads.judge(standing.unpack()));
    this.#consider(policyId);
  }

  /** Goes on to the next stage when all that has to hold does. */
  #consider(policyId: string): void {
    const standing = this.#state.standing.get(policyId);
    if (!standing) return;
    this.#findings.stale(standing);
    const watch = this.#state.watch(policyId);
    const to = stageAfter(standing.stage);
    const gate = to && this.#options.settings.promote[to.toLowerCase() as keyof Promotion];
    if (!gate || watch.decided || watch.orphan) return;
    const since = this.#workloads.since(policyId, watch.sinceUs);
    if (!since) return;
    const { profiles, seen, denied } = since;
    const facts: GateFacts = {
      watchedHours: Math.max(0, lastActivity(profiles) - watch.sinceUs) / 3_600e6,
      confidence: confidenceOf(profiles, this.#loss.lostOf(profiles)),
      wouldDeny: denied,
      alerts: watch.alerts,
      isApproved: isApproved(watch, this.#state.approvals.get(policyId), to),
      wasRolledBack: wasTakenBack(watch),
    };
    const missing = unmet(gate, facts);
    if (missing.length > 0) {
      if (missing.join() !== watch.missing.join()) this.#state.note(policyId, { missing });
      return;
    }
    const evidence = evidenceRanges(seen.flatMap(each => each.evidence.samples));
    this.#decisions.decide(policyId, { to, reason: met(facts), wouldDeny: 0, evidence });
  }
}
