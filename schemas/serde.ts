/** Serdes of the catalogue's topics over a registry. */

import { SluiceError } from '#errors';
import { codec, type Serde, schemaIdOf } from './codec.ts';
import type { Records } from './generated/types.ts';
import { type SchemaName, schemas } from './schema-names.ts';
import { localRegistry, localSchemaId, type SchemaRegistry } from './schema-registry.ts';
import { type RecordTopicName, recordTopicNames, subjects, type TopicRecord, topics } from './topics.ts';
import { type WriterOptions, Writers } from './writers.ts';

export interface Serdes {
  /** The serde of a topic's values; the same object at every call. */
  of<T extends RecordTopicName>(topic: T): Serde<TopicRecord<T>>;
  /** The serde of a record type, framed with the id its schema has; for values outside the catalogue's topics. */
  codec<N extends SchemaName>(record: N, schemaId: number): Serde<Records[N]>;
  /** Id of the schema that `of(topic)` writes. */
  schemaId(topic: RecordTopicName): number;
  /**
   * Call before deserialising a batch. Undefined, without any waiting, when every schema id in it is already known or
   * known to be unknown; else resolves once the registry was asked. Values that are no framed records are passed over.
   * Errors: REGISTRY_UNREACHABLE: nothing is lost, try again.
   */
  prepareFor(values: Iterable<Buffer | null>): Promise<void> | undefined;
  /** Asks the registry for ids that are not known yet. Errors: REGISTRY_UNREACHABLE. */
  prepare(ids: Iterable<number>): Promise<void>;
}

export interface SerdesOptions extends WriterOptions {
  readonly registry: SchemaRegistry;
  readonly tenant: string;
  /** Topics that are read or written. Absent: all. */
  readonly topics?: readonly RecordTopicName[];
}

/** Registers the current schemas of the topics (idempotent) and makes their serdes. Errors: those of the registry. */
export async function openSerdes({ registry, tenant, ...options }: SerdesOptions): Promise<Serdes> {
  const wanted = options.topics ?? recordTopicNames;
  const ids = new Map<RecordTopicName, number>();
  const register = async (registration: ReturnType<typeof subjects>[number]) => {
    const { subject, schema, compatibility } = registration;
    ids.set(registration.topic, await registry.register({ subject, schema, compatibility }));
  };
  await Promise.all(
    subjects(tenant)
      .filter(entry => wanted.includes(entry.topic))
      .map(register),
  );
  return makeSerdes(new Writers(registry, options), ids);
}

/** Serdes that need no registry: every schema of this version under its local id. */
export function localSerdes(): Serdes {
  const writers = new Writers(localRegistry());
  for (const { json } of Object.values(schemas)) writers.add(localSchemaId(json), json);
  const idOf = (topic: RecordTopicName) => localSchemaId(schemas[topics[topic].record].json);
  return makeSerdes(writers, new Map(recordTopicNames.map(topic => [topic, idOf(topic)])));
}

function makeSerdes(writers: Writers, ids: ReadonlyMap<RecordTopicName, number>): Serdes {
  const byTopic = new Map<RecordTopicName, Serde<never>>();
  for (const [topic, schemaId] of ids) {
    const record = topics[topic].record;
    writers.add(schemaId, schemas[record].json);
    byTopic.set(topic, codec({ record, schemaId, writers }) as unknown as Serde<never>);
  }
  const opened = <V>(found: V | undefined, topic: string): V => {
    if (found === undefined)
      throw new SluiceError('BUG', `the serdes were not opened for ${topic}: name it in topics`);
    return found;
  };
  return {
    of: topic => opened(byTopic.get(topic), topic) as never,
    codec: (record, schemaId) => codec({ record, schemaId, writers }),
    schemaId: topic => opened(ids.get(topic), topic),
    prepareFor(values) {
      const wanted: number[] = [];
      for (const value of values) {
        const id = value === null ? undefined : schemaIdOf(value);
        if (id !== undefined && writers.isWorthAsking(id)) wanted.push(id);
      }
      return wanted.length === 0 ? undefined : writers.prepare(wanted);
    },
    prepare: ids => writers.prepare(ids),
  };
}

/** Text as UTF-8: record keys, and the values of topics that carry no Avro. */
export const textSerde: Serde<string> = Object.freeze({
  serialize: (text: string) => Buffer.from(text, 'utf8'),
  deserialize: (bytes: Buffer) => bytes.toString('utf8'),
});

/** Values as JSON, for topics that are no part of the catalogue. Errors: RECORD_CORRUPT. `T` must be what JSON can say. */
export function jsonSerde<T>(): Serde<T> {
  return {
    serialize: value => Buffer.from(JSON.stringify(value)),
    deserialize(bytes) {
      try {
        return JSON.parse(bytes.toString('utf8')) as T;
      } catch (cause) {
        throw new SluiceError(
          'RECORD_CORRUPT',
          `${bytes.length} bytes are no JSON: ${(cause as Error).message}`,
          { cause },
        );
      }
    },
  };
}
