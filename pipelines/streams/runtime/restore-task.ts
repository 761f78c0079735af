import type { LogAdmin, LogClient, LogRecord, PartitionRange, TopicPartitionOffset } from '#kafka';
import type { Counters } from '../counters.ts';
import { type Mark, readMark } from '../task/checkpoint.ts';
import { endOf, restoreRecords } from '../task/restore.ts';
import type { Task } from '../task/task.ts';
import { checkpointsOf } from '../topology/topic-ref.ts';

/** How far the restoring of a store is. */
export interface RestoreProgress {
  readonly taskId: string;
  readonly store: string;
  /** Offsets of the changelog: read so far, and where it ends. */
  readonly position: number;
  readonly end: number;
}

export interface RestoreOptions {
  readonly client: LogClient;
  readonly admin: LogAdmin;
  readonly applicationId: string;
  readonly counters: Counters;
  /** Before values are deserialised. */
  prepare(values: readonly (Buffer | null)[]): Promise<void> | undefined;
  onProgress?(progress: RestoreProgress): void;
}

/** Brings a task's stores to its last complete checkpoint, and opens it. Resolves with that checkpoint's mark. */
export async function restoreTask(
  task: Task,
  committed: readonly TopicPartitionOffset[],
  options: RestoreOptions,
): Promise<Mark | null> {
  const { changelogs, partition } = task;
  if (changelogs.length === 0) {
    task.start({ mark: null, committed, ends: {} });
    return null;
  }
  const mark = await lastMark(task, options);
  const ends: Record<string, number> = {};
  await Promise.all(
    changelogs.map(async ({ name, changelog, topic }) => {
      const range = await rangeOf(options.admin, topic, partition);
      const end = Math.min(endOf(mark, topic), range.latest);
      ends[topic] = end;
      await options.client.read({
        ...{ topic, partition, from: range.earliest, to: range.latest },
        async onBatch({ records }) {
          const waiting = options.prepare(records.map(({ value }) => value));
          if (waiting) await waiting;
          restoreRecords(changelog, records, { end, counters: options.counters });
          const position = records.at(-1)!.offset + 1;
          options.onProgress?.({ taskId: task.id, store: name, position, end: range.latest });
        },
      });
    }),
  );
  task.start({ mark, committed, ends });
  return mark;
}

const firstSpan = 1_000;

/**
 * What the log holds of the task's last complete checkpoint. It is near the end of its partition: looks there first, and further
 * back only when it must.
 */
export async function lastMark(
  task: Pick<Task, 'id' | 'partition'>,
  { client, admin, applicationId }: Pick<RestoreOptions, 'client' | 'admin' | 'applicationId'>,
): Promise<Mark | null> {
  const topic = checkpointsOf(applicationId);
  const { earliest, latest } = await rangeOf(admin, topic, task.partition);
  const id = Buffer.from(task.id);
  for (let span = firstSpan, to = latest; to > earliest; span *= 8) {
    const from = Math.max(earliest, to - span);
    let found: LogRecord | null = null;
    const onBatch = ({ records }: { readonly records: readonly LogRecord[] }) => {
      for (const record of records) if (record.key?.equals(id)) found = record;
    };
    await client.read({ topic, partition: task.partition, from, to, onBatch });
    if (found) return readMark(found);
    to = from;
  }
  return null;
}

async function rangeOf(admin: LogAdmin, topic: string, partition: number): Promise<PartitionRange> {
  const ranges = await admin.offsets(topic);
  return ranges.find(range => range.partition === partition)!;
}
