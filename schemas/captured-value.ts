import { SluiceError } from '#errors';
import type { CapturedRecord } from './generated/types.ts';
import { type RecordTopicName, type TopicRecord, topics } from './topics.ts';

type Wrapped = NonNullable<CapturedRecord['value']>;
type BranchNames<W> = W extends unknown ? keyof W : never;

/** Topics whose records a capture can hold: events, alerts, entities. */
export type CapturedTopic = {
  [T in RecordTopicName]: `sluice.v1.${(typeof topics)[T]['record']}` extends BranchNames<Wrapped>
    ? T
    : never;
}[RecordTopicName];

const captured = Object.freeze({
  'events.process.v1': true,
  'events.file.v1': true,
  'events.network.v1': true,
  'events.dns.v1': true,
  'events.capability.v1': true,
  'events.syscall.v1': true,
  'alerts.v1': true,
  'entities.v1': true,
} satisfies Record<CapturedTopic, true>);

export const capturedTopics = Object.freeze(Object.keys(captured)) as readonly CapturedTopic[];

export function isCapturedTopic(topic: string): topic is CapturedTopic {
  return Object.hasOwn(captured, topic);
}

/** A topic's value in the form a captured record holds it: under the full name of its type. */
export function wrapCaptured<T extends CapturedTopic>(
  topic: T,
  value: TopicRecord<T> | null,
): CapturedRecord['value'] {
  return value === null ? null : ({ [`sluice.v1.${topics[topic].record}`]: value } as unknown as Wrapped);
}

/**
 * The value of a captured record, typed by its topic; null is a tombstone.
 * Errors: RECORD_CORRUPT when the record names a topic whose type its value is not.
 */
export function unwrapCaptured<T extends CapturedTopic>(
  topic: T,
  record: CapturedRecord,
): TopicRecord<T> | null {
  if (record.value === null) return null;
  const value = (record.value as unknown as Record<string, TopicRecord<T>>)[
    `sluice.v1.${topics[topic].record}`
  ];
  if (value === undefined || record.topic !== topic) {
    const found = Object.keys(record.value)[0];
    throw new SluiceError(
      'RECORD_CORRUPT',
      `captured record ${record.topic}/${record.partition}@${record.offset} holds a ${found}, which is no value of ${topic}`,
    );
  }
  return value;
}
