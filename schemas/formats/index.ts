// Formats
export { alertEvent } from './alert-event.ts';
export { detectBytes, detectFormat, type FormatName, formatNames, formatReader } from './detect-format.ts';
// What is read
export type { Place } from './json-objects.ts';
export type {
  FormatReader,
  InputEvent,
  Outcome,
  ReadEvent,
  ReaderOptions,
  Subject,
} from './outcome.ts';
