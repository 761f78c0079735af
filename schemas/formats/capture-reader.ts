/** Our own captures: what topics held, events and entities as they were. */

import { SluiceError } from '#errors';
import { avroType } from '../avro-type.ts';
import { isCapturedTopic, unwrapCaptured } from '../captured-value.ts';
import { currentType } from '../codec.ts';
import type { Alert, CapturedRecord, EntityChange } from '../generated/types.ts';
import { alertEvent } from './alert-event.ts';
import { avroReader } from './avro-records.ts';
import type { FormatReader, InputEvent, ReaderOptions } from './outcome.ts';

export function captureReader({ input }: ReaderOptions): FormatReader {
  return avroReader(input, {
    open(schema) {
      const type = currentType('CapturedRecord');
      try {
        return { type, resolver: type.createResolver(avroType(schema)) };
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        throw new SluiceError('SCHEMA_INCOMPATIBLE', `${input} holds no captured records: ${reason}`, {
          cause: error,
        });
      }
    },
    read(value, place) {
      const record = value as CapturedRecord;
      const { topic } = record;
      if (!isCapturedTopic(topic)) return { place, skipped: `topic ${topic}` };
      const found = unwrapped(topic, record);
      if (typeof found === 'string') return { place, bad: found };
      if (topic === 'entities.v1')
        return {
          place,
          entity: found as EntityChange | null,
          key: record.key,
          timestampMs: record.timestamp,
        };
      if (found === null) return { place, skipped: 'tombstone' };
      const at = { topic, partition: record.partition, offset: record.offset };
      if (topic === 'alerts.v1') {
        const event = alertEvent(found as Alert);
        return event ? { place, events: [{ ...event, at }] } : { place, skipped: 'alert of nothing' };
      }
      return { place, events: [{ topic, event: found as InputEvent, subject: { labels: {} }, at }] };
    },
  });
}

function unwrapped(topic: Parameters<typeof unwrapCaptured>[0], record: CapturedRecord) {
  try {
    return unwrapCaptured(topic, record);
  } catch (error) {
    if (error instanceof SluiceError) return error.message;
    throw error;
  }
}
