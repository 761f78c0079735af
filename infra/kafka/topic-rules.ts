import type { OutgoingRecord } from './port.ts';
import { batchOverheadBytes, recordBound } from './record-batch.ts';

/**
 * What a topic asks of its records, so that a record that the broker would refuse is known before any other is written.
 * A broker refuses whole batches, and says so when other partitions have theirs already.
 */
export interface TopicRules {
  /** The largest batch, with its head. */
  readonly limitBytes: number;
  /** How far a record's time may be from now, before and after. */
  readonly beforeMs: number;
  readonly afterMs: number;
  /** A compacted topic takes no record without a key. */
  readonly needsKey: boolean;
}

const config = {
  limit: 'max.message.bytes',
  cleanup: 'cleanup.policy',
  timestampType: 'message.timestamp.type',
  before: 'message.timestamp.before.max.ms',
  after: 'message.timestamp.after.max.ms',
  /** Both, before Kafka 4.0. */
  difference: 'message.timestamp.difference.max.ms',
} as const;
export const ruleConfigs: readonly string[] = Object.values(config);

/** So that the distance of two times, doubled as the format doubles it, stays exact. */
export const latestMs = 2 ** 52 - 1;
/** A broker's own default. */
const defaultLimitBytes = 1_048_588;

/** Where a setting is not known, the rule is the one of a broker's defaults. */
export function rulesOf(settings: ReadonlyMap<string, string>): TopicRules {
  const number = (name: string, otherwise: number) => {
    const setting = settings.get(name);
    return setting === undefined ? otherwise : Number(setting);
  };
  const anyTime = settings.get(config.timestampType) === 'LogAppendTime';
  const difference = number(config.difference, Number.POSITIVE_INFINITY);
  return {
    limitBytes: number(config.limit, defaultLimitBytes),
    beforeMs: anyTime ? Number.POSITIVE_INFINITY : Math.min(number(config.before, difference), difference),
    afterMs: anyTime ? Number.POSITIVE_INFINITY : Math.min(number(config.after, difference), difference),
    needsKey: settings.get(config.cleanup)?.includes('compact') ?? false,
  };
}

/** Why the topic would not take the record, and what mends that; null when it would. */
export function refusalOf(record: OutgoingRecord, rules: TopicRules, nowMs: number): string | null {
  const { limitBytes, beforeMs, afterMs, needsKey } = rules;
  const boundBytes = recordBound(record) + batchOverheadBytes;
  if (boundBytes > limitBytes) {
    return `takes batches of ${limitBytes} bytes, the record alone makes one of ${boundBytes}: send it in parts, or raise the topic's ${config.limit}`;
  }
  if (needsKey && record.key === null) return 'is compacted and takes no record without a key: give it one';
  const { timestampMs } = record;
  if (timestampMs === undefined) return null;
  if (!Number.isSafeInteger(timestampMs) || timestampMs < 0 || timestampMs > latestMs) {
    return `takes times in whole milliseconds since 1970, not ${timestampMs}: mend the record's time`;
  }
  if (timestampMs < nowMs - beforeMs || timestampMs > nowMs + afterMs) {
    return `takes times from ${beforeMs} ms before to ${afterMs} ms after now, not ${new Date(timestampMs).toISOString()}: mend the record's time or the clock, or change the topic's ${config.before} or ${config.after}`;
  }
  return null;
}
