import type { LogClient, TransactionalProducer } from '#kafka';
import type { Committer, Part } from './committer.ts';

export interface ExactlyOnceOptions {
  readonly client: LogClient;
  readonly applicationId: string;
}

/**
 * One transaction per task and checkpoint, by a producer that belongs to the task's id: whoever opens it next fences this
 * one, and only then looks up what was committed.
 *
 * Delivery: outputs, state and offsets appear together or not at all, to readers of committed records.
 */
export function exactlyOnce({ client, applicationId }: ExactlyOnceOptions): Committer {
  const producers = new Map<string, TransactionalProducer>();
  const closeAll = async () => {
    const closing = [...producers.values()];
    producers.clear();
    await Promise.all(closing.map(producer => producer.close()));
  };
  const commitOne = async ({ task, checkpoint }: Part) => {
    const { outputs, changes, offsets } = checkpoint;
    const mark = task.mark(checkpoint, null);
    const transaction = await producers.get(task.id)!.begin();
    const records = [...outputs, ...changes, ...(mark ? [mark] : [])];
    if (records.length > 0) await transaction.send(records);
    if (offsets.length > 0) await transaction.sendOffsets(applicationId, offsets);
    await transaction.commit();
    task.committed(checkpoint);
  };
  return {
    async open(tasks) {
      await closeAll();
      await Promise.all(
        tasks.map(async ({ id }) =>
          producers.set(id, await client.transactionalProducer(`${applicationId}-${id}`)),
        ),
      );
    },
    async commit(parts) {
      await Promise.all(parts.map(commitOne));
    },
    close: closeAll,
  };
}
