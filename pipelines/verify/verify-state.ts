/** What the parts of verify share: what is remembered of policies, and what is written. */

import { type PackedPolicy, packedPolicySerde } from '#policy';
import {
  jsonSerde,
  type Policy,
  type PolicyApproval,
  type PolicyFinding,
  type PolicyTransition,
  type Serdes,
  textSerde,
} from '#schemas';
import { type KeyValueStore, keyValueStore, type ProcessorContext } from '#streams';
import { heldProfileSerde } from '../discovery/index.ts';
import type { Watch } from './watch.ts';

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
    /** The last approval of each policy, whatever content it is of, and whether or not that was seen. */
    approvals: keyValueStore({
      name: 'policy-approvals',
      key: textSerde,
      value: serdes.of('policy-approvals.v1'),
    }),
    watches: keyValueStore({ name: 'policy-watches', key: textSerde, value: jsonSerde<Watch>() }),
    /** By behaviour key. */
    profiles: keyValueStore({
      name: 'watched-profiles',
      key: textSerde,
      value: heldProfileSerde(serdes.of('behaviours.v1')),
    }),
  };
}

export type VerifyStores = ReturnType<typeof verifyStores>;

export class VerifyState {
  readonly standing: KeyValueStore<string, PackedPolicy>;
  readonly healthy: KeyValueStore<string, PackedPolicy>;
  readonly approvals: KeyValueStore<string, PolicyApproval>;
  readonly watches: KeyValueStore<string, Watch>;
  readonly #context: ProcessorContext<string, Outcome>;

  constructor(context: ProcessorContext<string, Outcome>, stores: VerifyStores) {
    this.#context = context;
    this.standing = context.store(stores.standing);
    this.healthy = context.store(stores.healthy);
    this.approvals = context.store(stores.approvals);
    this.watches = context.store(stores.watches);
  }

  get nowMs(): number {
    return this.#context.clock.now();
  }

  get nowUs(): number {
    return this.nowMs * 1000;
  }

  /** There is one of each policy that stands. */
  watch(policyId: string): Watch {
    return this.watches.get(policyId)!;
  }

  note(policyId: string, changes: Partial<Watch>): void {
    this.watches.put(policyId, { ...this.watch(policyId), ...changes });
  }

  count(name: string, by = 1): void {
    this.#context.count(name, by);
  }

  forward(policyId: string, value: Outcome): void {
    const origin = { topic: this.watches.name, partition: this.#context.partition, offset: 0 };
    this.#context.forward({ key: policyId, value, timestampMs: this.nowMs, headers: {}, origin });
  }
}
