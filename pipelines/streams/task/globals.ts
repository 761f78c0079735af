import { SluiceError } from '#errors';
import type { LogRecord } from '#kafka';
import type { StreamRecord } from '../record.ts';
import type { GlobalSpec, GlobalTable, GlobalView } from '../store/global.ts';
import type { Graph } from '../topology/graph.ts';
import { type DeadLetterCause, type FailureHandler, failureAt } from './dead-letter.ts';

export interface GlobalsOptions {
  readonly graph: Graph;
  readonly onFailure: FailureHandler;
  deadLetter(record: LogRecord, cause: DeadLetterCause): void;
}

type AnyView = GlobalView<unknown, unknown>;

/** The views of all global tables of an application; one each, shared by its tasks. */
export class Globals {
  readonly #views: ReadonlyMap<GlobalSpec, AnyView>;
  readonly #byTopic: ReadonlyMap<string, readonly [GlobalSpec, AnyView]>;
  readonly #options: GlobalsOptions;

  constructor(options: GlobalsOptions) {
    this.#options = options;
    this.#views = new Map(options.graph.globals.map(spec => [spec, spec.view() as AnyView]));
    this.#byTopic = new Map([...this.#views].map(entry => [entry[0].topic, entry]));
  }

  get topics(): readonly string[] {
    return [...this.#byTopic.keys()];
  }

  /** undefined: from its start. */
  lookBackMs(topic: string): number | undefined {
    return this.#byTopic.get(topic)![0].lookBackMs;
  }

  view<W>(table: GlobalTable<W>): W {
    const view = this.#views.get(table);
    if (!view)
      throw new SluiceError('CONFIG_INVALID', `${table.topic} is a global table of another topology`);
    return view as W;
  }

  /** Errors: what halts, a record that cannot be applied included. */
  apply(raw: LogRecord): void {
    const [spec, view] = this.#byTopic.get(raw.topic)!;
    const { onFailure, deadLetter } = this.#options;
    let record: StreamRecord<unknown, unknown>;
    try {
      record = read(raw, spec);
    } catch (cause) {
      const error = failureAt(raw, cause);
      const reaction = onFailure({ error, record: raw, stage: 'deserialise' });
      if (reaction === 'halt') throw error;
      if (reaction === 'dead-letter') deadLetter(raw, error);
      return;
    }
    try {
      view.apply(record);
    } catch (cause) {
      throw failureAt(raw, cause);
    }
  }
}

function read(raw: LogRecord, { key, value }: GlobalSpec): StreamRecord<unknown, unknown> {
  const { topic, partition, offset, timestampMs, headers } = raw;
  if (raw.key === null) throw new SluiceError('RECORD_CORRUPT', 'a record of a global table needs a key');
  return {
    key: key.deserialize(raw.key),
    value: raw.value === null ? null : value.deserialize(raw.value),
    timestampMs,
    headers,
    origin: { topic, partition, offset },
  };
}
