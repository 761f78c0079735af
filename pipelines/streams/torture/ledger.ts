/** What topics hold: the truth that a torture is judged by. */

import type { LogAdmin, LogClient, LogRecord } from '#kafka';
import { textSerde } from '#schemas';
import { readMark } from '../task/checkpoint.ts';
import { endOf } from '../task/restore.ts';
import { changelogOf, checkpointsOf } from '../topology/topic-ref.ts';
import { totalSerdes, windowMs, windowSerdes } from './counting.ts';
import { type Counts, type Sequences, stateViolations } from './verdict.ts';

export interface Log {
  readonly client: LogClient;
  readonly admin: LogAdmin;
}

const windowKey = (key: string, startMs: number) => `${key} from ${startMs}`;

/** What is counted of the same words. */
export const countings = ['totals', 'windows'] as const;
export type Counting = (typeof countings)[number];

const storeOf: Readonly<Record<Counting, string>> = { totals: 'counts', windows: 'windows' };

const keyOf: Readonly<Record<Counting, (bytes: Buffer) => string>> = {
  totals: bytes => textSerde.deserialize(bytes),
  windows(bytes) {
    const { key, startMs } = windowSerdes.key.deserialize(bytes);
    return windowKey(key, startMs);
  },
};

const countOf = (record: LogRecord) => totalSerdes.value.deserialize(record.value!);

/** The words that were written, as far as they were read back. */
export class Words {
  readonly topic: string;
  readonly #log: Log;
  /** By partition; the index is the offset. */
  readonly #read: Readonly<Record<Counting, string>>[][] = [];

  constructor(log: Log, topic: string) {
    this.#log = log;
    this.topic = topic;
  }

  /** Reads on to the end. */
  async catchUp(): Promise<void> {
    const { client, admin } = this.#log;
    for (const { partition } of await admin.offsets(this.topic)) {
      const read = this.#read[partition] ?? [];
      this.#read[partition] = read;
      await client.read({
        ...{ topic: this.topic, partition, from: read.length },
        onBatch({ records }) {
          for (const { offset, key, timestampMs } of records) {
            const totals = textSerde.deserialize(key!);
            const windows = windowKey(totals, timestampMs - (timestampMs % windowMs));
            read[offset] = { totals, windows };
          }
        },
      });
    }
  }

  get size(): number {
    return this.#read.reduce((sum, { length }) => sum + length, 0);
  }

  /** How often each should be counted, by what comes before an offset of a partition, or by all. */
  expected(counting: Counting, before?: { readonly partition: number; readonly offset: number }): Counts {
    const counts = new Map<string, number>();
    const parts = before ? [this.#read[before.partition]!.slice(0, before.offset)] : this.#read;
    for (const words of parts)
      for (const word of words) counts.set(word[counting], (counts.get(word[counting]) ?? 0) + 1);
    return counts;
  }
}

/** What an application wrote, in order. */
export async function writtenCounts(
  { client, admin }: Log,
  name: string,
  counting: Counting,
): Promise<Sequences> {
  const topic = `${name}-${counting}`;
  const sequences = new Map<string, number[]>();
  for (const { partition } of await admin.offsets(topic)) {
    await client.read({
      ...{ topic, partition, from: 0 },
      onBatch({ records }) {
        for (const record of records) {
          const key = keyOf[counting](record.key!);
          const sequence = sequences.get(key);
          if (sequence) sequence.push(countOf(record));
          else sequences.set(key, [countOf(record)]);
        }
      },
    });
  }
  return sequences;
}

/** Of the state in the log of an application that stands still: it must be what the input before its offsets makes of it. */
export async function auditState(log: Log, name: string, words: Words): Promise<string[]> {
  await words.catchUp();
  const violations: string[] = [];
  for (const { partition } of await log.admin.offsets(words.topic)) {
    const mark = await lastMark(log, name, partition);
    const offset = mark?.offsets[words.topic] ?? 0;
    for (const counting of countings) {
      const topic = changelogOf(name, storeOf[counting]);
      const state = await folded(log, { topic, partition, end: endOf(mark, topic) }, keyOf[counting]);
      const expected = words.expected(counting, { partition, offset });
      violations.push(...stateViolations(expected, state).map(each => `${counting}/${partition}: ${each}`));
    }
  }
  return violations;
}

async function lastMark({ client }: Log, name: string, partition: number) {
  const marks: LogRecord[] = [];
  await client.read({
    ...{ topic: checkpointsOf(name), partition, from: 0 },
    onBatch({ records }) {
      marks[0] = records.at(-1)!;
    },
  });
  return marks[0] ? readMark(marks[0]) : null;
}

async function folded(
  { client }: Log,
  { topic, partition, end }: { readonly topic: string; readonly partition: number; readonly end: number },
  key: (bytes: Buffer) => string,
): Promise<Counts> {
  const state = new Map<string, number>();
  await client.read({
    ...{ topic, partition, from: 0 },
    onBatch({ records }) {
      for (const record of records) {
        if (record.offset >= end) continue;
        if (record.value === null) state.delete(key(record.key!));
        else state.set(key(record.key!), countOf(record));
      }
    },
  });
  return state;
}
