// Files.
export { type Input, listInputs, readInput } from './files.ts';
// What became of it.
export { type InputAccount, noteOutcome, openAccount } from './input-account.ts';
export { ReadInput, type ReadOptions } from './read-file.ts';
export { type ReadSpanOptions, readSpan, type SpanRecord } from './read-span.ts';
// Topics.
export { captureSpans, type OffsetRange, type Span, type SpanSelection, spanKey } from './spans.ts';
