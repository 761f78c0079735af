import type { LogAdmin, LogClient, LogRecord, PartitionRange, TopicPartitionOffset } from '#kafka';
import type { Counters } from '../counters.ts';
import { stopwatchMs } from '../observe/stopwatch.ts';
import { type Mark, readMark } from '../task/checkpoint.ts';
import { planRestore, recoverUnlogged, restoreRecords } from '../task/restore.ts';
import type { Task, TaskChangelog } from '../task/task.ts';
import { checkpointsOf } from '../topology/topic-ref.ts';
import { breathe, inSlices } from './breathe.ts';

/** How far the restoring of a store is. */
export interface RestoreProgress {
  readonly taskId: string;
  readonly store: string;
  /** Offsets of the changelog: read so far, and where it ends. */
  readonly position: number;
  readonly end: number;
  /** Offsets that are left, at most as many records. */
  readonly left: number;
  /** Records restored, on average. */
  readonly perSecond: number;
}

export interface RestoreOptions {
  readonly client: LogClient;
  readonly admin: LogAdmin;
  readonly applicationId: string;
  readonly counters: Counters;
  /** Before values are deserialised. */
  prepare(values: readonly (Buffer | null)[]): Promise<void> | undefined;
  onProgress?(progress: RestoreProgress): void;
  /** Of stores in memory that hold a part already, by changelog topic: the first record that they lack. */
  readonly from?: ReadonlyMap<string, number>;
}

/**
 * Brings a task's stores to its last complete checkpoint, and opens it. Resolves with that checkpoint's mark. However long it
 * takes, timers and the network have their turns.
 */
export async function restoreTask(
  task: Task,
  committed: readonly TopicPartitionOffset[],
  options: RestoreOptions,
): Promise<Mark | null> {
  const { changelogs } = task;
  await inSlices(recoverUnlogged(task));
  if (changelogs.length === 0) {
    task.start({ mark: null, committed, ends: {} });
    return null;
  }
  const mark = await lastMark(task, options);
  const ends: Record<string, number> = {};
  await Promise.all(
    changelogs.map(async store => {
      ends[store.topic] = await restoreStore({ task, store, mark }, options);
    }),
  );
  task.start({ mark, committed, ends });
  return mark;
}

/** Records between two turns of others. */
const slice = 1_000;

interface Restoring {
  readonly task: Task;
  readonly store: TaskChangelog;
  readonly mark: Mark | null;
}

/** Resolves with where what counts ends. */
async function restoreStore({ task, store, mark }: Restoring, options: RestoreOptions): Promise<number> {
  const { name, changelog, disk, topic } = store;
  const { client, admin, counters } = options;
  const range = await rangeOf(admin, topic, task.partition);
  const { from: start, end } = await inSlices(planRestore(disk, mark, range));
  const from = disk ? start : Math.max(start, options.from?.get(topic) ?? 0);
  const startMs = stopwatchMs();
  let records = 0;
  await client.read({
    ...{ topic, partition: task.partition, from, to: range.latest },
    async onBatch(batch) {
      const waiting = options.prepare(batch.records.map(({ value }) => value));
      if (waiting) await waiting;
      for (let at = 0; at < batch.records.length; at += slice) {
        restoreRecords(changelog, batch.records.slice(at, at + slice), { end, counters });
        await breathe();
      }
      records += batch.records.length;
      const position = batch.records.at(-1)!.offset + 1;
      const perSecond = Math.round((records * 1_000) / Math.max(1, stopwatchMs() - startMs));
      const left = range.latest - position;
      options.onProgress?.({ taskId: task.id, store: name, position, end: range.latest, left, perSecond });
    },
  });
  return end;
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
