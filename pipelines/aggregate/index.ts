export {
  type AggregateOptions,
  type AggregateSettings,
  aggregateDefaults,
  aggregateTopology,
  flowTopics,
} from './topology.ts';
