// The topology.

export type { Clock } from './clock.ts';
export { counted } from './counters.ts';
// The test driver.
export { type ManualClock, manualClock } from './driver/manual-clock.ts';
export {
  type AutoCommit,
  type CrashPoint,
  crashPoints,
  type InputRecord,
  type OutputRecord,
  type Survivors,
  type TestDriver,
  type TestDriverOptions,
  testDriver,
} from './driver/test-driver.ts';
export { type PrometheusMetrics, type PrometheusOptions, prometheusMetrics } from './observe/prometheus.ts';
// Being observed and asked.
export type { StoreMetrics } from './observe/store-metrics.ts';
export type { TaskFigures } from './observe/task-measures.ts';
// Operators.
export { type AggregateOptions, aggregate } from './operators/aggregate.ts';
// Tables.
export { type AggregateTableOptions, aggregateTable } from './operators/aggregate-table.ts';
export { count } from './operators/count.ts';
export { countTable } from './operators/count-table.ts';
export { filterTable } from './operators/filter-table.ts';
export { type GroupTableOptions, groupTable } from './operators/group-table.ts';
export { type JoinForeignKeyOptions, joinForeignKey } from './operators/join-foreign-key.ts';
export { joinGlobal } from './operators/join-global.ts';
export { type JoinStreamOptions, joinStream } from './operators/join-stream.ts';
export { type JoinTableOptions, joinTable, type WaitOptions } from './operators/join-table.ts';
export { type JoinTablesOptions, joinTables } from './operators/join-tables.ts';
export { mapTable } from './operators/map-table.ts';
export { mapValues } from './operators/map-values.ts';
export { merge } from './operators/merge.ts';
export { named } from './operators/named.ts';
export { type ProcessOptions, type Processor, type ProcessorContext, process } from './operators/process.ts';
export { type ReduceOptions, reduce } from './operators/reduce.ts';
export { type ReduceTableOptions, reduceTable } from './operators/reduce-table.ts';
export { type RepartitionOptions, repartition } from './operators/repartition.ts';
export { type SelectKeyOptions, selectKey } from './operators/select-key.ts';
export { type SuppressOptions, suppress } from './operators/suppress.ts';
export { type SinkOptions, to } from './operators/to.ts';
export { toStream } from './operators/to-stream.ts';
export { type ToTableOptions, toTable } from './operators/to-table.ts';
export type { WindowEmit } from './operators/window-fold.ts';
export {
  type WindowedAggregateOptions,
  windowedAggregate,
} from './operators/windowed-aggregate.ts';
export { type WindowedCountOptions, windowedCount } from './operators/windowed-count.ts';
export { type WindowedReduceOptions, windowedReduce } from './operators/windowed-reduce.ts';
export { withGlobal } from './operators/with-global.ts';
export type { QuerySource } from './query/query-source.ts';
export { type ServeOptions, type StreamsServer, serveStreams } from './query/serve-streams.ts';
// Records.
export { type Origin, placeOf, type StreamRecord, withKey, withValue } from './record.ts';
// Running.
export type { CommitMetrics, PartitionLag, StreamsMetrics } from './runtime/metrics.ts';
export type { RestoreProgress } from './runtime/restore-task.ts';
export { type PipelineSpec, runPipeline } from './runtime/run-pipeline.ts';
export { runStreams } from './runtime/run-streams.ts';
export type { Streams, StreamsState } from './runtime/streams.ts';
export type { StreamsLogger, StreamsOptions } from './runtime/streams-options.ts';
export { systemClock } from './runtime/system-clock.ts';
// State.
export {
  type BufferSpec,
  type BufferStoreOptions,
  bufferStore,
  type RecordBuffer,
} from './store/buffer-store.ts';
export type { DiskBounds } from './store/disk-entries.ts';
export type { GlobalTable, GlobalView, TableView } from './store/global.ts';
export type { KeyValueOptions, KeyValueSpec, KeyValueStore, ReadOnlyStore } from './store/key-value.ts';
export { keyValueStore } from './store/key-value-store.ts';
export type { AnyStore, Engine, StoreSpec } from './store/store.ts';
export type { ReadOnlyTimeline, Timeline, TimelineEntry, TimelineOptions } from './store/timeline.ts';
export { type TimelineSpec, timelineStore } from './store/timeline-store.ts';
export {
  type Session,
  type WindowSpec,
  type WindowStoreOptions,
  windowStore,
} from './store/window-store.ts';
export type { Change, Table } from './table/change.ts';
export type { Timed } from './table/lookup.ts';
export type { Regrouped } from './table/regrouped.ts';
export type { TableOptions } from './table/source-table.ts';
export type { TableStore } from './table/table-store.ts';
export {
  type ReadOnlyVersions,
  type VersionedOptions,
  type VersionedSpec,
  type VersionedStore,
  type VersionPut,
  versionedStore,
} from './table/versioned-store.ts';
// Failures.
export {
  byCatalogue,
  type DeadLetter,
  type DeadLetterCause,
  type DeadLetterOptions,
  type FailedStage,
  type Failure,
  type FailureHandler,
  type FailureReaction,
} from './task/dead-letter.ts';
export type { Punctuation, PunctuationType } from './task/punctuators.ts';
export type { SourceOptions } from './topology/source.ts';
export type { Stream } from './topology/stream.ts';
export { type Builder, type GlobalOptions, type Topology, topology } from './topology/topology.ts';
// Windows.
export { type Windowed, windowedSerde } from './windows/windowed.ts';
export {
  hoppingWindows,
  type SessionWindows,
  type SlidingWindows,
  sessionWindows,
  slidingWindows,
  type TimeWindows,
  tumblingWindows,
  type Windows,
} from './windows/windows.ts';
