export { type Captured, type RecordOptions, recordCapture } from './record.ts';
export { type ReplayOptions, replayCapture } from './replay.ts';
