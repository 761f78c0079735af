/**
 * The step that carries policies from stage to stage, takes them back, and tells what people should look at.
 *
 * Owns: when a policy's stage changes by itself. Does not own: what has to hold for that (gate.ts), what a spike is (denials.ts),
 * what a stage means on a node (the enforcer).
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

import { nextVersion, PackedPolicy, packedPolicySerde, successionOf } from '#policy';
import type {
  BehaviourProfile,
  EvidenceRange,
  Policy,
  PolicyApproval,
  PolicyFinding,
  PolicyTransition,
  Serde,
  Serdes,
  Stage,
} from '#schemas';
import { jsonSerde, textSerde, withDefaults } from '#schemas';
import {
  type GlobalTable,
  type KeyValueStore,
  keyValueStore,
  type Processor,
  type ProcessorContext,
  type StreamRecord,
} from '#streams';
import {
  type CountedLoss,
  confidenceOf,
  emittersOf,
  heldProfileSerde,
  makePolicy,
  type PolicyOptions,
} from '../discovery/index.ts';
import type { AlertSight } from './alert-sight.ts';
import { type Spike, spikeOf, withDenial } from './denials.ts';
import { evidenceRanges } from './evidence-ranges.ts';
import { driftOf, type Found, lastActivity, spikeFinding, staleRules } from './findings.ts';
import { type GateFacts, met, stageAfter, unmet } from './gate.ts';
import type { Promotion, VerifySettings } from './settings.ts';
import { isApproved, isNewSpike, type Watch, wasTakenBack, watchOf, withAlert } from './watch.ts';
import { WatchedWorkloads } from './watched-workloads.ts';

/** What is learned of a policy, by its id. */
export type Sight =
  /** null: the policy was removed. */
  | { readonly type: 'version'; readonly policy: Policy | null }
  | { readonly type: 'transition'; readonly transition: PolicyTransition }
  | { readonly type: 'approval'; readonly approval: PolicyApproval | null }
  | { readonly type: 'profile'; readonly profile: BehaviourProfile }
  | { readonly type: 'alert'; readonly alert: AlertSight };

/** What is written, and where. */
export type Outcome =
  | { readonly topic: 'policies.v1'; readonly record: Policy }
  | { readonly topic: 'policy-history.v1'; readonly record: Policy }
  | { readonly topic: 'policy-transitions.v1'; readonly record: PolicyTransition }
  | { readonly topic: 'policy-findings.v1'; readonly record: PolicyFinding };

export function verifyStores(serdes: Serdes) {
  const policies = packedPolicySerde(serdes.of('policies.v1'));
  return {
    /** The version that stands of each policy. */
    standing: keyValueStore({ name: 'standing-policies', key: textSerde, value: policies }),
    /** The last content of each policy that was enforced without a spike and then followed by another. */
    healthy: keyValueStore({ name: 'healthy-policies', key: textSerde, value: policies }),
    watches: keyValueStore({ name: 'policy-watches', key: textSerde, value: jsonSerde<Watch>() }),
    /** By behaviour key. */
    profiles: keyValueStore({
      name: 'watched-profiles',
      key: textSerde,
      value: heldProfileSerde(serdes.of('behaviours.v1')),
    }),
  };
}

export interface VerifyOptions {
  readonly stores: ReturnType<typeof verifyStores>;
  /** How profiles are kept as records. */
  readonly records: Serde<BehaviourProfile>;
  readonly loss: GlobalTable<CountedLoss>;
  readonly settings: VerifySettings;
  readonly policy: PolicyOptions;
}

const automation = 'verify';
const acting: ReadonlySet<Stage> = new Set(['AUDIT', 'CANARY', 'ENFORCE']);
const staleCheckMs = 3_600_000;
/** Findings of one content; beyond that they are only counted. */
const toldLimit = 500;

export class VerifyPolicies implements Processor<string, Sight, string, Outcome> {
  readonly #options: VerifyOptions;
  readonly #orphaned = new Set<string>();
  readonly #staleCheckedMs = new Map<string, number>();
  #context!: ProcessorContext<string, Outcome>;
  #standing!: KeyValueStore<string, PackedPolicy>;
  #healthy!: KeyValueStore<string, PackedPolicy>;
  #watches!: KeyValueStore<string, Watch>;
  #workloads!: WatchedWorkloads;
  #loss!: CountedLoss;

  constructor(options: VerifyOptions) {
    this.#options = options;
  }

  init(context: ProcessorContext<string, Outcome>): void {
    const { stores, records, settings, loss } = this.#options;
    this.#context = context;
    this.#standing = context.store(stores.standing);
    this.#healthy = context.store(stores.healthy);
    this.#watches = context.store(stores.watches);
    this.#workloads = new WatchedWorkloads(context.store(stores.profiles), records);
    this.#loss = context.global(loss);
    for (const [policyId] of this.#standing.all()) this.#workloads.touch(policyId, context.clock.now());
    for (const [policyId, { orphan }] of this.#watches.all()) if (orphan) this.#orphaned.add(policyId);
    const intervalMs = Math.max(1, Math.floor(settings.quietMs / 5));
    context.schedule(intervalMs, 'wall-clock', nowMs => {
      this.#adopt(nowMs);
      this.#judgeDue(nowMs);
    });
  }

  process({ key: policyId, value: sight, timestampMs }: StreamRecord<string, Sight>): void {
    switch (sight.type) {
      case 'version':
        if (sight.policy) this.#version(policyId, sight.policy, timestampMs * 1000);
        else this.#removed(policyId);
        break;
      case 'transition':
        this.#transition(policyId, sight.transition);
        break;
      case 'approval':
        this.#approval(policyId, sight.approval);
        break;
      case 'profile':
        if (this.#workloads.put(sight.profile, this.#context.clock.now())) this.#consider(policyId);
        break;
      case 'alert':
        this.#alert(policyId, sight.alert);
    }
  }

  #version(policyId: string, policy: Policy, atUs: number): void {
    const standing = this.#standing.get(policyId);
    const succession = successionOf(standing, policy);
    if (succession === 'repeat') return;
    if (succession === 'void') {
      this.#context.count('policies.void');
      const reason = `generation ${policy.generation} was written more than once; the first counts`;
      this.#decide(policyId, { to: standing!.stage, reason });
      return;
    }
    const watch = this.#watches.get(policyId);
    const wasHealthy = standing?.stage === 'ENFORCE' && watch?.spikeUs === null;
    if (wasHealthy && standing.digest !== policy.digest) this.#healthy.put(policyId, standing);
    this.#forward(policyId, { topic: 'policy-history.v1', record: policy });
    this.#standing.put(policyId, new PackedPolicy(policy));
    this.#watches.put(policyId, watchOf(policy, atUs, watch));
    this.#orphaned.delete(policyId);
    if (standing?.digest !== policy.digest) this.#workloads.touch(policyId, this.#context.clock.now());
    this.#consider(policyId);
  }

  #removed(policyId: string): void {
    for (const store of [this.#standing, this.#healthy, this.#watches]) store.delete(policyId);
    this.#workloads.forget(policyId);
    this.#orphaned.delete(policyId);
    this.#staleCheckedMs.delete(policyId);
  }

  /** S1. */
  #transition(policyId: string, transition: PolicyTransition): void {
    const watch = this.#watches.get(policyId);
    const standing = this.#standing.get(policyId);
    if (!watch || !standing || transition.generation !== standing.generation + 1) return;
    if (watch.decided && isSame(watch.decided, transition)) {
      this.#write(standing, transition);
      return;
    }
    // Who wrote it is about to write the version too.
    this.#watches.put(policyId, { ...watch, orphan: { transition, metMs: this.#context.clock.now() } });
    this.#orphaned.add(policyId);
  }

  /** Transitions whose writer did not come to write the version. */
  #adopt(nowMs: number): void {
    for (const policyId of this.#orphaned) {
      const watch = this.#watches.get(policyId)!;
      if (!watch.orphan || nowMs - watch.orphan.metMs < this.#options.settings.orphanMs) continue;
      this.#orphaned.delete(policyId);
      this.#watches.put(policyId, { ...watch, orphan: null });
      this.#context.count('transitions.adopted');
      this.#write(this.#standing.get(policyId)!, watch.orphan.transition);
    }
  }

  #write(standing: PackedPolicy, { digest, to }: PolicyTransition): void {
    const { policyId } = standing;
    const content = [standing, this.#healthy.get(policyId)].find(each => each?.digest === digest);
    if (!content) {
      // Another writer's content, of which only the transition came: nobody else can know it.
      this.#context.count('transitions.content-unknown');
      return;
    }
    const { target, documents, rules, losses, confidence } = content.unpack();
    const change = { digest, target, documents, rules, losses, confidence, stage: to };
    this.#forward(policyId, { topic: 'policies.v1', record: nextVersion(standing.unpack(), change) });
  }

  #approval(policyId: string, approval: PolicyApproval | null): void {
    const watch = this.#watches.get(policyId);
    if (!watch) {
      this.#context.drop('no-such-policy');
      return;
    }
    if (approval && approval.digest !== watch.digest) this.#context.count('approvals.of-another-content');
    this.#watches.put(policyId, { ...watch, approval });
    this.#consider(policyId);
  }

  #alert(policyId: string, alert: AlertSight): void {
    const watch = this.#watches.get(policyId);
    const standing = this.#standing.get(policyId);
    if (!watch || !standing) {
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
    if (!spike || !isNewSpike(now, limits.withinMinutes)) {
      this.#watches.put(policyId, now);
      return;
    }
    this.#watches.put(policyId, { ...now, spikeUs: spike.lastUs });
    this.#spike(standing, spike);
  }

  #spike(standing: PackedPolicy, spike: Spike): void {
    const { policyId, stage, digest } = standing;
    const watch = this.#watches.get(policyId)!;
    this.#context.count('findings.spike');
    const record = spikeFinding(standing, spike, watch.recent, this.#nowUs());
    this.#forward(policyId, { topic: 'policy-findings.v1', record });
    const { rollback } = this.#options.settings;
    const isTakenBack = (stage === 'CANARY' && rollback.canary) || (stage === 'ENFORCE' && rollback.enforce);
    if (!isTakenBack) return;
    const healthy = rollback.to === 'previous' ? this.#healthy.get(policyId) : undefined;
    const isElsewhere = healthy !== undefined && healthy.digest !== digest;
    this.#watches.put(policyId, { ...watch, takenBack: { ...watch.takenBack, [digest]: this.#nowUs() } });
    this.#decide(policyId, {
      to: isElsewhere ? 'ENFORCE' : 'AUDIT',
      digest: isElsewhere ? healthy.digest : digest,
      reason: `taken back: ${spike.summary}`,
      evidence: evidenceRanges(watch.recent.map(({ sample }) => sample)),
    });
  }

  #judgeDue(nowMs: number): void {
    for (const policyId of this.#workloads.quiet(nowMs, this.#options.settings.quietMs)) {
      const standing = this.#standing.get(policyId);
      if (!standing) {
        this.#workloads.forget(policyId);
        continue;
      }
      const denied = this.#workloads.judge(standing.unpack());
      if (acting.has(standing.stage)) this.#tell(policyId, driftOf(standing, denied, this.#nowUs()));
      this.#consider(policyId);
    }
  }

  /** Now and then: it looks at every rule. */
  #tellStale(standing: PackedPolicy): void {
    const { policyId, stage } = standing;
    const nowMs = this.#context.clock.now();
    const checkedMs = this.#staleCheckedMs.get(policyId) ?? Number.NEGATIVE_INFINITY;
    if (!acting.has(stage) || nowMs - checkedMs < staleCheckMs) return;
    this.#staleCheckedMs.set(policyId, nowMs);
    const profiles = this.#workloads.profilesOf(policyId);
    const { settings, policy } = this.#options;
    const content = standing.unpack();
    const now = profiles.length > 0 ? makePolicy(profiles, emittersOf(content), policy) : undefined;
    const { staleDays } = settings;
    this.#tell(policyId, staleRules(content, { now, profiles }, { staleDays, atUs: nowMs * 1000 }));
  }

  /** S4. */
  #tell(policyId: string, found: readonly Found[]): void {
    const watch = this.#watches.get(policyId)!;
    const fresh = found.filter(({ name }) => !watch.told.includes(name));
    const room = Math.max(0, toldLimit - watch.told.length);
    if (fresh.length > room) this.#context.count('findings.not-told', fresh.length - room);
    for (const { finding } of fresh.slice(0, room)) {
      this.#context.count(`findings.${finding.type.toLowerCase()}`);
      this.#forward(policyId, { topic: 'policy-findings.v1', record: finding });
    }
    if (fresh.length === 0 || room === 0) return;
    const told = [...watch.told, ...fresh.slice(0, room).map(({ name }) => name)];
    this.#watches.put(policyId, { ...watch, told });
  }

  /** Goes on to the next stage when all that has to hold does. */
  #consider(policyId: string): void {
    const standing = this.#standing.get(policyId);
    if (!standing) return;
    this.#tellStale(standing);
    const watch = this.#watches.get(policyId)!;
    const to = stageAfter(standing.stage);
    const gate = to && this.#options.settings.promote[to.toLowerCase() as keyof Promotion];
    if (!gate || watch.decided || watch.orphan) return;
    const since = this.#workloads.since(policyId, watch.sinceUs);
    if (!since) return;
    const { profiles } = since;
    const facts: GateFacts = {
      watchedHours: Math.max(0, lastActivity(profiles) - watch.sinceUs) / 3_600e6,
      confidence: confidenceOf(profiles, this.#loss.lostOf(profiles)),
      wouldDeny: since.denied,
      alerts: watch.alerts,
      isApproved: isApproved(watch, to),
      wasRolledBack: wasTakenBack(watch),
    };
    const missing = unmet(gate, facts);
    if (missing.length > 0) {
      if (missing.join() !== watch.missing.join()) this.#watches.put(policyId, { ...watch, missing });
      return;
    }
    const samples = since.seen.flatMap(({ evidence }) => evidence.samples);
    this.#decide(policyId, { to, reason: met(facts), wouldDeny: 0, evidence: evidenceRanges(samples) });
  }

  #decide(
    policyId: string,
    decision: {
      readonly to: Stage;
      readonly reason: string;
      readonly digest?: string;
      readonly wouldDeny?: number;
      readonly evidence?: EvidenceRange[];
    },
  ): void {
    const { generation, digest, stage } = this.#standing.get(policyId)!;
    const watch = this.#watches.get(policyId)!;
    if (watch.decided) return;
    const record = withDefaults('PolicyTransition', {
      ...{ policyId, generation: generation + 1, digest, prevDigest: digest, from: stage, ...decision },
      ...{ at: this.#nowUs(), by: automation },
    });
    this.#watches.put(policyId, { ...watch, decided: record });
    this.#context.count(`transitions.${decision.to.toLowerCase()}`);
    this.#forward(policyId, { topic: 'policy-transitions.v1', record });
  }

  #nowUs(): number {
    return this.#context.clock.now() * 1000;
  }

  #forward(policyId: string, value: Outcome): void {
    const { clock, partition } = this.#context;
    const origin = { topic: this.#options.stores.watches.name, partition, offset: 0 };
    this.#context.forward({ key: policyId, value, timestampMs: clock.now(), headers: {}, origin });
  }
}

function isSame(a: PolicyTransition, b: PolicyTransition): boolean {
  return a.generation === b.generation && a.digest === b.digest && a.to === b.to;
}
