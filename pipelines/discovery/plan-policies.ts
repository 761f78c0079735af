/**
 * The step from profiles to policies.
 *
 * Owns: when a policy is made anew, its generation and stage. Does not own: what it says (make-policy.ts).
 *
 * Invariants:
 * D1 The documents and the digest depend on the profiles alone (I2); generation and stage depend on what was published before.
 * D2 Generations of a policy only grow: the next one follows the highest of its own last and the one in policies.v1.
 * D3 What somebody has carried past the configured stage is not taken back: a change to it is counted as drift.
 */

import type { BehaviourProfile, Policy, Serdes, Stage } from '#schemas';
import { behaviourKey, policyIdOf, textSerde } from '#schemas';
import {
  type GlobalTable,
  type KeyValueSpec,
  type KeyValueStore,
  keyValueStore,
  type Processor,
  type ProcessorContext,
  type StreamRecord,
  type TableView,
} from '#streams';
import { type EmitterName, makePolicy, type PolicyContent } from './make-policy.ts';

export interface PlanSettings {
  /** How long no behaviour must have been new before a policy is made. */
  readonly quietMs: number;
  /** How long at most it waits for that. */
  readonly maxWaitMs: number;
  readonly stage: Stage;
  readonly emit: readonly EmitterName[];
}

export interface PlanStores {
  /** Profiles of containers, by behaviour key. */
  readonly profiles: KeyValueSpec<string, BehaviourProfile>;
  /** The last policy of each workload, by policy id. */
  readonly policies: KeyValueSpec<string, Policy>;
}

export function planStores(serdes: Serdes): PlanStores {
  return {
    profiles: keyValueStore({
      name: 'container-profiles',
      key: textSerde,
      value: serdes.of('behaviours.v1'),
    }),
    policies: keyValueStore({ name: 'planned-policies', key: textSerde, value: serdes.of('policies.v1') }),
  };
}

export interface PlanOptions {
  readonly published: GlobalTable<TableView<string, Policy>>;
  readonly stores: PlanStores;
  readonly settings: PlanSettings;
}

type Carrier = Omit<StreamRecord<string, unknown>, 'key' | 'value'>;

interface Due {
  readonly sinceMs: number;
  readonly lastMs: number;
  readonly carrier: Carrier;
}

export class PlanPolicies implements Processor<string, BehaviourProfile, string, Policy> {
  readonly #options: PlanOptions;
  readonly #due = new Map<string, Due>();
  readonly #containersOf = new Map<string, Set<string>>();
  #context!: ProcessorContext<string, Policy>;
  #profiles!: KeyValueStore<string, BehaviourProfile>;
  #policies!: KeyValueStore<string, Policy>;
  #published!: TableView<string, Policy>;

  constructor(options: PlanOptions) {
    this.#options = options;
  }

  init(context: ProcessorContext<string, Policy>): void {
    const { published, stores, settings } = this.#options;
    this.#context = context;
    this.#profiles = context.store(stores.profiles);
    this.#policies = context.store(stores.policies);
    this.#published = context.global(published);
    const origin = { topic: stores.profiles.name, partition: context.partition, offset: 0 };
    const carrier = { timestampMs: context.clock.now(), headers: {}, origin };
    for (const [key, profile] of this.#profiles.all()) {
      this.#note(key, profile);
      this.#touch(policyIdOf(profile), carrier);
    }
    context.schedule(Math.max(1, Math.floor(settings.quietMs / 5)), 'wall-clock', nowMs =>
      this.#planDue(nowMs),
    );
  }

  process({ value: profile, ...carrier }: StreamRecord<string, BehaviourProfile>): void {
    const key = behaviourKey(profile);
    const before = this.#profiles.get(key);
    this.#profiles.put(key, profile);
    this.#note(key, profile);
    if (!before || meaning(before) !== meaning(profile)) this.#touch(policyIdOf(profile), carrier);
  }

  #note(key: string, profile: BehaviourProfile): void {
    const policyId = policyIdOf(profile);
    const keys = this.#containersOf.get(policyId) ?? new Set();
    this.#containersOf.set(policyId, keys.add(key));
  }

  #touch(policyId: string, { timestampMs, headers, origin }: Carrier): void {
    const lastMs = this.#context.clock.now();
    const sinceMs = this.#due.get(policyId)?.sinceMs ?? lastMs;
    this.#due.set(policyId, { sinceMs, lastMs, carrier: { timestampMs, headers, origin } });
  }

  #planDue(nowMs: number): void {
    const { quietMs, maxWaitMs } = this.#options.settings;
    for (const [policyId, { sinceMs, lastMs, carrier }] of this.#due) {
      if (nowMs - lastMs < quietMs && nowMs - sinceMs < maxWaitMs) continue;
      this.#due.delete(policyId);
      this.#plan(policyId, carrier);
    }
  }

  #plan(policyId: string, carrier: Carrier): void {
    const { settings } = this.#options;
    const keys = [...(this.#containersOf.get(policyId) ?? [])];
    const content = makePolicy(
      keys.map(key => this.#profiles.get(key)!),
      settings.emit,
    );
    if (!content) {
      this.#context.drop('nothing-to-say');
      return;
    }
    const last = later(this.#policies.get(policyId), this.#published.get(policyId));
    const decision = decide(last, content, settings.stage);
    if (decision !== 'publish') {
      this.#context.count(`policies.${decision}`);
      return;
    }
    const policy = nextOf(policyId, { last, content, stage: settings.stage });
    this.#policies.put(policyId, policy);
    this.#context.count('policies.published');
    this.#context.forward({ ...carrier, key: policyId, value: policy });
  }
}

/** What a policy can depend on: everything but the evidence. */
function meaning({ selector, behaviours }: BehaviourProfile): string {
  return JSON.stringify([selector, behaviours.map(({ evidence: _, source: __, ...behaviour }) => behaviour)]);
}

function later(a: Policy | undefined, b: Policy | undefined): Policy | undefined {
  if (!a || !b) return a ?? b;
  return a.generation >= b.generation ? a : b;
}

const order: readonly Stage[] = ['LEARNING', 'CANDIDATE', 'SHADOW', 'AUDIT', 'CANARY', 'ENFORCE', 'RETIRED'];

function decide(
  last: Policy | undefined,
  content: PolicyContent,
  stage: Stage,
): 'publish' | 'unchanged' | 'drift' {
  if (!last) return 'publish';
  const [was, will] = [order.indexOf(last.stage), order.indexOf(stage)];
  if (last.digest === content.digest)
    return was < will || (was === will && story(last) !== story(content)) ? 'publish' : 'unchanged';
  return was > will ? 'drift' : 'publish';
}

/** What is told of a policy besides its documents; how much evidence there is may grow without a new generation. */
function story({ rules, losses }: Pick<Policy, 'rules' | 'losses'>): string {
  return JSON.stringify([losses, rules.map(({ summary }) => summary)]);
}

function nextOf(
  policyId: string,
  {
    last,
    content,
    stage,
  }: { readonly last: Policy | undefined; readonly content: PolicyContent; readonly stage: Stage },
): Policy {
  const { target, documents, rules, losses, digest, confidence } = content;
  return {
    policyId,
    generation: (last?.generation ?? 0) + 1,
    digest,
    prevDigest: last?.digest ?? '',
    ...{ stage, target, documents, rules, losses, confidence },
    signature: null,
  };
}
