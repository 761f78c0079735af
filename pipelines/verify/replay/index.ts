export { type Agreement, compareLive, type PolicyComparison } from './compare-live.ts';
export {
  type Replayed,
  type ReplayOptions,
  type ReplayProgress,
  type ReplayState,
  replay,
} from './replay.ts';
export {
  checkRun,
  outputTopics,
  type ReplayTopics,
  removeReplay,
  replayTopicName,
  writeReplay,
} from './replay-topics.ts';
