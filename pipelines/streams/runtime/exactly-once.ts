import type { LogClient, LogTransaction, OutgoingRecord, TransactionalProducer } from '#kafka';
import { endsOf, type Outputs } from '../task/checkpoint.ts';
import type { Task } from '../task/task.ts';
import { sendChanges } from './at-least-once.ts';
import { allOf, type Committer, outputsOf, type Part } from './committer.ts';
import type { RefusedOutputs } from './refused-outputs.ts';

export interface ExactlyOnceOptions {
  readonly client: LogClient;
  readonly applicationId: string;
  readonly refused: RefusedOutputs;
}

interface Writer {
  readonly producer: TransactionalProducer;
  /** Begun with the first output of a checkpoint, ended with the checkpoint. */
  transaction: LogTransaction | null;
}

/**
 * One transaction per task and checkpoint, by a producer that belongs to the task's id: whoever opens it next fences this
 * one, and only then looks up what was committed.
 *
 * Delivery: outputs, state and offsets appear together or not at all, to readers of committed records.
 */
export function exactlyOnce({ client, applicationId, refused }: ExactlyOnceOptions): Committer {
  const writers = new Map<string, Writer>();
  const closeAll = async () => {
    const closing = [...writers.values()];
    writers.clear();
    await Promise.all(closing.map(({ producer }) => producer.close()));
  };
  const transactionOf = async ({ id }: Task): Promise<LogTransaction> => {
    const writer = writers.get(id)!;
    writer.transaction ??= await writer.producer.begin();
    return writer.transaction;
  };
  const write = async (task: Task, outputs: Outputs, rest: readonly OutgoingRecord[]) => {
    const transaction = await transactionOf(task);
    const send = async (records: readonly OutgoingRecord[]) =>
      records.length > 0 ? transaction.send(records) : [];
    await refused.send(outputs, send);
    const written = await sendChanges(rest, send);
    return { transaction, ends: endsOf(written) };
  };
  const commitOne = async ({ task, checkpoint }: Part) => {
    const { changes, offsets } = checkpoint;
    const mark = task.mark(checkpoint, null);
    const rest = mark ? [...changes, mark] : changes;
    const { transaction, ends } = await write(task, outputsOf(checkpoint), rest);
    if (offsets.length > 0) await transaction.sendOffsets(applicationId, offsets);
    await transaction.commit();
    writers.get(task.id)!.transaction = null;
    task.committed(checkpoint, ends);
  };
  return {
    together: false,
    async open(tasks) {
      await closeAll();
      await Promise.all(
        tasks.map(async ({ id }) => {
          const producer = await client.transactionalProducer(`${applicationId}-${id}`);
          writers.set(id, { producer, transaction: null });
        }),
      );
    },
    async sendAhead(parts) {
      await allOf(parts.map(({ task, outputs }) => write(task, outputs, [])));
    },
    async commit(parts) {
      await allOf(parts.map(commitOne));
    },
    close: closeAll,
  };
}
