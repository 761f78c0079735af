/** From network events to flows a minute, between workloads as they were at the time. See docs/flows.md. */

import { map } from 'rxjs';
import {
  type Alert,
  type FlowAggregate,
  flowKey,
  jsonSerde,
  type NetworkEvent,
  type RecordTopicName,
  type Serdes,
  textSerde,
  topicName,
} from '#schemas';
import {
  merge,
  named,
  process,
  type StreamRecord,
  type Topology,
  to,
  topology,
  tumblingWindows,
  type Windowed,
  windowedReduce,
  windowStore,
} from '#streams';
import { EntityIntervals } from '../enrich/index.ts';
import { FindFlows } from './find-flows.ts';
import type { Flow } from './flows-of.ts';

export interface AggregateSettings {
  /** How late an event may come. A window's record is written when its partition has seen events that much later than its end. */
  readonly graceMs: number;
}

export const aggregateDefaults: AggregateSettings = { graceMs: 30_000 };

/** Topics that flows are told in: of what enforcers denied or audited alerts are the only record. */
export const flowTopics = ['events.network.v1', 'alerts.v1'] as const satisfies readonly RecordTopicName[];

export interface AggregateOptions {
  readonly tenant: string;
  readonly serdes: Serdes;
  /** Absent, or absent from it: the defaults. */
  readonly settings?: Partial<AggregateSettings>;
}

const minuteMs = 60_000;

export function aggregateTopology({ tenant, serdes, settings: given }: AggregateOptions): Topology {
  const { graceMs } = { ...aggregateDefaults, ...given };
  const flow = { key: textSerde, value: jsonSerde<Flow>() };
  return topology('aggregate', builder => {
    const entities = builder.globalView(topicName(tenant, 'entities.v1'), {
      key: textSerde,
      value: serdes.of('entities.v1'),
      view: () => new EntityIntervals(),
    });
    const reports = flowTopics.map(topic =>
      builder.source<string, NetworkEvent | Alert>(topicName(tenant, topic), {
        key: textSerde,
        value: serdes.of(topic as 'events.network.v1'),
        timestampMs: ({ value }) => Math.floor(value.time / 1000),
      }),
    );
    merge(...reports).pipe(
      // What is counted together was told by one workload, under its key: it is in one partition already.
      process(() => new FindFlows(entities), { name: 'find-flows', partitioning: 'kept' }),
      windowedReduce<string, Flow>({
        windows: tumblingWindows({ sizeMs: minuteMs, graceMs }),
        store: windowStore({ name: 'flows', ...flow }),
        add: (sum, { flows, bytes }) => ({ ...sum, flows: sum.flows + flows, bytes: sum.bytes + bytes }),
        emit: 'final',
      }),
      named('aggregates', map(aggregate)),
      to(topicName(tenant, 'flows-1m.v1'), { key: textSerde, value: serdes.of('flows-1m.v1') }),
    );
  });
}

function aggregate({
  key: { startMs, endMs },
  value: flow,
  ...carrier
}: StreamRecord<Windowed<string>, Flow>): StreamRecord<string, FlowAggregate> {
  const value = { ...flow, windowStart: startMs * 1000, windowEnd: endMs * 1000 };
  return { ...carrier, key: flowKey(value), value };
}
