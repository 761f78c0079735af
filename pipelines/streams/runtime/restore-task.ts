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
  /** Whether the task is not wanted any more. */
  isStale?(): boolean;
}

export interface Restored {
  readonly mark: Mark | null;
  /** Of a restore that ended before its time, by changelog topic: the first record that the stores lack. null: complete. */
  readonly stoppedAt: ReadonlyMap<string, number> | null;
}

/**
 * Brings a task's stores to its last complete checkpoint, and opens it, unless it turns out that the task is not wanted any more.
 * However long it takes, timers and the network have their turns.
 */
export async function restoreTask(
  task: Task,
  committed: readonly TopicPartitionOffset[],
  options: RestoreOptions,
): Promise<Restored> {
  const { changelogs } = task;
  await inSlices(recoverUnlogged(task));
  if (changelogs.length === 0) {
    task.start({ mark: null, committed, ends: {} });
    return { mark: null, stoppedAt: null };
  }
  const mark = await lastMark(task, options);
  const ends: Record<string, number> = {};
  const reached = new Map<string, number>();
  let isComplete = true;
  await Promise.all(
    changelogs.map(async store => {
      const { position, end, latest } = await restoreStore({ task, store, mark }, options);
      ends[store.topic] = end;
      // What did not count may by then: it is read again.
      reached.set(store.topic, Math.min(position, end));
      if (position < latest) isComplete = false;
    }),
  );
  if (!isComplete) return { mark, stoppedAt: reached };
  task.start({ mark, committed, ends });
  return { mark, stoppedAt: null };
}

/** Records between two turns of others. */
const slice = 1_000;

interface Restoring {
  readonly task: Task;
  readonly store: TaskChangelog;
  readonly mark: Mark | null;
}

interface StoreRestored {
  /** Of the first record that was not read. */
  readonly position: number;
  /** Where what counts ends. */
  readonly end: number;
  /** Where there was nothing more to read. */
  readonly latest: number;
}

async function restoreStore(
  { task, store, mark }: Restoring,
  options: RestoreOptions,
): Promise<StoreRestored> {
  const { name, changelog, disk, topic } = store;
  const { client, admin, counters } = options;
  const range = await rangeOf(admin, topic, task.partition);
  const { from: start, end } = await inSlices(planRestore(disk, mark, range));
  const from = disk ? start : Math.max(start, options.from?.get(topic) ?? 0);
  const startMs = stopwatchMs();
  let records = 0;
  const stopping = new AbortController();
  const position = await client.read({
    ...{ topic, partition: task.partition, from, to: range.latest, signal: stopping.signal },
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
      if (options.isStale?.()) stopping.abort();
    },
  });
  return { position, end, latest: range.latest };
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
