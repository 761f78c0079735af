/**
 * What is published of a running application, by name: the names of Kafka Streams where it has one, in the units that Prometheus
 * asks for. docs/operating-streams.md says what each is good for.
 *
 * Owns: which figures there are, their names and labels. Does not own: measuring (task-measures.ts), the text (prometheus.ts).
 */

import type { StreamsMetrics } from '../runtime/metrics.ts';
import type { Streams } from '../runtime/streams.ts';
import { counterFamilies } from './counter-families.ts';
import { type LatencyFigures, latencyBoundsMs } from './latency.ts';
import type { StoreMetrics } from './store-metrics.ts';

/** What the figures are taken from. */
export type MetricsSource = Pick<
  Streams,
  'applicationId' | 'topology' | 'state' | 'metrics' | 'lag' | 'group'
>;

export type Labels = Readonly<Record<string, string | number>>;

export interface Sample {
  readonly labels: Labels;
  readonly value: number;
  /** Absent: the family's. */
  readonly metricName?: string;
}

export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly values: readonly Sample[];
}

const prefix = 'sluice_streams_';
const seconds = (ms: number) => ms / 1000;

const family =
  (type: Family['type']) =>
  (name: string, help: string, values: readonly Sample[]): Family => ({
    name: prefix + name,
    help,
    type,
    values,
  });
const gauge = family('gauge');
const counter = family('counter');
const one = (value: number): readonly Sample[] => [{ labels: {}, value }];

/** All families that have a value, of one moment. */
export function familiesOf(source: MetricsSource): readonly Family[] {
  const metrics = source.metrics();
  const found = [
    ...ofApplication(source, metrics),
    ...ofTasks(metrics),
    ...ofStores(metrics),
    ...counterFamilies(metrics.counters).map(({ name, help, values }) => counter(name, help, values)),
  ];
  return found.filter(({ values }) => values.length > 0);
}

function ofApplication(source: MetricsSource, metrics: StreamsMetrics): readonly Family[] {
  const { commits, restarts, restoring, tasks, standbys } = metrics;
  const me = source.group()?.me;
  const lag = source
    .lag()
    .map(({ topic, partition, lag: value }) => ({ labels: { topic, partition }, value }));
  return [
    gauge('state', 'The state the application is in: 1, with its name as a label', [
      { labels: { state: source.state }, value: 1 },
    ]),
    gauge('tasks', 'Tasks of this process, and tasks of others it keeps a copy of', [
      { labels: { role: 'active' }, value: tasks.length },
      { labels: { role: 'standby' }, value: standbys.length },
    ]),
    gauge(
      'group_members',
      'Members of the group, as of the last assignment',
      me ? one(source.group()!.members.length) : [],
    ),
    counter('restarts_total', 'Times that tasks were rebuilt after a failure', one(restarts)),
    counter('commit_total', 'Checkpoints that were made durable', one(commits.count)),
    counter('commit_seconds_total', 'Time that checkpoints took', one(seconds(commits.totalMs))),
    gauge(
      'commit_latency_max_seconds',
      'The longest checkpoint of the last minute',
      one(seconds(commits.recent.maxMs)),
    ),
    gauge('records_lag', 'Records between the position and the end of a partition that is read', lag),
    gauge(
      'restore_remaining_records',
      'Offsets between what was restored of a store and the end of its changelog',
      restoring.map(({ taskId: task, store, left: value }) => ({ labels: { task, store }, value })),
    ),
    gauge(
      'restore_rate',
      'Records restored per second, of a store that is being restored',
      restoring.map(({ taskId: task, store, perSecond: value }) => ({ labels: { task, store }, value })),
    ),
  ];
}

function ofTasks({ measured, tasks }: StreamsMetrics): readonly Family[] {
  const each = (value: (task: (typeof measured)[number]) => number): readonly Sample[] =>
    measured.map(task => ({ labels: { task: task.taskId }, value: value(task) }));
  const held = measured.filter(({ taskId }) => tasks.includes(taskId));
  return [
    counter(
      'process_total',
      'Records processed',
      each(task => task.records),
    ),
    counter(
      'process_seconds_total',
      'Time that records took',
      each(task => seconds(task.processMs)),
    ),
    gauge(
      'process_latency_max_seconds',
      'The slowest slice of the last minute, per record',
      held.map(({ taskId: task, recent }) => ({ labels: { task }, value: seconds(recent.maxMs) })),
    ),
    counter(
      'punctuate_total',
      'Punctuations that ran',
      each(task => task.punctuations),
    ),
    counter(
      'punctuate_seconds_total',
      'Time that punctuations took',
      each(task => seconds(task.punctuateMs)),
    ),
    counter(
      'disordered_records_total',
      'Records older than stream time',
      each(task => task.disordered.count),
    ),
    counter(
      'record_lateness_seconds_total',
      'By how much records were older than stream time, in all',
      each(task => seconds(task.disordered.sumMs)),
    ),
    gauge(
      'record_lateness_max_seconds',
      'By how much a record was older than stream time, at most',
      each(task => seconds(task.disordered.maxMs)),
    ),
    family('histogram')(
      'record_e2e_latency_seconds',
      'Age of outputs, by their timestamps, when they are handed over to be sent',
      measured.filter(({ endToEnd }) => endToEnd.count > 0).flatMap(histogram),
    ),
  ];
}

/** What stores count, under Kafka Streams' names; what else they tell is a state, published under its own. */
const storeCounts: Readonly<Record<string, readonly [name: string, help: string]>> = {
  gets: ['store_get_total', 'Reads of one entry'],
  puts: ['store_put_total', 'Entries put'],
  deletes: ['store_delete_total', 'Entries deleted'],
  ranges: ['store_range_total', 'Reads of several entries'],
  cacheHits: ['store_cache_hit_total', 'Reads that the cache answered'],
};

function ofStores({ stores }: StreamsMetrics): readonly Family[] {
  const each = (value: (store: StoreMetrics) => number | undefined): readonly Sample[] =>
    stores.flatMap(store => {
      const found = value(store);
      return found === undefined ? [] : { labels: { task: store.taskId, store: store.store }, value: found };
    });
  const names = [...new Set(stores.flatMap(({ figures }) => Object.keys(figures)))].sort();
  return [
    gauge(
      'store_entries',
      'Entries of a store',
      each(({ entries }) => entries),
    ),
    ...names.map(figure => {
      const values = each(({ figures }) => figures[figure]);
      const [name, help] = storeCounts[figure] ?? [];
      return name !== undefined && help !== undefined
        ? counter(name, help, values)
        : gauge(`store_${snake(figure)}`, `What a store tells of itself: ${figure}`, values);
    }),
  ];
}

function histogram({
  taskId: task,
  endToEnd,
}: {
  readonly taskId: string;
  readonly endToEnd: LatencyFigures;
}): readonly Sample[] {
  const name = `${prefix}record_e2e_latency_seconds`;
  let within = 0;
  const buckets = latencyBoundsMs.map((boundMs, at) => {
    within += endToEnd.buckets[at]!;
    return { metricName: `${name}_bucket`, labels: { task, le: seconds(boundMs) }, value: within };
  });
  return [
    ...buckets,
    { metricName: `${name}_bucket`, labels: { task, le: '+Inf' }, value: endToEnd.count },
    { metricName: `${name}_sum`, labels: { task }, value: seconds(endToEnd.sumMs) },
    { metricName: `${name}_count`, labels: { task }, value: endToEnd.count },
  ];
}

/** `cacheHits` → `cache_hits` */
const snake = (name: string) =>
  name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`).replace(/[^a-z0-9_]/g, '_');
