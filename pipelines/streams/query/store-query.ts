import { resolveTopic } from '../topology/topic-ref.ts';
import { type Gathering, gather, type Part, type Question } from './gather.ts';
import { type NamedStore, namedStores, type StoreKind } from './named-store.ts';
import { bytesOf, type Encoding, type Parameters } from './parameters.ts';
import type { QuerySource } from './query-source.ts';
import { badParameter, notNow, Refusal } from './refusal.ts';

/** A question about a store, as it came. */
export interface Asked extends Gathering {
  /** The path without its parameters. */
  readonly path: string;
  readonly name: string;
  readonly parameters: Parameters;
  /** Whether another member asks. */
  readonly isHop: boolean;
}

/** What every query of a store may say besides its own. */
export const placeParameters = ['partitions', 'local', 'stale', 'encoding'] as const;

/** Where a part of an answer comes from. */
export interface Place {
  readonly partition: number;
  readonly task: string;
  readonly role: Part['role'];
  /** Input that the holder has not processed yet, as far as it knows; null of a copy, and before the first batch. */
  readonly lagRecords: number | null;
}

export interface StoreQuery {
  readonly store: NamedStore;
  readonly partitionCount: number;
  /** The bytes of a key, checked: they are what the store's serde writes for it. */
  keyOf(name: string, text: string, encoding?: Encoding): { readonly key: unknown; readonly bytes: Buffer };
  /** A bound of keys. */
  boundOf(name: string): unknown;
  placeOf(part: Part): Place;
  /** `partitions` as the asker chose them, else the given ones. */
  gather<T>(
    partitions: readonly number[],
    question: Pick<Question<T>, 'here' | 'read'>,
  ): Promise<readonly T[]>;
}

/** Errors: 404 for a store that is not there, 400 for one of another kind, 503 before the start. */
export function storeQuery(asked: Asked, kind: StoreKind): StoreQuery {
  const { source, name, parameters } = asked;
  const store = findStore(source, name, kind);
  const partitionCount = source.partitionsOf(name);
  if (partitionCount === null) throw notNow(`${source.applicationId} has not started yet`);
  const chosen = parameters.numbers('partitions');
  if (chosen?.some(partition => partition >= partitionCount))
    throw badParameter('partitions', `${name} has the partitions 0 to ${partitionCount - 1}`);
  const encoding = parameters.encoding();
  const isStaleOk = parameters.oneOf('stale', ['ok', 'no'], 'no') === 'ok';
  const isLocal = asked.isHop || parameters.flag('local');
  return {
    store,
    partitionCount,
    keyOf: (parameter, text, as = encoding) => keyOf(store, { parameter, text, encoding: as }),
    boundOf: parameter => {
      const text = parameters.text(parameter);
      return text === undefined ? undefined : keyOf(store, { parameter, text, encoding }).key;
    },
    placeOf: part => placeOf(source, store, part),
    gather: (partitions, question) =>
      gather(asked, {
        ...question,
        store: name,
        partitions: chosen ?? partitions,
        isLocal,
        isStaleOk,
        pathFor: some => parameters.with(asked.path, { partitions: some.join(',') }),
      }),
  };
}

function findStore(source: QuerySource, name: string, kind: StoreKind): NamedStore {
  const stores = namedStores(source.topology.graph);
  const store = stores.find(each => each.name === name);
  if (!store)
    throw new Refusal(404, `there is no store ${JSON.stringify(name)}`, {
      fields: { stores: stores.map(each => each.name) },
    });
  if (store.kind === kind) return store;
  const mends = {
    'key-value': `it is asked under /stores/${name}/keys/… and /stores/${name}`,
    timeline: `it is asked under /stores/${name}/windows/…`,
    other: 'it cannot be asked',
  };
  throw new Refusal(400, `${name} is a store of kind ${store.kind}: ${mends[store.kind]}`);
}

interface GivenKey {
  readonly parameter: string;
  readonly text: string;
  readonly encoding: Encoding;
}

function keyOf({ key: serde, name }: NamedStore, { parameter, text, encoding }: GivenKey) {
  const given = bytesOf(parameter, text, encoding);
  try {
    const key = serde!.deserialize(given);
    // Where a value may be written in several ways, the store has one of them.
    return { key, bytes: serde!.serialize(key) };
  } catch (error) {
    throw badParameter(
      parameter,
      `it is no key of ${name} (${(error as Error).message}): give its serialised form, as text or with encoding=base64url`,
    );
  }
}

function placeOf(source: QuerySource, { subTopology }: NamedStore, { partition, role }: Part): Place {
  const { graph } = source.topology;
  const topics = graph
    .subTopologies()
    [subTopology]!.sources.map(({ topic }) => resolveTopic(topic, source.applicationId));
  const known = source.lag().filter(at => at.partition === partition && topics.includes(at.topic));
  const isKnown = role === 'active' && known.length > 0;
  return {
    partition,
    task: `${subTopology}_${partition}`,
    role,
    lagRecords: isKnown ? known.reduce((sum, { lag }) => sum + lag, 0) : null,
  };
}
