export {
  type EnrichOptions,
  type EnrichSettings,
  enrichDefaults,
  enrichTopology,
  learnedTopics,
} from './topology.ts';
