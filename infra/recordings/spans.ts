/**
 * Which records of topics are read: a span of each partition, whose ends are fixed before reading begins.
 *
 * Owns: what a selection means in offsets. Does not own: reading (read-span.ts). No consumer group is involved.
 */

import { SluiceError } from '#errors';
import type { LogAdmin, LogClient, PartitionRange, TopicPartition } from '#kafka';
import { type RecordTopicName, topicName } from '#schemas';

/** From an offset up to another one; both fixed. */
export interface Span extends TopicPartition {
  /** Of the catalogue. */
  readonly name: RecordTopicName;
  readonly from: number;
  readonly to: number;
}

/** `events.file.v1/0@100..200`: the second offset is the first that is not read. */
export interface OffsetRange {
  readonly name: RecordTopicName;
  readonly partition: number;
  /** Absent: the first there is. */
  readonly from?: number;
  /** Absent, or past it: the end when reading begins. */
  readonly to?: number;
}

export interface SpanSelection {
  readonly tenant: string;
  readonly names: readonly RecordTopicName[];
  /** What the broker got before is passed over. */
  readonly sinceMs?: number | undefined;
  /** Of topics that stand in it, these partitions alone. */
  readonly offsets?: readonly OffsetRange[];
}

/**
 * By topic and partition; those without records are left out.
 * Errors: TOPIC_UNKNOWN naming the topic, INPUT_INVALID for a range of a partition that is not there.
 */
export async function captureSpans(client: LogClient, selection: SpanSelection): Promise<readonly Span[]> {
  const admin = await client.admin();
  try {
    const spans = await Promise.all(selection.names.map(name => spansOf(admin, name, selection)));
    return spans.flat().filter(({ from, to }) => from < to);
  } finally {
    await admin.close();
  }
}

async function spansOf(
  admin: LogAdmin,
  name: RecordTopicName,
  { tenant, sinceMs, offsets = [] }: SpanSelection,
): Promise<Span[]> {
  const topic = topicName(tenant, name);
  const held = await admin.offsets(topic);
  const since = sinceMs === undefined ? [] : await admin.offsetsForTime(topic, sinceMs);
  const ranges = offsets.filter(range => range.name === name);
  const missing = ranges.find(range => !held.some(({ partition }) => partition === range.partition));
  if (missing)
    throw new SluiceError(
      'INPUT_INVALID',
      `${topic} has ${held.length} partitions: there is no partition ${missing.partition} to read from`,
    );
  return held
    .filter(({ partition }) => ranges.length === 0 || ranges.some(range => range.partition === partition))
    .map(each =>
      spanOf(each, {
        name,
        from: since.find(({ partition }) => partition === each.partition)?.offset,
        range: ranges.find(({ partition }) => partition === each.partition),
      }),
    );
}

function spanOf(
  { topic, partition, earliest, latest }: PartitionRange,
  {
    name,
    from = earliest,
    range,
  }: {
    readonly name: RecordTopicName;
    readonly from: number | undefined;
    readonly range: OffsetRange | undefined;
  },
): Span {
  return {
    ...{ topic, partition, name },
    from: Math.max(earliest, from, range?.from ?? 0),
    to: Math.min(latest, range?.to ?? latest),
  };
}

export function spanKey({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}
