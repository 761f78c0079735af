/** From behaviour profiles to policies. See docs/discovery.md. */

import { filter, map, type Observable } from 'rxjs';
import { StandingPolicies } from '#policy';
import { type BehaviourProfile, policyIdOf, type Serdes, textSerde, topicName } from '#schemas';
import {
  named,
  type Processor,
  process,
  repartition,
  type StreamRecord,
  type Topology,
  to,
  topology,
  withValue,
} from '#streams';
import { booksKeptMs, CountedLoss } from './counted-loss.ts';
import { emitterNames, policyDefaults } from './make-policy.ts';
import { type Planned, PlanPolicies, type PlanSettings, planStores } from './plan-policies.ts';

export const discoveryDefaults: PlanSettings = {
  quietMs: 500,
  maxWaitMs: 1_000,
  stage: 'CANDIDATE',
  emit: emitterNames,
  policy: policyDefaults,
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
  const transitions = { key: textSerde, value: serdes.of('policy-transitions.v1') };
  return topology('discovery', builder => {
    const published = builder.globalView(topicName(tenant, 'policies.v1'), {
      ...policies,
      view: () => new StandingPolicies(),
    });
    const loss = builder.globalView(topicName(tenant, 'agents.health.v1'), {
      key: textSerde,
      value: serdes.of('agents.health.v1'),
      lookBackMs: booksKeptMs,
      view: () => new CountedLoss(),
    });
    const planned = builder.source(topicName(tenant, 'behaviours.v1'), profiles).pipe(
      process(byWorkload, { name: 'by-workload' }),
      repartition({ name: 'by-workload', ...profiles }),
      process(() => new PlanPolicies({ published, loss, stores, settings }), {
        name: 'plan-policies',
        stores: [stores.profiles, stores.policies],
        partitioning: 'kept',
      }),
    );
    // The reason first: a change without its reason would be worse than a reason without its change.
    planned.pipe(only('policy-transitions.v1'), to(topicName(tenant, 'policy-transitions.v1'), transitions));
    planned.pipe(only('policies.v1'), to(topicName(tenant, 'policies.v1'), policies));
  });
}

/** What was planned for one topic. */
function only<T extends Planned['topic']>(topic: T) {
  type Mine = Extract<Planned, { readonly topic: T }>['record'];
  return named(
    `only ${topic}`,
    (planned: Observable<StreamRecord<string, Planned>>): Observable<StreamRecord<string, Mine>> =>
      planned.pipe(
        filter(({ value }) => value.topic === topic),
        map(record => withValue(record, record.value.record as Mine)),
      ),
  );
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
