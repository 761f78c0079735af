/**
 * The step from profiles to policies.
 *
 * Owns: when a policy is made anew, its generation and stage. Does not own: what it says (make-policy.ts), how a stage is left
 * (verify).
 *
 * Invariants:
 * D1 The documents and the digest depend on the profiles alone (I2); generation and stage depend on what was published before.
 * D2 Generations of a policy only grow: the next one follows the highest of its own last and the one that stands in policies.v1.
 * D3 What acts on nodes, or was retired, is not replaced unless it is at the configured stage: a change is counted as drift, and
 *    told by verify. What only waits (learning, candidate, shadow) is made anew, at the configured stage.
 * D4 A record that came second to its generation is answered by the version that stands, written anew (#policy, G3).
 */

import { nextVersion, type StandingPolicies } from '#policy';
import type { BehaviourProfile, Policy, PolicyTransition, Serde, Serdes, Stage } from '#schemas';
import { behaviourKey, jsonSerde, textSerde, withDefaults } from '#schemas';
import {
  type GlobalTable,
  type KeyValueSpec,
  type KeyValueStore,
  keyValueStore,
  type Processor,
  type ProcessorContext,
  type StreamRecord,
} from '#streams';
import type { CountedLoss } from './counted-loss.ts';
import { firstPolicy } from './first-policy.ts';
import { HeldProfile, heldProfileSerde } from './held-profile.ts';
import type { EmitterName, PolicyOptions } from './make-policy.ts';
import { type PlannedVersion, versionOf } from './planned-version.ts';

export interface PlanSettings {
  /** How long no behaviour must have been new before a policy is made. */
  readonly quietMs: number;
  /** How long at most it waits for that. */
  readonly maxWaitMs: number;
  readonly stage: Stage;
  readonly emit: readonly EmitterName[];
  /** What the documents say of what was seen. */
  readonly policy: PolicyOptions;
}

export interface PlanStores {
  /** Profiles of containers, by behaviour key. */
  readonly profiles: KeyValueSpec<string, HeldProfile>;
  /** The last policy of each workload, by policy id. */
  readonly policies: KeyValueSpec<string, PlannedVersion>;
  /** How profiles are kept as records. */
  readonly records: Serde<BehaviourProfile>;
}

export function planStores(serdes: Serdes): PlanStores {
  const records = serdes.of('behaviours.v1');
  return {
    profiles: keyValueStore({
      name: 'container-profiles',
      key: textSerde,
      value: heldProfileSerde(records),
    }),
    policies: keyValueStore({
      name: 'planned-versions',
      key: textSerde,
      value: jsonSerde<PlannedVersion>(),
    }),
    records,
  };
}

export interface PlanOptions {
  readonly published: GlobalTable<StandingPolicies>;
  readonly loss: GlobalTable<CountedLoss>;
  readonly stores: PlanStores;
  readonly settings: PlanSettings;
}

/** What is written: a version, and why where it changes the stage. */
export type Planned =
  | { readonly topic: 'policies.v1'; readonly record: Policy }
  | { readonly topic: 'policy-transitions.v1'; readonly record: PolicyTransition };

type Carrier = Omit<StreamRecord<string, unknown>, 'key' | 'value'>;

interface Due {
  readonly sinceMs: number;
  readonly lastMs: number;
  readonly carrier: Carrier;
}

/** Ten thousand workloads may be due at once, after a start: records must go on being read meanwhile. */
const longestTurnMs = 200;

export class PlanPolicies implements Processor<string, BehaviourProfile, string, Planned> {
  readonly #options: PlanOptions;
  readonly #due = new Map<string, Due>();
  readonly #containersOf = new Map<string, Set<string>>();
  /** Versions written here that were not seen in policies.v1 yet. */
  readonly #unconfirmed = new Map<string, PlannedVersion>();
  #context!: ProcessorContext<string, Planned>;
  #profiles!: KeyValueStore<string, HeldProfile>;
  #policies!: KeyValueStore<string, PlannedVersion>;
  #published!: StandingPolicies;
  #loss!: CountedLoss;

  constructor(options: PlanOptions) {
    this.#options = options;
  }

  init(context: ProcessorContext<string, Planned>): void {
    const { published, loss, stores, settings } = this.#options;
    this.#context = context;
    this.#profiles = context.store(stores.profiles);
    this.#policies = context.store(stores.policies);
    this.#published = context.global(published);
    this.#loss = context.global(loss);
    for (const [key, held] of this.#profiles.all()) {
      this.#note(key, held);
      this.#touch(held.policyId, this.#carrier());
    }
    context.schedule(Math.max(1, Math.floor(settings.quietMs / 5)), 'wall-clock', nowMs => {
      this.#confirm();
      this.#settle();
      this.#planDue(nowMs);
    });
  }

  process({ value: profile, ...carrier }: StreamRecord<string, BehaviourProfile>): void {
    const key = behaviourKey(profile);
    const before = this.#profiles.get(key);
    const held = new HeldProfile(profile, this.#options.stores.records);
    this.#profiles.put(key, held);
    this.#note(key, held);
    if (before?.meaning !== held.meaning) this.#touch(held.policyId, carrier);
  }

  #note(key: string, { policyId }: HeldProfile): void {
    const keys = this.#containersOf.get(policyId) ?? new Set();
    this.#containersOf.set(policyId, keys.add(key));
  }

  #touch(policyId: string, { timestampMs, headers, origin }: Carrier): void {
    const lastMs = this.#context.clock.now();
    const sinceMs = this.#due.get(policyId)?.sinceMs ?? lastMs;
    this.#due.set(policyId, { sinceMs, lastMs, carrier: { timestampMs, headers, origin } });
  }

  /** D4. */
  #settle(): void {
    for (const policyId of this.#published.unsettled()) {
      const standing = this.#published.get(policyId)!;
      const last = this.#policies.get(policyId);
      const isMine = this.#containersOf.has(policyId) && !(last && last.generation > standing.generation);
      if (!isMine) continue;
      this.#context.count('policies.settled');
      this.#publish(policyId, nextVersion(standing), this.#carrier());
    }
  }

  /** Where somebody else's version stands in place of one of ours, ours is planned anew upon it. */
  #confirm(): void {
    for (const [policyId, mine] of this.#unconfirmed) {
      const standing = this.#published.get(policyId);
      if (!standing || standing.generation < mine.generation) continue;
      this.#unconfirmed.delete(policyId);
      if (standing.digest !== mine.digest) this.#touch(policyId, this.#carrier());
    }
  }

  #carrier(): Carrier {
    const { clock, partition } = this.#context;
    const origin = { topic: this.#options.stores.profiles.name, partition, offset: 0 };
    return { timestampMs: clock.now(), headers: {}, origin };
  }

  /** Those that have waited longest first; what there is no time for waits for the next turn. */
  #planDue(nowMs: number): void {
    const { quietMs, maxWaitMs } = this.#options.settings;
    for (const [policyId, { sinceMs, lastMs, carrier }] of this.#due) {
      if (this.#context.clock.now() - nowMs > longestTurnMs) return;
      if (nowMs - lastMs < quietMs && nowMs - sinceMs < maxWaitMs) continue;
      this.#due.delete(policyId);
      this.#plan(policyId, carrier);
    }
  }

  #plan(policyId: string, carrier: Carrier): void {
    const { settings } = this.#options;
    const keys = [...(this.#containersOf.get(policyId) ?? [])];
    const { records } = this.#options.stores;
    const profiles = keys.map(key => records.deserialize(this.#profiles.get(key)!.bytes));
    const first = firstPolicy(profiles, { ...settings, lostEvents: this.#loss.lostOf(profiles) });
    if (!first) {
      this.#context.drop('nothing-to-say');
      return;
    }
    const standing = this.#published.get(policyId);
    const last = later(this.#policies.get(policyId), standing && versionOf(standing));
    const decision = decide(last, versionOf(first));
    if (decision !== 'publish') {
      this.#context.count(`policies.${decision}`);
      return;
    }
    const policy = last
      ? nextVersion({ ...first, generation: last.generation, digest: last.digest }, contentOf(first))
      : first;
    this.#context.count('policies.published');
    const from = last?.stage ?? 'LEARNING';
    if (from !== policy.stage) this.#tell(policy, from, carrier);
    this.#publish(policyId, policy, carrier);
  }

  #tell(
    { policyId, generation, digest, prevDigest, stage: to }: Policy,
    from: Stage,
    carrier: Carrier,
  ): void {
    const record = withDefaults('PolicyTransition', {
      ...{ policyId, generation, digest, prevDigest, from, to, by: 'discovery' },
      at: this.#context.clock.now() * 1000,
      reason: generation === 1 ? 'first learned' : 'learned anew: something was seen that it did not admit',
    });
    this.#context.forward({ ...carrier, key: policyId, value: { topic: 'policy-transitions.v1', record } });
  }

  #publish(policyId: string, record: Policy, carrier: Carrier): void {
    const version = versionOf(record);
    this.#policies.put(policyId, version);
    this.#unconfirmed.set(policyId, version);
    this.#context.forward({ ...carrier, key: policyId, value: { topic: 'policies.v1', record } });
  }
}

function contentOf({ stage, target, documents, rules, losses, digest, confidence }: Policy) {
  return { stage, target, documents, rules, losses, digest, confidence };
}

/** Of one generation the version that stands counts: ours may have come second. */
function later(
  mine: PlannedVersion | undefined,
  standing: PlannedVersion | undefined,
): PlannedVersion | undefined {
  if (!mine || !standing) return mine ?? standing;
  return mine.generation > standing.generation ? mine : standing;
}

/** Stages of which nodes take no notice. */
const waiting: ReadonlySet<Stage> = new Set(['LEARNING', 'CANDIDATE', 'SHADOW']);

function decide(
  last: PlannedVersion | undefined,
  { digest, stage, story }: PlannedVersion,
): 'publish' | 'unchanged' | 'drift' {
  if (!last) return 'publish';
  const isBefore = waiting.has(last.stage) && !waiting.has(stage);
  if (last.digest === digest)
    return isBefore || (last.stage === stage && last.story !== story) ? 'publish' : 'unchanged';
  return waiting.has(last.stage) || last.stage === stage ? 'publish' : 'drift';
}
