export type { EntityRecord, Labels } from './entity-intervals.ts';
export { EntityIntervals } from './entity-intervals.ts';
export type { RecordingSink } from './event-subjects.ts';
export { LearnAtOnce, type LearnState, type NotLearned } from './learn-at-once.ts';
export { identityOf, type LearnableEvent, type Observed } from './observe.ts';
export { type Attributed, Observer, type Unobserved } from './observer.ts';
export { GrowingProfile } from './profile.ts';
export {
  type RecordedTopics,
  type RecordingOptions,
  type RecordingProgress,
  type RecordingState,
  readRecording,
} from './read-recording.ts';
export {
  type CapturedRecording,
  captureRecording,
  type RecordingBroker,
  type RecordingRequest,
  readTopics,
  recordingOptions,
} from './recording-request.ts';
export {
  type EnrichOptions,
  type EnrichSettings,
  enrichDefaults,
  enrichTopology,
  learnedTopics,
  reportedTopics,
} from './topology.ts';
