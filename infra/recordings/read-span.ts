/** The records of a span of a partition, deserialised. */

import { setImmediate } from 'node:timers/promises';
import { classify, type SluiceError } from '#errors';
import type { LogBatch, LogClient, LogRecord } from '#kafka';
import type { RecordTopicName, Serdes, TopicRecord } from '#schemas';
import type { Span } from './spans.ts';

/** `value` null is a tombstone. */
export type SpanRecord<T extends RecordTopicName = RecordTopicName> = { readonly record: LogRecord } & (
  | { readonly value: TopicRecord<T> | null }
  | { readonly error: SluiceError }
);

const chunkRecords = 2_000;

export interface ReadSpanOptions<T extends RecordTopicName> {
  readonly client: LogClient;
  readonly serdes: Serdes;
  readonly signal?: AbortSignal | undefined;
  /** `next` is the first offset that was not given yet. A rejection ends the reading with it. */
  onRecords(records: readonly SpanRecord<T>[], next: number): void | Promise<void>;
}

/** Resolves at the span's end, or when the signal aborts. Errors: the log's and the registry's. */
export async function readSpan<T extends RecordTopicName>(
  { topic, partition, name, from, to }: Span & { readonly name: T },
  { client, serdes, signal, onRecords }: ReadSpanOptions<T>,
): Promise<void> {
  const serde = serdes.of(name);
  const read = (record: LogRecord): SpanRecord<T> => {
    if (record.value === null) return { record, value: null };
    try {
      return { record, value: serde.deserialize(record.value) };
    } catch (failure) {
      const error = classify(failure);
      if (error.reaction !== 'dead-letter') throw error;
      return { record, error };
    }
  };
  const onBatch = async ({ records }: LogBatch) => {
    await serdes.prepareFor(records.map(({ value }) => value));
    for (let at = 0; at < records.length && !signal?.aborted; at += chunkRecords) {
      const chunk = records.slice(at, at + chunkRecords);
      await onRecords(chunk.map(read), chunk.at(-1)!.offset + 1);
      // Whoever else has something to do, such as to say that he is still alive, comes in between.
      await setImmediate();
    }
  };
  await client.read({ topic, partition, from, to, onBatch, ...(signal && { signal }) });
}
