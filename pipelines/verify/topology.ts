/** From versions, behaviour and alerts to stages and findings. See docs/stages.md. */

import { filter, map, type Observable, type OperatorFunction } from 'rxjs';
import { jsonSerde, type RecordTopicName, type Serdes, textSerde, topicName } from '#schemas';
import {
  type Builder,
  mapValues,
  merge,
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
import { booksKeptMs, CountedLoss, type PolicyOptions, policyDefaults } from '../discovery/index.ts';
import { type AlertSight, alertSight } from './alert-sight.ts';
import { PassProfiles } from './pass-profiles.ts';
import { type VerifySettingsInput, verifySettings } from './settings.ts';
import { type Sight, VerifyPolicies } from './verify-policies.ts';
import { type Outcome, verifyStores } from './verify-state.ts';

export interface VerifyTopologyOptions {
  readonly tenant: string;
  readonly serdes: Serdes;
  /** Absent, or absent from it: the defaults. */
  readonly settings?: VerifySettingsInput;
  /** How discovery makes policies: rules are told stale by what it would make now. Absent: its defaults. */
  readonly policy?: PolicyOptions;
}

export function verifyTopology({
  tenant,
  serdes,
  settings: given = {},
  policy = policyDefaults,
}: VerifyTopologyOptions): Topology {
  const settings = verifySettings.parse(given);
  const stores = verifyStores(serdes);
  const records = serdes.of('behaviours.v1');
  return topology('verify', builder => {
    const loss = builder.globalView(topicName(tenant, 'agents.health.v1'), {
      key: textSerde,
      value: serdes.of('agents.health.v1'),
      lookBackMs: booksKeptMs,
      view: () => new CountedLoss(),
    });
    const outcomes = merge(...sights(builder, { tenant, serdes, evidenceMs: settings.evidenceMs })).pipe(
      process(() => new VerifyPolicies({ stores, records, loss, settings, policy }), {
        name: 'verify-policies',
        stores: Object.values(stores),
        partitioning: 'kept',
      }),
    );
    for (const topic of [
      'policy-transitions.v1',
      'policies.v1',
      'policy-history.v1',
      'policy-findings.v1',
    ] as const)
      outcomes.pipe(
        only(topic),
        to(topicName(tenant, topic), { key: textSerde, value: serdes.of(topic as 'policies.v1') }),
      );
  });
}

type Where = Pick<VerifyTopologyOptions, 'tenant' | 'serdes'> & { readonly evidenceMs: number };
type Sights = Observable<StreamRecord<string, Sight>>;

function sights(builder: Builder, { tenant, serdes, evidenceMs }: Where): Sights[] {
  const source = <T extends RecordTopicName>(topic: T) =>
    builder.source(topicName(tenant, topic), { key: textSerde, value: serdes.of(topic) });
  const withRemovals = <T extends RecordTopicName>(topic: T) =>
    builder.source(topicName(tenant, topic), { key: textSerde, value: serdes.of(topic), nulls: 'keep' });
  return [
    withRemovals('policies.v1').pipe(sight(policy => ({ type: 'version', policy }))),
    withRemovals('policy-approvals.v1').pipe(sight(approval => ({ type: 'approval', approval }))),
    source('policy-transitions.v1').pipe(sight(transition => ({ type: 'transition', transition }))),
    source('behaviours.v1').pipe(
      process(() => new PassProfiles(evidenceMs), { name: 'pass-profiles' }),
      repartition({ name: 'profiles', key: textSerde, value: serdes.of('behaviours.v1') }),
      sight(profile => ({ type: 'profile', profile })),
    ),
    source('alerts.v1').pipe(
      mapValues((alert, { origin }) => alertSight(alert, origin)),
      process(byPolicy, { name: 'by-policy' }),
      repartition({ name: 'alerts', key: textSerde, value: jsonSerde<AlertSight>() }),
      sight(alert => ({ type: 'alert', alert })),
    ),
  ];
}

/** Records without key are of no policy: the step with the stores counts and drops them. */
function sight<V>(make: (value: V) => Sight) {
  return mapValues(make) as OperatorFunction<StreamRecord<string | null, V>, StreamRecord<string, Sight>>;
}

/** What is between tasks is not kept for ever: it passes on with the time at which it does. */
function byPolicy(): Processor<string, AlertSight, string, AlertSight> {
  let pass: (record: StreamRecord<string, AlertSight>) => void;
  return {
    init({ forward, clock }) {
      pass = record => forward({ ...record, key: record.value.policyId, timestampMs: clock.now() });
    },
    process: record => pass(record),
  };
}

function only(topic: Outcome['topic']) {
  return named(topic, (outcomes: Observable<StreamRecord<string, Outcome>>) =>
    outcomes.pipe(
      filter(({ value }) => value.topic === topic),
      map(record => withValue(record, record.value.record as never)),
    ),
  );
}
