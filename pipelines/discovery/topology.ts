/** From behaviour profiles to policies. See docs/discovery.md. */

import { type BehaviourProfile, policyIdOf, type Serdes, textSerde, topicName } from '#schemas';
import {
  type Processor,
  process,
  repartition,
  type StreamRecord,
  type Topology,
  to,
  topology,
} from '#streams';
import { emitterNames } from './make-policy.ts';
import { PlanPolicies, type PlanSettings, planStores } from './plan-policies.ts';

export const discoveryDefaults: PlanSettings = {
  quietMs: 500,
  maxWaitMs: 30_000,
  stage: 'CANDIDATE',
  emit: emitterNames,
};

export interface DiscoveryOptions {
  readonly tenant: string;
  readonly serdes: Serdes;
  /** Absent, or absent from it: the defaults. */
  readonly settings?: Partial<PlanSettings>;
}

export function discoveryTopology({ tenant, serdes, settings: given }: DiscoveryOptions): Topology {
  const settings = { ...discoveryDefaults, ...given };
  const stores = planStores(serdes);
  const profiles = { key: textSerde, value: serdes.of('behaviours.v1') };
  const policies = { key: textSerde, value: serdes.of('policies.v1') };
  return topology('discovery', builder => {
    const published = builder.globalTable(topicName(tenant, 'policies.v1'), policies);
    builder.source(topicName(tenant, 'behaviours.v1'), profiles).pipe(
      process(byWorkload, { name: 'by-workload' }),
      repartition({ name: 'by-workload', ...profiles }),
      process(() => new PlanPolicies({ published, stores, settings }), {
        name: 'plan-policies',
        stores: [stores.profiles, stores.policies],
        partitioning: 'kept',
      }),
      to(topicName(tenant, 'policies.v1'), policies),
    );
  });
}

/** Profiles are kept for ever, what is between tasks is not: they pass on with the time at which they do. */
function byWorkload(): Processor<string, BehaviourProfile, string, BehaviourProfile> {
  let pass: (profile: StreamRecord<string, BehaviourProfile>) => void;
  return {
    init({ forward, clock }) {
      pass = record => forward({ ...record, key: policyIdOf(record.value), timestampMs: clock.now() });
    },
    process: record => pass(record),
  };
}
