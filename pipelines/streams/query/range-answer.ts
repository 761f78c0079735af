/** What a store has, over all its partitions, in one order. */

import type { ReadOnlyStore } from '../store/key-value-store.ts';
import type { ReadOnlyTimeline } from '../store/timeline.ts';
import type { Part } from './gather.ts';
import { defaultLimit, largestLimit, timesOf } from './key-answer.ts';
import { Refusal } from './refusal.ts';
import { type Asked, type Place, type StoreQuery, storeQuery } from './store-query.ts';

interface Entry {
  readonly key: unknown;
  /** base64url; what the entries are ordered by, and what asks for the next page. */
  readonly keyBytes: string;
  readonly timeMs?: number;
  readonly value: unknown;
  readonly timestampMs: number;
  readonly partition: number;
}

interface Range {
  readonly entries: readonly Entry[];
  readonly places: readonly Place[];
}

export interface RangeAnswer extends Range {
  readonly store: string;
  /** Whether there are more within the bounds. */
  readonly more: boolean;
}

/** `GET /stores/:name`: keys from (included) to (excluded), by the order of their bytes. */
export async function answerRange(asked: Asked): Promise<RangeAnswer> {
  const query = storeQuery(asked, 'key-value');
  const { parameters } = asked;
  const limit = parameters.whole('limit', { absent: defaultLimit, min: 1, max: largestLimit });
  const bounds = { from: query.boundOf('from'), to: query.boundOf('to') };
  return collect(query, limit, function* (part) {
    const store = part.store as ReadOnlyStore<unknown, unknown>;
    refuseToSort(query, store);
    for (const [key, value] of store.range(bounds))
      yield {
        ...keyFields(query, key),
        value,
        timestampMs: store.timestampOf(key),
        partition: part.partition,
      };
  });
}

/** Keys that are put in order in about a tenth of a second, in which nothing else is done. */
const mostSorted = 100_000;

/** Errors: 400 for a store whose processing a range would hold up: its keys are put in order only when order is asked for. */
function refuseToSort(
  { store: { name, isOrdered } }: StoreQuery,
  { size }: ReadOnlyStore<unknown, unknown>,
): void {
  if (isOrdered || size <= mostSorted) return;
  throw new Refusal(
    400,
    `${name} has ${size} keys in memory, and to put them in order would hold up processing: ask for single keys, or keep it on disk (engine: 'disk')`,
  );
}

/** `GET /stores/:name/windows`: entries of all keys from a time to a time, both included, by time, then by key. */
export async function answerSpan(asked: Asked): Promise<RangeAnswer> {
  const query = storeQuery(asked, 'timeline');
  const { fromMs, toMs, limit } = timesOf(asked);
  return collect(query, limit, function* ({ store, partition }) {
    const timeline = store as ReadOnlyTimeline<unknown, unknown>;
    for (const [key, { timeMs, value, timestampMs }] of timeline.all({ fromMs, toMs }))
      yield { ...keyFields(query, key), timeMs, value, timestampMs, partition };
  });
}

async function collect(
  query: StoreQuery,
  limit: number,
  entriesOf: (part: Part) => Iterable<Entry>,
): Promise<RangeAnswer> {
  const { store, partitionCount } = query;
  const all = Array.from({ length: partitionCount }, (_, at) => at);
  const ranges = await query.gather<Range & { readonly more: boolean }>(all, {
    here(parts) {
      // One more than asked for, to know whether there are more.
      const entries = parts.flatMap(part => first(entriesOf(part), limit + 1)).sort(inOrder);
      const places = parts.map(part => query.placeOf(part));
      return { entries: entries.slice(0, limit), places, more: entries.length > limit };
    },
    read(status, body) {
      if (status === 200) return body as RangeAnswer;
      throw new Refusal(status, String((body as { readonly error?: unknown }).error));
    },
  });
  const entries = ranges.flatMap(range => range.entries).sort(inOrder);
  return {
    store: store.name,
    entries: entries.slice(0, limit),
    more: entries.length > limit || ranges.some(({ more }) => more),
    places: ranges.flatMap(({ places }) => places).sort((a, b) => a.partition - b.partition),
  };
}

function keyFields({ store }: StoreQuery, key: unknown): Pick<Entry, 'key' | 'keyBytes'> {
  return { key, keyBytes: store.key!.serialize(key).toString('base64url') };
}

function first<T>(items: Iterable<T>, count: number): T[] {
  const found: T[] = [];
  for (const item of items) {
    found.push(item);
    if (found.length === count) break;
  }
  return found;
}

const inOrder = (a: Entry, b: Entry) =>
  (a.timeMs ?? 0) - (b.timeMs ?? 0) ||
  Buffer.compare(Buffer.from(a.keyBytes, 'base64url'), Buffer.from(b.keyBytes, 'base64url'));
