import { classify, SluiceError } from '#errors';
import type { LogProducer, OutgoingRecord, TopicPartitionOffset } from '#kafka';
import { endsOf } from '../task/checkpoint.ts';
import { allOf, type Committer, concat, offsetsOf, outputsOf, topicsOf } from './committer.ts';
import type { RefusedOutputs } from './refused-outputs.ts';

export interface AtLeastOnceOptions {
  readonly producer: LogProducer;
  readonly refused: RefusedOutputs;
  /** Tries a step anew while that may help. */
  again<T>(step: () => Promise<T>): Promise<T>;
  commit(offsets: readonly TopicPartitionOffset[]): Promise<void>;
}

/**
 * Outputs and changes, then the mark that makes the changes count, then the offsets; each acknowledged before the next.
 * Outputs may go out before their checkpoint, changes never: between two marks there are those of one checkpoint only.
 *
 * Delivery: a crash in between repeats outputs, never state: a mark names the input it covers (docs/semantics.md, S25).
 */
export function atLeastOnce({ producer, refused, again, commit }: AtLeastOnceOptions): Committer {
  const send = (records: readonly OutgoingRecord[]) =>
    records.length > 0 ? again(() => producer.send(records)) : Promise.resolve([]);
  return {
    together: true,
    async open() {},
    async sendAhead(parts) {
      await refused.send(concat(parts.map(({ outputs }) => outputs)), send);
    },
    async commit(parts, onWritten) {
      const outputs = concat(parts.map(({ checkpoint }) => outputsOf(checkpoint)));
      const changes = parts.flatMap(({ checkpoint }) => checkpoint.changes);
      const [, written] = await allOf([refused.send(outputs, send), sendChanges(changes, send)]);
      const ends = endsOf(written);
      onWritten();
      await send(parts.flatMap(({ task, checkpoint }) => task.mark(checkpoint, ends) ?? []));
      const offsets = offsetsOf(parts);
      if (offsets.length > 0) await again(() => commit(offsets));
      for (const { task, checkpoint } of parts) task.committed(checkpoint);
    },
    async close() {},
  };
}

/** A change that cannot be written is state that cannot be kept. Errors: as the send, naming what was to be written. */
export async function sendChanges<T>(
  changes: readonly OutgoingRecord[],
  send: (records: readonly OutgoingRecord[]) => Promise<T>,
): Promise<T> {
  try {
    return await send(changes);
  } catch (error) {
    const known = classify(error);
    if (known.reaction === 'retry' || known.reaction === 'rejoin') throw known;
    throw new SluiceError(
      known.code === 'VALUE_INVALID' ? 'CONFIG_INVALID' : known.code,
      `state could not be written to ${topicsOf(changes)}: ${known.message}`,
      { cause: known },
    );
  }
}
