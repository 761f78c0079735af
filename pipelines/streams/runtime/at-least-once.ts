import type { LogProducer, TopicPartitionOffset } from '#kafka';
import { endsOf } from '../task/checkpoint.ts';
import { type Committer, offsetsOf } from './committer.ts';

export interface AtLeastOnceOptions {
  readonly producer: LogProducer;
  commit(offsets: readonly TopicPartitionOffset[]): Promise<void>;
}

/**
 * Outputs and changes, then the mark that makes the changes count, then the offsets; each acknowledged before the next.
 *
 * Delivery: a crash in between repeats outputs, never state: a mark names the input it covers (docs/semantics.md, S4).
 */
export function atLeastOnce({ producer, commit }: AtLeastOnceOptions): Committer {
  return {
    async open() {},
    async commit(parts, again) {
      const records = parts.flatMap(({ checkpoint }) => [...checkpoint.outputs, ...checkpoint.changes]);
      const written = records.length > 0 ? await again(() => producer.send(records)) : [];
      const ends = endsOf(written);
      const marks = parts.flatMap(({ task, checkpoint }) => task.mark(checkpoint, ends) ?? []);
      if (marks.length > 0) await again(() => producer.send(marks));
      const offsets = offsetsOf(parts);
      if (offsets.length > 0) await again(() => commit(offsets));
      for (const { task, checkpoint } of parts) task.committed(checkpoint);
    },
    async close() {},
  };
}
