/** From events to behaviour profiles: who did it, what it is, how often. See docs/discovery.md. */

import { type RecordTopicName, type Serdes, textSerde, topicName } from '#schemas';
import { type Builder, merge, process, repartition, type Topology, to, topology } from '#streams';
import { EntityIntervals } from './entity-intervals.ts';
import { Learn, type LearnSettings, learnStores, type Reported } from './learn.ts';
import { profileSerde } from './profile-serde.ts';
import { PublishProfiles, type PublishSettings, profileStore } from './publish-profiles.ts';

export interface EnrichSettings extends LearnSettings, PublishSettings {}

export const enrichDefaults: EnrichSettings = {
  flushMs: 100,
  evidenceMs: 30_000,
  holdMs: 60_000,
  holdLimit: 10_000,
  hosts: true,
};

/** Topics whose events are learned from. */
export const learnedTopics = [
  'events.process.v1',
  'events.file.v1',
  'events.network.v1',
  'events.syscall.v1',
  'events.capability.v1',
  'events.dns.v1',
] as const satisfies readonly RecordTopicName[];

/** What was audited or denied is not learned, but when that was is. */
export const reportedTopics = [...learnedTopics, 'alerts.v1'] as const satisfies readonly RecordTopicName[];

export interface EnrichOptions {
  readonly tenant: string;
  readonly serdes: Serdes;
  /** Absent, or absent from it: the defaults. */
  readonly settings?: Partial<EnrichSettings>;
}

export function enrichTopology({ tenant, serdes, settings: given }: EnrichOptions): Topology {
  const settings = { ...enrichDefaults, ...given };
  const stores = learnStores(serdes);
  const store = profileStore(serdes);
  const profiles = { key: textSerde, value: profileSerde(serdes) };
  return topology('enrich', builder => {
    const entities = builder.globalView(topicName(tenant, 'entities.v1'), {
      key: textSerde,
      value: serdes.of('entities.v1'),
      view: () => new EntityIntervals(),
    });
    merge(...reportedTopics.map(topic => reports(builder, topic, { tenant, serdes }))).pipe(
      process(() => new Learn({ serdes, entities, stores, settings }), {
        name: 'learn',
        stores: [stores.grown, stores.held],
      }),
      repartition({ name: 'grown', ...profiles }),
      process(() => new PublishProfiles({ entities, store, settings }), {
        name: 'publish-profiles',
        stores: [store],
        partitioning: 'kept',
      }),
      to(topicName(tenant, 'behaviours.v1'), { key: textSerde, value: serdes.of('behaviours.v1') }),
    );
  });
}

function reports(
  builder: Builder,
  topic: (typeof reportedTopics)[number],
  { tenant, serdes }: Pick<EnrichOptions, 'tenant' | 'serdes'>,
) {
  return builder.source<string, Reported>(topicName(tenant, topic), {
    key: textSerde,
    value: serdes.of(topic as 'events.file.v1'),
    timestampMs: ({ value }) => Math.floor(value.time / 1000),
  });
}
